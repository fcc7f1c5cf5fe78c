// What a group promises on every database: a poison hurts nobody else, and a commit that fails or is never answered repeats nothing.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import type { Answer, Cause } from "../group.ts";
import type { Store } from "../store.ts";
import { TransactionFailed } from "../transaction.ts";
import { testId } from "./bench.ts";
import type { GroupBench } from "./group-bench.ts";
import { factCause, hold, linesHeld, own, request } from "./memory-stock.ts";
import type { Stock, StockInput, Where } from "./stock.ts";

type Replica = Store<Stock, StockInput>;
interface Given {
  readonly orderId: string;
  readonly input: StockInput;
  readonly cause: Cause;
  readonly answer: Answer<Stock, string>;
}

const unavailable = expect.objectContaining({ constructor: Refusal, code: "UNAVAILABLE" });

/** Holds of one unit each, under causes of all three kinds. */
const holds = (variantId: string, count: number): Given[] =>
  Array.from({ length: count }, (_, index) => {
    const orderId = testId();
    const causes = [factCause, () => request(testId()), own] as const;
    const cause = (causes[index % 3] as () => Cause)();
    return { orderId, input: hold(orderId, variantId), cause, answer: linesHeld };
  });
const give = (store: Replica, { input, cause, answer }: Given) => store.handle(input, cause, answer);
const giveAll = (store: Replica, given: readonly Given[]) =>
  Promise.allSettled(given.map((each) => give(store, each)));
const reasons = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === "rejected" ? result.reason : undefined));

