import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { markSql } from "./outbox-table.ts";
import { testId } from "./testing/bench.ts";
import { hear } from "./testing/memory-stock.ts";
import { openTestStore } from "./testing/postgres-stock.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await bench.sql("delete from outbox");
});

const placement = (seq: bigint) => ({ stream: "QUADRILLE_PRODUCT", seq, duplicate: false });

/** Tells facts as they were told some seconds ago; gives their ids, oldest first. */
async function tell(count: number, secondsAgo = 10): Promise<string[]> {
  for (let fact = 0; fact < count; fact += 1) await hear(bench.store, { type: "Release", orderId: testId() });
  await bench.sql("update outbox set occurred_at = clock_timestamp() - make_interval(secs => $1)", [
    secondsAgo,
  ]);
  return (await bench.sql("select id from outbox order by id")).map(({ id }) => id as string);
}

describe("a claim", () => {
  test("gives the oldest unpublished facts whole, as they were told", async () => {
    const told: unknown[] = [];
    const stop = bench.store.onCommit(({ envelopes }) => told.push(...envelopes));
    const ids = await tell(3);
    stop();
    const claimed = await bench.store.outbox.claim(2);
    expect(claimed.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const [first] = claimed;
    expect({ ...first, occurredAt: null, payload: [...(first?.payload ?? [])] }).toEqual({
      ...(told[0] as object),
      occurredAt: null,
      payload: [...(told[0] as { payload: Uint8Array }).payload],
    });
  });

  test("leaves alone what is claimed until half a minute is over, what is young, and what is published", async () => {
    const [published] = await tell(3);
    await bench.store.outbox.mark([{ id: published as string, placement: placement(1n) }]);
    expect(await bench.store.outbox.claim(10)).toHaveLength(2);
    expect(await bench.store.outbox.claim(10)).toHaveLength(0);
    await bench.sql("update outbox set claimed_until = claimed_until - interval '31 seconds'");
    expect(await bench.store.outbox.claim(10)).toHaveLength(2);
    await tell(1, 4);
    await bench.sql("update outbox set claimed_until = null");
    expect(await bench.store.outbox.claim(10)).toHaveLength(0);
  });

  test("that is given up leaves its facts to the next, and what is published as it is", async () => {
    const [first, second] = (await tell(2)) as [string, string];
    await bench.store.outbox.claim(10);
    await bench.store.outbox.mark([{ id: second, placement: placement(1n) }]);
    await bench.store.outbox.release([]);
    await bench.store.outbox.release([first, second]);
    expect((await bench.store.outbox.claim(10)).map(({ id }) => id)).toEqual([first]);
  });

  test("passes over rows another is claiming, without waiting for it", async () => {
    const ids = await tell(3);
    await bench.store.read((em) =>
      em.transactional(async (other) => {
        await other.execute("select from outbox where id = ? for update", [ids[0]]);
        const claimed = await bench.store.outbox.claim(10);
        expect(claimed.map(({ id }) => id)).toEqual(ids.slice(1));
      }),
    );
    expect(await bench.store.outbox.claim(10)).toHaveLength(1);
  });
});

describe("marks", () => {
  test("keep stream and sequence, once", async () => {
    const ids = await tell(3);
    const [first, second] = ids as [string, string];
    await bench.store.outbox.mark([
      { id: second, placement: placement(2n ** 53n + 1n) },
      { id: first, placement: placement(1n) },
      { id: testId(), placement: placement(9n) },
    ]);
    await bench.store.outbox.mark([{ id: first, placement: placement(7n) }]);
    await bench.store.outbox.mark([]);
    const rows = await bench.sql("select id, stream, seq, published_at from outbox order by id");
    expect(rows.map(({ seq }) => seq)).toEqual(["1", "9007199254740993", null]);
    expect(rows[0]).toMatchObject({ stream: "QUADRILLE_PRODUCT", published_at: expect.any(String) });
    expect(await bench.store.outbox.backlog()).toBe(1);
  });

  test("reach the partitions of their days by the primary key", async () => {
    const plan = await bench.sql(`explain ${markSql}`, [[testId()], ["s"], [1], testId(), testId(), [0]]);
    const scanned = plan.flatMap((line) => String(line["QUERY PLAN"]).match(/ on (outbox_\w+)/g) ?? []);
    expect(new Set(scanned).size).toBe(1);
  });
});
