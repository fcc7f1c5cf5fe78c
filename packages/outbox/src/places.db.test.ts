import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openPlaces } from "./places.ts";
import { testId } from "./testing/bench.ts";
import { factCause, hear, hold } from "./testing/memory-stock.ts";
import { placesContract } from "./testing/places.contract.ts";
import { openTransactions } from "./testing/postgres-bench.ts";
import { openTestStore } from "./testing/postgres-stock.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

describe("places on PostgreSQL", () =>
  placesContract(async () => {
    const beside = await openTransactions({ url: bench.url, poolMost: 4 });
    return {
      places: bench.store.places,
      others: openPlaces(beside.sessions),
      outbox: bench.store.outbox,
      async tell(count) {
        const since = testId();
        for (let fact = 0; fact < count; fact += 1)
          await hear(bench.store, { type: "Release", orderId: testId() });
        await bench.sql("update outbox set occurred_at = clock_timestamp() - interval '1 minute'");
        const rows = await bench.sql("select id from outbox where id > $1 order by id", [since]);
        return rows.map(({ id }) => id as string);
      },
      async age(ids, ms) {
        await bench.sql(
          `update outbox set published_at = published_at - $2 * interval '1 millisecond',
             claimed_until = claimed_until - $2 * interval '1 millisecond' where id = any($1::uuid[])`,
          [ids, ms],
        );
      },
      async hear(stream, seq, storedAt) {
        const cause = { ...factCause(), stream, seq, ...(storedAt !== undefined && { storedAt }) };
        await hear(bench.store, { type: "Release", orderId: testId() }, cause);
        return cause.id;
      },
      // As if so much of the database's time had gone by.
      pass: async (ms) => {
        await bench.sql("update streams set ends_by = ends_by - $1 * interval '1 millisecond'", [ms]);
      },
      [Symbol.asyncDispose]: () => beside[Symbol.asyncDispose](),
    };
  }));

describe("on PostgreSQL", () => {
  test("a mark that is on its way when an epoch begins is waited for", async () => {
    const stream = "STREAM";
    const { epoch } = await bench.store.places.told.end(stream, { created: "made", server: "started" });
    await bench.store.handle({ type: "Receive", variantId: "a", quantity: 1 }, factCause());
    await hear(bench.store, hold(testId(), "a"));
    const [row] = await bench.sql("select id from outbox where published_at is null limit 1");
    const id = row?.id as string;
    let begun: Promise<boolean> | undefined;
    let marked: Promise<void> | undefined;
    await bench.store.read((em) =>
      em.transactional(async (other) => {
        await other.execute("select from outbox where id = ? for update", [id]);
        marked = bench.store.outbox.mark([{ id, placement: { stream, seq: 5n, duplicate: false, epoch } }]);
        await waiting("update outbox set published_at%");
        begun = bench.store.places.told.begin(stream);
        await waiting("insert into streams%");
      }),
    );
    await marked;
    expect(await begun).toBe(true);
    expect(await bench.store.places.told.place(stream, 0)).toMatchObject({ seq: 5n, factId: id });
  });

  test.each(["told", "heard"] as const)(
    "the highest place %s is found by an index in every partition",
    async (side) => {
      const asked: unknown[] = [];
      const sessions = { query: async (text: string) => asked.push(text) && [] };
      await openPlaces(sessions as never)[side].place("s", 0);
      const sql = String(asked[0]).replaceAll("$1", "'s'").replaceAll("$2", "0");
      const plan = await bench.store.read((em) =>
        em.transactional(async (other) => {
          await other.execute("set local enable_seqscan = off"); // Empty tables are read whole.
          return JSON.stringify(await other.execute(`explain ${sql}`));
        }),
      );
      expect(plan).toContain("Merge Append");
      // Only the one row that streams has of it, found by its key, is put in order.
      const ordered = plan.replace(/Sort {2}\([^}]*\},\{[^}]*Sort Key: streams\.seen_seq DESC/, "");
      expect(ordered).not.toMatch(/Seq Scan|Sort {2}\(/);
    },
  );

  test("whether the highest place that was cut off is old is one row of an index in every partition", async () => {
    const asked: unknown[] = [];
    const sessions = { query: async (text: string) => asked.push(text) && [] };
    await openPlaces(sessions as never).told.youngBelow("s", 5n, 60_000);
    const sql = String(asked[0]).replaceAll("$1", "'s'").replaceAll("$2", "5").replaceAll("$3", "60000");
    const plan = await bench.store.read((em) =>
      em.transactional(async (other) => {
        await other.execute("set local enable_seqscan = off");
        return JSON.stringify(await other.execute(`explain (analyze, timing off, costs off) ${sql}`));
      }),
    );
    expect(plan).toContain("One-Time Filter");
    expect(plan).toMatch(/Merge Append.*never executed/);
    expect(plan).not.toMatch(/Seq Scan|Sort {2}\(/);
  });
});

/** Waits until a statement that begins so waits for a lock. */
async function waiting(like: string): Promise<void> {
  for (let look = 0; look < 200; look += 1) {
    const found = await bench.sql(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and ltrim(query, E' \\n') like $1",
      [like],
    );
    if (found.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing waits that begins with ${like}`);
}