/** As the bus and a careful client do: a transient refusal is an invitation to come again. */
async function untilAnswered(store: Replica, given: Given): Promise<{ answer: unknown; refusals: number }> {
  for (let refusals = 0; ; refusals += 1) {
    try {
      return { answer: await give(store, given), refusals };
    } catch (error) {
      const isTransient = error instanceof Refusal && error.code === "UNAVAILABLE";
      // Bounded and with a breath, so that a store that never answers fails its test instead of holding the process.
      if (!isTransient || refusals === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

export function groupsContract(openBench: () => Promise<GroupBench>): void {
  let bench: GroupBench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  async function stocked(quantity: number): Promise<string> {
    const variantId = testId();
    await bench.one.handle({ type: "Receive", variantId, quantity }, own());
    return variantId;
  }
  /** Each of these holds took its unit once and told one fact, under its own cause; nothing else moved. */
  async function tookEffectOnce(variantId: string, quantity: number, given: readonly Given[]): Promise<void> {
    expect(await bench.available(variantId)).toBe(BigInt(quantity - given.length));
    expect(await bench.movements(variantId)).toBe(1 + given.length);
    const orders = new Set(given.map(({ orderId }) => orderId));
    const told = (await bench.told()).filter(({ aggregateId }) => orders.has(aggregateId));
    expect(new Set(told.map(({ aggregateId }) => aggregateId))).toEqual(orders);
    expect(told).toHaveLength(given.length);
    for (const { aggregateVersion } of told) expect(aggregateVersion).toBe(1);
    const causeOf = ({ cause }: Given) => (cause.kind === "request" ? cause.requestId : cause.id);
    expect(told.map(({ causationId }) => causationId).sort()).toEqual(given.map(causeOf).sort());
    const heard = await bench.heard();
    for (const { cause } of given) if (cause.kind === "fact") expect(heard).toContain(cause.id);
  }
  async function nothingHappened(variantId: string, quantity: number, given: readonly Given[]) {
    expect(await bench.available(variantId)).toBe(BigInt(quantity));
    expect(await bench.movements(variantId)).toBe(1);
    const heard = await bench.heard();
    for (const { cause } of given) if (cause.kind === "fact") expect(heard).not.toContain(cause.id);
  }

  describe("a group of 256", () => {
    const failing = (variantId: string, where: Where): Given => {
      const orderId = testId();
      const input: StockInput = { type: "Fail", orderId, variantId, where };
      return { orderId, input, cause: factCause(), answer: linesHeld };
    };

    test("with one that throws in decide is one transaction for the 255 others", async () => {
      const variantId = await stocked(1_000);
      const given = holds(variantId, 256);
      given[100] = failing(variantId, "decide");
      const begun = bench.begun();
      const thrown = reasons(await giveAll(bench.one, given));
      expect(bench.begun() - begun).toBe(1);
      expect(thrown[100]).toEqual(new Error("failed in decide"));
      expect(thrown.filter(Boolean)).toHaveLength(1);
      expect(await bench.heard()).not.toContain((given[100] as Given & { cause: { id: string } }).cause.id);
      await tookEffectOnce(variantId, 1_000, given.toSpliced(100, 1));
    });

    // Two transactions for each time the group is halved: eight halvings until the poison is alone.
    test.each(["nul", "range", "negative"] as const)(
      "with one that throws in decide and one that cannot be stored (%s) harms none of the 254 others",
      async (where) => {
        const variantId = await stocked(1_000);
        const given = holds(variantId, 256);
        given[77] = failing(variantId, "decide");
        given[200] = failing(variantId, where);
        const begun = bench.begun();
        const thrown = reasons(await giveAll(bench.one, given));
        expect(bench.begun() - begun).toBe(17);
        expect(thrown[77]).toEqual(new Error("failed in decide"));
        expect(thrown[200]).toMatchObject({ constructor: TransactionFailed, kind: "data" });
        expect(thrown.filter(Boolean)).toHaveLength(2);
        const neighbours = given.filter((_, index) => index !== 77 && index !== 200);
        await tookEffectOnce(variantId, 1_000, neighbours);

        // All of it comes again, to another replica: the two fail again, and nobody else does anything.
        const again = reasons(await giveAll(bench.other, given));
        expect(again.flatMap((reason, index) => (reason === undefined ? [] : [index]))).toEqual([77, 200]);
        await tookEffectOnce(variantId, 1_000, neighbours);
      },
    );
  });

  describe("a commit that fails with", () => {
    test.each(["40001", "40P01"] as const)(
      "%s is done again as a whole, and the fifth try counts",
      async (code) => {
        const variantId = await stocked(100);
        const given = holds(variantId, 48);
        const begun = bench.begun();
        await bench.fail(code, 4);
        expect(reasons(await giveAll(bench.one, given)).filter(Boolean)).toEqual([]);
        expect(bench.begun() - begun).toBe(5);
        await tookEffectOnce(variantId, 100, given);
      },
    );

    test.each(["40001", "40P01"] as const)(
      "%s five times refuses all, and the repetition counts once",
      async (code) => {
        const variantId = await stocked(100);
        const given = holds(variantId, 48);
        const begun = bench.begun();
        await bench.fail(code, 5);
        expect(reasons(await giveAll(bench.one, given))).toEqual(given.map(() => unavailable));
        expect(bench.begun() - begun).toBe(5);
        await nothingHappened(variantId, 100, given);
        for (const store of [bench.other, bench.one])
          expect(reasons(await giveAll(store, given)).filter(Boolean)).toEqual([]);
        await tookEffectOnce(variantId, 100, given);
      },
    );

    test("55P03 is done again in halves, down to one by one, and the repetition counts once", async () => {
      const variantId = await stocked(100);
      const given = holds(variantId, 4);
      const begun = bench.begun();
      await bench.fail("55P03", 1);
      expect(reasons(await giveAll(bench.one, given)).filter(Boolean)).toEqual([]);
      expect(bench.begun() - begun).toBe(3); // Four, two, two.
      await tookEffectOnce(variantId, 100, given);

      const others = holds(variantId, 4);
      await bench.fail("55P03", 7);
      expect(reasons(await giveAll(bench.one, others))).toEqual(others.map(() => unavailable));
      expect(bench.begun() - begun).toBe(10); // Four, two, one, one, two, one, one.
      expect(reasons(await giveAll(bench.one, others)).filter(Boolean)).toEqual([]);
      await tookEffectOnce(variantId, 100, [...given, ...others]);
    });

    test.each(["40001", "40P01", "55P03"] as const)(
      "%s in a storm over two replicas: everything takes effect once",
      async (code) => {
        const variantId = await stocked(1_000);
        const given = holds(variantId, 240);
        const replicas = [await bench.open(16), await bench.open(7)];
        await bench.fail(code, 80);
        // Each replica is given everything, as after an answer that was lost: both try the same at once.
        const answers = await Promise.all(
          replicas.map((store) => Promise.all(given.map((each) => untilAnswered(store, each)))),
        );
        await tookEffectOnce(variantId, 1_000, given);
        const refusals = answers.flat().reduce((sum, answer) => sum + answer.refusals, 0);
        expect(refusals).toBeGreaterThan(0); // It was a storm that outlasted five tries.
        const [first, second] = answers.map((each) => each.map(({ answer }) => answer));
        for (const [index, { cause }] of given.entries()) {
          if (cause.kind !== "request") continue;
          expect(first?.[index]).not.toBe("nothing");
          expect(second?.[index]).toBe(first?.[index]);
        }
      },
    );
  });

  describe("a connection lost during COMMIT", () => {
    const isKept = { "before the commit": false, "after the commit": true, "by the server": false } as const;
    test.each(Object.entries(isKept))("%s: nothing runs twice (committed: %p)", async (at, wasCommitted) => {
      const variantId = await stocked(100);
      const given = holds(variantId, 60);
      const begun = bench.begun();
      if (at === "by the server") await bench.fail("57P01", 1);
      else bench.cut(at as "before the commit" | "after the commit");
      expect(reasons(await giveAll(bench.one, given))).toEqual(given.map(() => unavailable));
      expect(bench.begun() - begun).toBe(1); // Nobody knows what was committed, so it is not tried from here.

      // Repeated at another replica, which may still have to wait for the commit's own end.
      const before = bench.other.duplicates;
      const answers = await Promise.all(given.map((each) => give(bench.other, each)));
      expect(bench.other.duplicates - before).toBe(wasCommitted ? 40 : 0);
      await tookEffectOnce(variantId, 100, given);
      for (const [index, { cause, orderId }] of given.entries()) {
        if (cause.kind === "request") expect(answers[index]).toContain(orderId); // The stored answer, not "nothing".
        if (cause.kind === "own" && wasCommitted) expect(answers[index]).toBe("nothing");
      }

      const again = await Promise.all(given.map((each) => give(bench.one, each)));
      for (const [index, { cause }] of given.entries())
        if (cause.kind === "request") expect(again[index]).toBe(answers[index]);
      await tookEffectOnce(variantId, 100, given);
    });
  });
}
