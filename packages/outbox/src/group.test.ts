import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { testId } from "./testing/bench.ts";
import {
  deliveries,
  factCause,
  hear,
  hold,
  linesHeld,
  openStock,
  own,
  request,
} from "./testing/memory-stock.ts";

const refused = (code: string) => expect.objectContaining({ constructor: Refusal, code });

async function stocked(options: Parameters<typeof openStock>[0] = {}, quantity = 100) {
  const opened = openStock(options);
  await opened.store.handle({ type: "Receive", variantId: "v", quantity }, own());
  opened.transactions.begun = 0;
  opened.commits.length = 0;
  return opened;
}

describe("an input", () => {
  test("acts: rows, entries and facts are kept, listeners hear of it, the answer is made from it", async () => {
    const { store, database, commits } = await stocked();
    const orderId = testId();
    const answer = await store.handle(hold(orderId, "v", 3), request("r"), linesHeld);
    expect(answer).toContain(orderId);
    expect(database.read("holds", orderId).status).toBe("HELD");
    expect(database.read("variants", "v").available).toBe(97n);
    expect(database.entries.at(-1)?.entry).toEqual({ variantId: "v", quantity: -3 });
    const [envelope] = [...database.outbox.rows.values()].map((row) => row.envelope);
    expect(envelope).toMatchObject({
      type: "product.stock_held",
      aggregateId: orderId,
      aggregateVersion: 1,
      causationId: "r",
      occurredAt: database.now(),
    });
    expect(commits).toEqual([{ envelopes: [envelope], changed: [orderId] }]);
  });

  test("refuses: only its caller hears it, and nothing is kept", async () => {
    const { store, database } = await stocked();
    const orderId = testId();
    await expect(store.handle(hold(orderId, "v", 101), own())).rejects.toEqual(refused("OUT_OF_STOCK"));
    expect(database.rowOf("holds", orderId)).toBeUndefined();
    expect(database.outbox.rows.size).toBe(0);
  });

  test("stays quiet: it is handled, and nothing is told", async () => {
    const { store, database } = await stocked();
    const orderId = testId();
    await hear(store, hold(orderId, "v"));
    await hear(store, hold(orderId, "v"));
    expect(database.read("variants", "v").available).toBe(99n);
    expect(database.outbox.rows.size).toBe(1);
    expect(database.inbox.size).toBe(2);
  });

  test("carries its cause into the facts that follow from it", async () => {
    const { store, database } = await stocked();
    const cause = factCause();
    await hear(store, hold(testId(), "v"), cause);
    const [row] = database.outbox.rows.values();
    expect(row?.envelope).toMatchObject({ causationId: cause.id, traceparent: "00-trace" });
  });

  test("may tell about an aggregate that is not there, and counts on from it", async () => {
    const { store, database } = await stocked();
    const orderId = testId();
    await hear(store, { type: "Release", orderId });
    await hear(store, { type: "Release", orderId });
    const versions = [...database.outbox.rows.values()].map(({ envelope }) => envelope.aggregateVersion);
    expect(versions).toEqual([1, 2]);
  });
});

