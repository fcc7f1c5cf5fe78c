// Opens the store of one service on PostgreSQL: its decisions, its outbox, and an EntityManager for ordinary reads.
import { DriverException, type EntityManager, type EntityName } from "@mikro-orm/postgresql";
import { type Fact, Refusal } from "@quadrille/decider";
import { closeOrm, type DatabaseConfig, openOrm, poolMostOf } from "./database.ts";
import { failureOf } from "./failure.ts";
import { layoutOf } from "./layout.ts";
import { openLeaseTable } from "./leases.ts";
import { openOutboxTable } from "./outbox-table.ts";
import { openParkedTable } from "./parked.ts";
import { openPlaces } from "./places.ts";
import { PostgresTransactions } from "./postgres.ts";
import { daysAhead } from "./schema.ts";
import { Sessions } from "./session.ts";
import { type DecisionOptions, type Store, storeOn } from "./store.ts";
import type { Ledger, TablesOf } from "./tables.ts";
import { Turns } from "./turns.ts";

export type { DatabaseConfig } from "./database.ts";
export type { Answer, Cause, Committed } from "./group.ts";
export { migrate } from "./migrate.ts";
export type { Outbox, Store } from "./store.ts";

export interface StoreOptions<Tables, Input, F extends Fact, Entry>
  extends DecisionOptions<Tables, Input, F, Entry> {
  readonly database: DatabaseConfig;
  /** In the order in which rows are locked. */
  readonly tables: TablesOf<Tables>;
  readonly ledger?: Ledger<Entry>;
  /** Entities that are only read. */
  readonly entities?: readonly EntityName[];
}

/** A store with an EntityManager beside it. */
export interface DatabaseStore<Tables, Input> extends Store<Tables, Input> {
  /** An ordinary read, outside any group. Rejects with Refusal UNAVAILABLE when the database cannot be asked, OVERLOADED when too many reads wait. */
  read<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
}

/** Reads that wait for a connection; at a millisecond each the last of them waits for a fraction of a second. */
const readsWaitingMost = 1_000;

/** Opens a store on a migrated database. Rejects if the database cannot be reached or lacks the store's tables. */
export async function openStore<Tables, Input, F extends Fact, Entry = never>(
  options: StoreOptions<Tables, Input, F, Entry>,
): Promise<DatabaseStore<Tables, Input>> {
  const entities = new Set<EntityName>(options.entities ?? []);
  for (const { entity } of Object.values<{ entity: EntityName }>(options.tables)) entities.add(entity);
  if (options.ledger !== undefined) entities.add(options.ledger.entity);

  const orm = await openOrm(options.database, [...entities]);
  try {
    const layout = layoutOf(orm, options);
    const sessions = new Sessions(orm, layout.keys);
    await sessions.query("select quadrille_make_partitions($1)", [daysAhead]);
    const store = storeOn(
      {
        transactions: new PostgresTransactions(sessions, layout, options.decider.initial),
        outbox: openOutboxTable(sessions),
        parked: openParkedTable(sessions),
        leases: openLeaseTable(sessions),
        places: openPlaces(sessions),
        isReady: () =>
          sessions.query("select 1").then(
            () => true,
            () => false,
          ),
        close: () => closeOrm(orm),
      },
      options,
    );
    // The rest of the pool is for commits, the relay and readiness: no flood of reads may keep those waiting.
    const reads = new Turns(Math.max(1, poolMostOf(options.database) - 3), readsWaitingMost);
    return Object.assign(store, {
      async read<T>(work: (em: EntityManager) => Promise<T>) {
        try {
          return await reads.take(() => work(orm.em.fork()));
        } catch (error) {
          // Any other error is the work's own.
          const isLost = error instanceof DriverException && failureOf(error, layout.keys).kind === "lost";
          throw isLost ? new Refusal("UNAVAILABLE", { cause: error }) : error;
        }
      },
    });
  } catch (error) {
    await closeOrm(orm);
    throw error;
  }
}
