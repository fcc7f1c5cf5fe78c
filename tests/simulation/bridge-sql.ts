// The four services' stores over PostgreSQL, whose clocks and fact ids are those of a history that is replayed.
import type { MigrationObject } from "@mikro-orm/core";
import type { Service } from "@quadrille/contracts/events";
import { testDatabase } from "@quadrille/embedded/testing";
import { openBenefitStore } from "@quadrille/member/benefits.store";
import { migrations as memberMigrations } from "@quadrille/member/migrations";
import { migrations as orderMigrations } from "@quadrille/order/migrations";
import { openOrderStore } from "@quadrille/order/order.store";
import { type DatabaseConfig, migrate } from "@quadrille/outbox";
import type { Store } from "@quadrille/outbox/store";
import { migrations as paymentMigrations } from "@quadrille/payment/migrations";
import { openPaymentStore } from "@quadrille/payment/payment.store";
import { migrations as productMigrations } from "@quadrille/product/migrations";
import { openStockStore } from "@quadrille/product/stock.store";
import pg from "pg";
import { v7 } from "uuid";
import type { Query, Stores } from "./bridge-snapshot.ts";

/** One service's real store on a database of its own. */
export interface Sql<S extends Service = Service> {
  readonly service: S;
  readonly store: Stores[S] & Store<never, never>;
  readonly query: Query;
  readonly url: string;
  /** The database's time from now on. */
  setNow(now: Date): Promise<void>;
  /** Ids for the facts of the next group; whatever is told beyond them gets ids nobody expects. */
  setFactIds(factIds: readonly string[]): void;
  /** Deletes every row. */
  empty(): Promise<void>;
}

interface Opening {
  readonly database: DatabaseConfig;
  readonly most: number;
  readonly newId: () => string;
}

const openers: { readonly [S in Service]: (opening: Opening) => Promise<Stores[S]> } = {
  order: openOrderStore,
  product: openStockStore,
  member: openBenefitStore,
  payment: openPaymentStore,
};

const migrations: Readonly<Record<Service, readonly MigrationObject[]>> = {
  order: orderMigrations,
  product: productMigrations,
  member: memberMigrations,
  payment: paymentMigrations,
};

const emptied: Readonly<Record<Service, readonly string[]>> = {
  order: ["carts", "orders"],
  product: ["holds", "variants", "movements"],
  member: ["holds", "members", "transfers"],
  payment: ["payments", "journal"],
};

/**
 * A function of the services' own schema that is looked up before the server's, so that migrations, defaults and
 * stores take the replay's time for the server's. A read sees what was committed last, so the moment is a row.
 */
const clock = `
  create table replayed_moment (now timestamptz not null);
  insert into replayed_moment values ('2026-01-01T00:00:00Z');
  create function clock_timestamp() returns timestamptz language sql volatile as
    $$ select now from public.replayed_moment $$`;

export async function openSql<S extends Service>(service: S): Promise<Sql<S> & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const build = async (url: string) => {
    await ask(url, clock);
    await ask(url, lookUpOursFirst);
    await migrate({ url }, migrations[service]);
  };
  const { url } = opening.use(await testDatabase({ name: `replayed_${service}`, build }));
  // This setting is the database's, and its copies do not have it.
  await ask(url, lookUpOursFirst);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("set session_replication_role = replica"); // Nobody else may empty a ledger.
  opening.defer(() => client.end());
  let factIds: string[] = [];
  const newId = () => factIds.shift() ?? v7();
  const store = opening.use(await openers[service]({ database: { url, poolMost: 4 }, most: 256, newId }));
  const query: Query = async (text) => (await client.query(text)).rows;
  let nowMs = Number.NaN;
  const open = opening.move();
  return {
    service,
    store: store as Stores[S] & Store<never, never>,
    query,
    url,
    async setNow(now) {
      if (now.getTime() === nowMs) return;
      await client.query({ name: "set", text: "update replayed_moment set now = $1", values: [now] });
      nowMs = now.getTime();
    },
    setFactIds(ids) {
      factIds = [...ids];
    },
    async empty() {
      for (const table of [...emptied[service], "inbox", "outbox", "requests"])
        await client.query(`delete from ${table}`);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const lookUpOursFirst = `
  do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$`;

async function ask(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
