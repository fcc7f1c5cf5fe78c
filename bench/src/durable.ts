// What stands in the databases after a run: the same rows for every checkout, and sums that come out even.
import { type Service, services } from "@quadrille/contracts/events";
import pg from "pg";
import { pointsUsed } from "./checkout.ts";

export type Databases = Readonly<Record<Service, string>>;

/** Rows that checkouts leave behind, counted in the whole database; what was seeded is left out. */
const counted: Readonly<Record<Service, Readonly<Record<string, string>>>> = {
  order: { orders: "true" },
  product: { holds: "true", movements: "order_id is not null" },
  member: { holds: "true", transfers: "order_id is not null" },
  payment: { payments: "true", requests: "true" },
};

/** What must be nought when everything is settled, however many checkouts there were. */
const nought: Readonly<Record<Service, Readonly<Record<string, string>>>> = {
  order: {
    "orders that are not settled":
      "select count(*) from orders where (status, stock, benefits, payment) <> ('confirmed', 'committed', 'spent', 'approved')",
  },
  product: {
    "stock holds that are open": "select count(*) from holds where status <> 'committed'",
    "units still held": "select sum(held) from variants",
    "units sold without a movement":
      "select (select sum(sold) from variants) - (select sum(quantity) from movements where destination = 'sold')",
  },
  member: {
    "benefit holds that are open": "select count(*) from holds where status <> 'spent'",
    "points still held": "select sum(held) from members",
    "points spent without a transfer":
      "select (select sum(spent) from members) - (select sum(points) from transfers where credited = 'spent')",
  },
  payment: {
    "payments that are not approved": "select count(*) from payments where status <> 'approved'",
    "money due and not captured": "select sum(amount_due - captured) from payments",
  },
};
const everywhere = {
  "facts that are not published": "select count(*) from outbox where published_at is null",
  "parked facts": "select count(*) from parked",
};

/** What one checkout leaves behind, such as `order.outbox` → 3. */
export type Footprint = ReadonlyMap<string, number>;

export async function footprintOf(databases: Databases, checkouts: number): Promise<Footprint> {
  const footprint = new Map<string, number>();
  for (const service of services) {
    const tables = { inbox: "true", outbox: "true", ...counted[service] };
    for (const [table, condition] of Object.entries(tables)) {
      const rows = await one(databases[service], `select count(*) from ${table} where ${condition}`);
      footprint.set(`${service}.${table}`, rows / checkouts);
    }
  }
  return footprint;
}

/** Waits until every fact has been heard and marked; answers with what is wrong even then, a sentence each. */
export async function faultsOf(
  databases: Databases,
  checkouts: number,
  patienceMs: number,
): Promise<string[]> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const faults = await faultsNow(databases, checkouts);
    if (faults.length === 0 || Date.now() > until) return faults;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function faultsNow(databases: Databases, checkouts: number): Promise<string[]> {
  const faults: string[] = [];
  for (const service of services) {
    for (const [what, query] of Object.entries({ ...nought[service], ...everywhere })) {
      const found = await one(databases[service], query);
      if (found !== 0) faults.push(`${service}: ${found} ${what}`);
    }
  }
  const expected = [
    ["order", "orders", "select count(*) from orders", checkouts],
    ["product", "units sold", "select sum(sold) from variants", 2 * checkouts],
    ["member", "points spent", "select sum(spent) from members", Number(pointsUsed) * checkouts],
    ["payment", "payments", "select count(*) from payments", checkouts],
  ] as const;
  for (const [service, what, query, wanted] of expected) {
    const found = await one(databases[service], query);
    if (found !== wanted) faults.push(`${service}: ${found} ${what} instead of ${wanted}`);
  }
  return faults;
}

export interface Work {
  readonly commits: number;
  readonly walBytes: number;
}

/** Commits in these databases, and bytes of the server's log, since the server began. */
export async function workDone(databases: Databases): Promise<Work> {
  const names = Object.values(databases).map((url) => `'${new URL(url).pathname.slice(1)}'`);
  const commits = await one(
    databases.order,
    `select sum(xact_commit) from pg_stat_database where datname in (${names.join(", ")})`,
  );
  return { commits, walBytes: await one(databases.order, "select pg_current_wal_lsn() - '0/0'::pg_lsn") };
}

async function one(url: string, query: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: query, rowMode: "array" });
    return Number(rows[0]?.[0] ?? 0);
  } finally {
    await client.end();
  }
}
