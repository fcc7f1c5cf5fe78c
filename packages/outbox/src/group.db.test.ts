// Groups that meet what other sessions really do: a deadlock, and a lock that is not given back in time.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import pg from "pg";
import { testId } from "./testing/bench.ts";
import { factCause, hold, own } from "./testing/memory-stock.ts";
import { postgresGroups } from "./testing/postgres-groups.ts";

let bench: Awaited<ReturnType<typeof postgresGroups>>;
beforeAll(async () => {
  bench = await postgresGroups();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Somebody else on the same database, in a transaction of their own. */
async function stranger() {
  const client = new pg.Client({ connectionString: bench.url });
  await client.connect();
  await client.query("begin");
  return {
    query: (text: string, values: readonly unknown[] = []) => client.query(text, [...values]),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
const lockVariant = "select from variants where variant_id = $1 for update";

async function stocked(prefix: string): Promise<string> {
  const variantId = `${prefix}-${testId()}`;
  await bench.one.handle({ type: "Receive", variantId, quantity: 100 }, own());
  return variantId;
}

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const rows = await bench.sql(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
  }
}

test("the victim of a real deadlock is decided again as a whole, and takes effect once", async () => {
  const [first, last] = [await stocked("a"), await stocked("b")];
  await using other = await stranger();
  // The group notices the circle first, and so is its victim.
  await other.query("set local deadlock_timeout = '1min'");
  await other.query(lockVariant, [last]);
  const causes = Array.from({ length: 20 }, () => factCause());
  const begun = bench.begun();
  const group = Promise.all(
    causes.map((cause, index) => bench.one.handle(hold(cause.id, index % 2 ? first : last), cause)),
  );
  await untilSomebodyWaits();
  await other.query(lockVariant, [first]); // Given once the group's first try has ended.
  await other.query("commit");
  await group;
  expect(bench.begun() - begun).toBe(2);
  for (const variantId of [first, last]) {
    expect(await bench.available(variantId)).toBe(90n);
    expect(await bench.movements(variantId)).toBe(11);
  }
  const told = (await bench.told()).filter(({ causationId }) => causes.some(({ id }) => id === causationId));
  expect(told).toHaveLength(20);
});

test("behind a lock that stays, only those who need it are refused, and their repetition counts once", async () => {
  const [taken, free] = [await stocked("a"), await stocked("b")];
  await using other = await stranger();
  await other.query(lockVariant, [taken]);
  const causes = [factCause(), factCause()] as const;
  const give = () =>
    Promise.allSettled([
      bench.one.handle(hold(causes[0].id, taken), causes[0]),
      bench.one.handle(hold(causes[1].id, free), causes[1]),
    ]);
  const [refused, done] = await give();
  expect(refused).toMatchObject({ reason: { constructor: Refusal, code: "UNAVAILABLE" } });
  expect(done.status).toBe("fulfilled");
  await other.query("rollback");
  const before = bench.one.duplicates;
  for (const { status } of await give()) expect(status).toBe("fulfilled");
  expect(bench.one.duplicates - before).toBe(1);
  expect([await bench.available(taken), await bench.available(free)]).toEqual([99n, 99n]);
});
