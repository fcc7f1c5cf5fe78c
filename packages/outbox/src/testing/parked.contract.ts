// What every table of parked facts must do.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Parked } from "@quadrille/contracts/envelope";
import type { ParkedTable } from "../parked.ts";
import { testId } from "./bench.ts";

export interface ParkedBench extends AsyncDisposable {
  readonly parked: ParkedTable;
}

function parkedFact(more: Partial<Parked> = {}): Parked {
  return {
    factId: testId(),
    durable: "order_hears_product",
    stream: "QUADRILLE_PRODUCT",
    seq: 2n ** 60n,
    subject: "quadrille.product.v1.stock_held",
    headers: { "Nats-Msg-Id": "m", traceparent: "t" },
    payload: new Uint8Array([0, 1, 255]),
    error: "failed",
    ...more,
  };
}

export function parkedContract(open: () => Promise<ParkedBench>): void {
  let bench: ParkedBench;
  beforeAll(async () => {
    bench = await open();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const find = async ({ durable, factId }: Parked) =>
    (await bench.parked.list(1_000)).filter((row) => row.durable === durable && row.factId === factId);

  test("a fact is parked once per durable, as it was the first time", async () => {
    const fact = parkedFact();
    const other = { ...fact, durable: "member_hears_product" };
    await Promise.all([bench.parked.park(fact), bench.parked.park(other)]);
    await bench.parked.park({ ...fact, error: "failed again" });
    const [row, ...more] = await find(fact);
    expect(more).toEqual([]);
    expect({ ...row, payload: [...(row?.payload ?? [])] }).toEqual({
      ...fact,
      payload: [0, 1, 255],
      parkedAt: expect.any(Date),
      state: "PARKED",
    });
    expect(await find(other)).toHaveLength(1);
  });

  test("a fact with an id that is none of ours is parked too", async () => {
    const fact = parkedFact({ factId: "no uuid at all" });
    await bench.parked.park(fact);
    expect(await find(fact)).toHaveLength(1);
  });

  test("a replay hands over what was parked, once it succeeds it waits no longer", async () => {
    const fact = parkedFact();
    await bench.parked.park(fact);
    const failing = bench.parked.replay(fact, async () => {
      throw new Error("fails still");
    });
    await expect(failing).rejects.toThrow("fails still");
    const handled: Parked[] = [];
    expect(await bench.parked.replay(fact, async (row) => void handled.push(row))).toBe(true);
    expect(handled).toMatchObject([{ factId: fact.factId, seq: fact.seq }]);
    expect(await find(fact)).toEqual([]);
    expect(await bench.parked.replay(fact, async () => undefined)).toBe(false);
    expect(await bench.parked.discard(fact)).toBe(false);
  });

  test("a discarded fact waits no longer, and does not come back when it is heard again", async () => {
    const fact = parkedFact();
    await bench.parked.park(fact);
    expect(await bench.parked.discard(fact)).toBe(true);
    await bench.parked.park(fact);
    expect(await find(fact)).toEqual([]);
    expect(await bench.parked.replay(fact, async () => undefined)).toBe(false);
  });

  test("the oldest are listed first, so many as are wanted", async () => {
    const facts = [parkedFact(), parkedFact(), parkedFact()];
    for (const fact of facts) await bench.parked.park(fact);
    const ids = (await bench.parked.list(1_000)).map(({ factId }) => factId);
    const positions = facts.map(({ factId }) => ids.indexOf(factId));
    expect(positions).toEqual(positions.toSorted((one, other) => one - other));
    expect(await bench.parked.list(2)).toHaveLength(2);
  });
}