describe("a group", () => {
  test("is what queued up while a transaction was on its way", async () => {
    const { store, transactions } = await stocked();
    const first = store.handle({ type: "Look", orderId: testId() }, own());
    await Promise.resolve();
    await Promise.resolve();
    const others = Array.from({ length: 50 }, () => store.handle({ type: "Look", orderId: testId() }, own()));
    expect(store.queued).toBe(50);
    await Promise.all([first, ...others]);
    expect(transactions.begun).toBe(2);
  });

  test("is no larger than it may be", async () => {
    const { store, transactions } = await stocked({ most: 8 });
    await Promise.all(
      Array.from({ length: 20 }, () => store.handle({ type: "Look", orderId: testId() }, own())),
    );
    expect(transactions.begun).toBe(3);
  });

  test("shares one state: the second buyer sees what the first took", async () => {
    const { store, database, transactions } = await stocked({}, 1);
    const buyers = [testId(), testId()].map((orderId) => store.handle(hold(orderId, "v"), own()));
    const [first, second] = await Promise.allSettled(buyers);
    expect(first?.status).toBe("fulfilled");
    expect(second).toEqual({ status: "rejected", reason: refused("OUT_OF_STOCK") });
    expect(database.read("variants", "v").available).toBe(0n);
    expect(transactions.begun).toBe(1);
  });

  test("counts the facts of one aggregate without a gap", async () => {
    const { store, database } = await stocked();
    const orderId = testId();
    const inputs = [hold(orderId, "v"), { type: "Release", orderId, variantIds: ["v"] }] as const;
    await Promise.all(inputs.map((input) => store.handle(input, own())));
    const versions = [...database.outbox.rows.values()].map(({ envelope }) => envelope.aggregateVersion);
    expect(versions).toEqual([1, 2]);
    expect(database.rowOf("holds", orderId)?.version).toBe(2);
  });

  test("handles a fact once that stands in it twice, and again in a later one", async () => {
    const { store, database } = await stocked();
    const cause = factCause();
    const input = { type: "Release", orderId: testId() } as const;
    await Promise.all([hear(store, input, cause), hear(store, input, cause)]);
    await hear(store, input, cause);
    expect(database.outbox.rows.size).toBe(1);
    expect(store.duplicates).toBe(3 * deliveries - 1);
  });

  test("answers a request once that stands in it twice, and the same in a later one", async () => {
    const { store, database } = await stocked();
    const ask = () => store.handle(hold(testId(), "v"), request("r"), linesHeld);
    const [first, second] = await Promise.all([ask(), ask()]);
    const third = await ask();
    expect(second).toBe(first);
    expect(third).toBe(first);
    expect(database.read("variants", "v").available).toBe(99n);
    expect(store.duplicates).toBe(2);
  });

  test("refuses a request key with another body, within it and in a later one", async () => {
    const { store, database } = await stocked();
    const ask = (hash: string) => store.handle(hold(testId(), "v"), request("r", hash), linesHeld);
    const [, second] = await Promise.allSettled([ask("a"), ask("b")]);
    expect(second).toEqual({ status: "rejected", reason: refused("REQUEST_ID_REUSED") });
    await expect(ask("c")).rejects.toEqual(refused("REQUEST_ID_REUSED"));
    expect(database.read("variants", "v").available).toBe(99n);
  });

  test("tells requests apart by every part of their key", async () => {
    const { store, database } = await stocked();
    const parts = [
      { caller: "a", method: "b\nc", requestId: "d" },
      { caller: "a\nb", method: "c", requestId: "d" },
      { caller: "a", method: "b", requestId: "c\nd" },
    ];
    await Promise.all(
      parts.map((key) => store.handle(hold(testId(), "v"), { ...request("r"), ...key }, linesHeld)),
    );
    expect(database.read("variants", "v").available).toBe(97n);
  });

  test("remembers a request that wants no answer", async () => {
    const { store, database } = await stocked();
    await store.handle(hold(testId(), "v"), request("r"));
    await store.handle(hold(testId(), "v"), request("r"));
    expect(database.read("variants", "v").available).toBe(99n);
  });

  test("does not remember a refusal", async () => {
    const { store } = await stocked({}, 0);
    const orderId = testId();
    await expect(store.handle(hold(orderId, "v"), request("r"), linesHeld)).rejects.toEqual(
      refused("OUT_OF_STOCK"),
    );
    await store.handle({ type: "Receive", variantId: "v", quantity: 1 }, own());
    await expect(store.handle(hold(orderId, "v"), request("r"), linesHeld)).resolves.toContain(orderId);
  });

  test("does not take a remembered answer that cannot be read for its neighbours'", async () => {
    const { store } = await stocked();
    await store.handle(hold(testId(), "v"), request("r"), linesHeld);
    const unreadable = {
      ...linesHeld,
      decode: () => {
        throw new Error("unreadable");
      },
    };
    const [broken, neighbour] = await Promise.allSettled([
      store.handle(hold(testId(), "v"), request("r"), unreadable),
      store.handle(hold(testId(), "v"), own()),
    ]);
    expect(broken).toMatchObject({ status: "rejected", reason: { message: "unreadable" } });
    expect(neighbour.status).toBe("fulfilled");
  });

  test("leaves a fact alone that asks for a transaction of its own", async () => {
    const { store, transactions } = await stocked();
    const look = (alone: boolean) =>
      store.handle({ type: "Look", orderId: testId() }, factCause(testId(), alone));
    await Promise.all([look(false), look(false), look(true), look(false), look(true), look(true)]);
    expect(transactions.begun).toBe(5);
  });
});

describe("the queue", () => {
  test("is bounded: beyond it callers are refused at once", async () => {
    const { store } = await stocked({ queueMost: 3 });
    const looks = Array.from({ length: 5 }, () => store.handle({ type: "Look", orderId: testId() }, own()));
    const results = await Promise.allSettled(looks);
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect(results[4]).toEqual({ status: "rejected", reason: refused("OVERLOADED") });
    await store.handle({ type: "Look", orderId: testId() }, own());
  });

  test("is drained when the store is closed, and takes nothing after it", async () => {
    const { store, database } = await stocked({ most: 2 });
    const holds = Array.from({ length: 9 }, () => store.handle(hold(testId(), "v"), own()));
    await store[Symbol.asyncDispose]();
    await Promise.all(holds);
    expect(database.read("variants", "v").available).toBe(91n);
    await expect(store.handle(hold(testId(), "v"), own())).rejects.toEqual(refused("UNAVAILABLE"));
  });

  test("is refused as a whole when the database is lost while it is drained", async () => {
    let fault: "lost" | undefined;
    const { store, transactions } = await stocked({ most: 2, fault: () => fault });
    fault = "lost";
    const holds = Promise.allSettled(
      Array.from({ length: 9 }, () => store.handle(hold(testId(), "v"), own())),
    );
    await store[Symbol.asyncDispose]();
    for (const result of await holds)
      expect(result).toEqual({ status: "rejected", reason: refused("UNAVAILABLE") });
    expect(transactions.begun).toBe(1);
  });
});
