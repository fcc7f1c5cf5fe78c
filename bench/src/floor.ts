// The floor: the least durable work there is for the same checkouts, with plain pg and nats.js.
//
// The same facts with the same payloads, the same inbox, outbox, state and ledger rows in the same tables, a commit
// for each group of messages, published with their ids, heard and acknowledged; no gRPC, no HTTP, no ORM. Once with
// one message a transaction and once with all that queued up during the transaction before.
//
// Four roles are four processes: one thread could use half of a machine with two cores, and a floor that leaves
// processors idle would be too easy to reach.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Service, services } from "@quadrille/contracts/events";
import { migrations as memberMigrations } from "@quadrille/member/migrations";
import { migrations as orderMigrations } from "@quadrille/order/migrations";
import { migrate } from "@quadrille/outbox";
import { migrations as paymentMigrations } from "@quadrille/payment/migrations";
import { migrations as productMigrations } from "@quadrille/product/migrations";
import pg from "pg";
import { any, pointsUsed, twoOf } from "./checkout.ts";
import { ClosedLoop } from "./closed-loop.ts";
import type { Databases } from "./durable.ts";
import { makeStreams } from "./floor-broker.ts";
import type { Placed } from "./floor-order.ts";
import type { Input } from "./floor-transaction.ts";
import type { News, WorkerOptions } from "./floor-worker.ts";
import { Gathered } from "./gathered.ts";

export type FloorKind = "one message a transaction" | "grouped";

/** As many connections as a service has by default, where one transaction takes one message. */
const shapes = {
  "one message a transaction": { prefix: "floor_single", most: 1, connections: 8 },
  grouped: { prefix: "floor_grouped", most: 256, connections: 1 },
} as const;

const migrations = {
  order: orderMigrations,
  product: productMigrations,
  member: memberMigrations,
  payment: paymentMigrations,
};

export interface Floor extends AsyncDisposable {
  readonly kind: FloorKind;
  readonly databases: Databases;
  readonly load: ClosedLoop;
  readonly pids: ReadonlyMap<Service, number>;
}

/** Makes databases beside the product's with the same tables, variants and members, and streams of its own. */
export async function startFloor(kind: FloorKind, product: Databases, natsUrl: string): Promise<Floor> {
  const { prefix, ...shape } = shapes[kind];
  const databases = await makeDatabases(prefix, product);
  await makeStreams(natsUrl, prefix, services);
  await using opening = new AsyncDisposableStack();
  const children = new Map<Service, ChildProcess>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const give = (service: Service) => new Gathered<Input>((inputs) => children.get(service)?.send(inputs));
  const [orders, payments] = [give("order"), give("payment")];
  const hear = ({ orderId, type }: News) => {
    // Confirmed as soon as payment can be: a moment after the order is payable, and nobody has to wait in between.
    if (type === "payment.opened") payments.add({ type: "confirm", orderId, data: undefined });
    else waiting.get(orderId)?.resolve();
  };
  for (const service of services) {
    const child = fork(join(import.meta.dirname, "floor-role.ts"), {
      serialization: "advanced",
      execArgv: [],
    });
    children.set(service, child);
    opening.defer(() => end(child));
    child.send({
      service,
      databaseUrl: databases[service],
      natsUrl,
      prefix,
      ...shape,
    } satisfies WorkerOptions);
    const died = diedEarly(child, service);
    await Promise.race([once(child, "message"), died]);
    child.on("message", (news: readonly News[]) => news.forEach(hear));
    died.catch((error) => {
      for (const { reject } of waiting.values()) reject(error);
    });
  }
  const market = await readMarket(databases);
  const checkOut = async () => {
    const placed = wish(market);
    const { orderId } = placed;
    const confirmed = Promise.withResolvers<void>();
    waiting.set(orderId, confirmed);
    orders.add({ type: "place", orderId, data: placed });
    await confirmed.promise;
    waiting.delete(orderId);
  };
  const open = opening.move();
  return {
    kind,
    databases,
    load: new ClosedLoop(checkOut),
    pids: new Map([...children].map(([service, child]) => [service, child.pid as number])),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function diedEarly(child: ChildProcess, service: Service): Promise<never> {
  const [code, signal] = await once(child, "exit");
  throw new Error(`the floor's ${service} ended with ${code ?? signal}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, "exit");
  child.disconnect();
  await over;
}

async function makeDatabases(prefix: string, product: Databases): Promise<Databases> {
  const made = {} as Record<Service, string>;
  for (const service of services) {
    const url = new URL(product[service]);
    url.pathname = `${prefix}_${service}`;
    await inDatabase(product[service], (client) => client.query(`create database ${prefix}_${service}`));
    await migrate({ url: url.href }, migrations[service]);
    made[service] = url.href;
  }
  await copy("variants", product.product, made.product, "available = 100000000, held = 0, sold = 0");
  await copy("members", product.member, made.member, "available = 10000000000, held = 0, spent = 0");
  return made;
}

async function copy(table: string, from: string, to: string, reset: string): Promise<void> {
  const rows = await inDatabase(from, (client) =>
    client.query(`select json_agg(${table}) as all from ${table}`),
  );
  await inDatabase(to, async (client) => {
    const text = `insert into ${table} select * from json_populate_recordset(null::${table}, $1)`;
    await client.query(text, [JSON.stringify(rows.rows[0].all)]);
    await client.query(`update ${table} set ${reset}`);
    await client.query(`vacuum analyze ${table}`);
  });
}

interface Market {
  readonly variants: readonly {
    readonly variantId: string;
    readonly title: string;
    readonly price: bigint;
  }[];
  readonly members: readonly string[];
}

async function readMarket(databases: Databases): Promise<Market> {
  const variants = await inDatabase(databases.product, (client) =>
    client.query("select variant_id, title, price from variants"),
  );
  const members = await inDatabase(databases.member, (client) =>
    client.query("select member_id from members"),
  );
  return {
    variants: variants.rows.map(({ variant_id: variantId, title, price }) => ({
      variantId,
      title,
      price: BigInt(price),
    })),
    members: members.rows.map((row) => row.member_id),
  };
}

function wish({ variants, members }: Market): Placed {
  const lines = twoOf(variants).map(({ variantId, title, price }) => ({
    variantId,
    title,
    unitPrice: price,
    quantity: 1,
  }));
  const subtotal = lines.reduce((sum, { unitPrice }) => sum + unitPrice, 0n);
  const amountDue = subtotal - pointsUsed;
  return {
    orderId: crypto.randomUUID(),
    memberId: any(members),
    lines,
    subtotal,
    points: pointsUsed,
    amountDue,
  };
}

async function inDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
