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
  settled,
} from "./testing/memory-stock.ts";
import { TransactionFailed } from "./transaction.ts";

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

describe("the answers", () => {
  test("come after the commit, refusals too", async () => {
    const { store, database } = await stocked();
    const heard: string[] = [];
    store.onCommit(() => heard.push("committed"));
    const { locks } = database;
    const blocker = { waiting: undefined, held: [], ended: false };
    // The commit waits behind a request key that another transaction is inserting.
    const key = JSON.stringify(["member-1", "Hold", "r"]);
    locks.take(blocker, `requests ${key}`);
    const good = store
      .handle(hold(testId(), "v"), request("r"), linesHeld)
      .then(() => heard.push("answered"));
    const bad = store.handle(hold(testId(), "v", 1_000), own()).catch(() => heard.push("refused"));
    await settled();
    expect(heard).toEqual([]);
    locks.end(blocker);
    await Promise.all([good, bad]);
    expect(heard).toEqual(["committed", "answered", "refused"]);
  });

  test("are not given when the commit fails", async () => {
    let fails = false;
    const { store, commits, database } = await stocked({
      fault: (point) => (fails && point === "commit" ? "lost" : undefined),
    });
    fails = true;
    const results = await Promise.allSettled([
      store.handle(hold(testId(), "v"), request("r"), linesHeld),
      store.handle(hold(testId(), "v", 1_000), own()),
      store.handle({ type: "Fail", orderId: testId(), variantId: "v", where: "decide" }, own()),
    ]);
    for (const result of results)
      expect(result).toEqual({ status: "rejected", reason: refused("UNAVAILABLE") });
    expect(commits).toEqual([]);
    expect(database.requests.size).toBe(0);
  });
});

describe("a poisoned input among 256", () => {
  const wheres = ["keys", "decide", "evolve", "stray", "foreign", "entries", "nul", "negative"] as const;
  test.each(wheres)("that fails in %s hurts no neighbour and may be heard again", async (where) => {
    const { store, database, transactions } = await stocked({}, 1_000);
    const cause = factCause();
    const poison = { type: "Fail", orderId: testId(), variantId: "v", where } as const;
    const inputs = Array.from({ length: 255 }, () => hear(store, hold(testId(), "v")));
    inputs.splice(100, 0, store.handle(poison, cause));
    const results = await Promise.allSettled(inputs);
    expect(results.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([100]);
    expect(database.read("variants", "v").available).toBe(1_000n - 255n);
    expect(database.rowOf("variants", "v-stray")).toBeUndefined();
    expect(database.outbox.rows.size).toBe(255);
    expect(transactions.begun).toBeLessThanOrEqual(where === "nul" || where === "negative" ? 24 : 2);
    // It was not handled, so it is not in the inbox: the same fact may still succeed.
    expect(database.inbox.has(cause.id)).toBe(false);
    await hear(store, hold(testId(), "v"), cause);
    expect(database.inbox.has(cause.id)).toBe(true);
  });

  test("says which it is: the decision's own error, or that it could not be stored", async () => {
    const { store } = await stocked();
    const fail = (where: "decide" | "stray" | "foreign" | "nul") =>
      store.handle({ type: "Fail", orderId: testId(), variantId: "v", where }, own());
    await expect(fail("decide")).rejects.toThrow("failed in decide");
    await expect(fail("stray")).rejects.toThrow(
      "evolve changed variants v-stray, which the input does not name",
    );
    await expect(fail("foreign")).rejects.toThrow("which the input does not name");
    await expect(fail("nul")).rejects.toEqual(
      expect.objectContaining({ constructor: TransactionFailed, kind: "data" }),
    );
  });

  test("is handled when it comes again in the same group and succeeds then", async () => {
    const { store, database } = await stocked({}, 0);
    const cause = factCause();
    const results = await Promise.allSettled([
      store.handle(hold(testId(), "v"), cause),
      store.handle({ type: "Receive", variantId: "v", quantity: 1 }, own()),
      store.handle(hold(testId(), "v"), cause),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(database.inbox.has(cause.id)).toBe(true);
  });
});

describe("a failed transaction", () => {
  test("in conflict is decided again under the same cause, at most five times in all", async () => {
    let conflicts = 0;
    const { store, database, transactions } = await stocked({
      fault: (point) => {
        if (point !== "commit" || conflicts === 0) return undefined;
        conflicts -= 1;
        return "conflict";
      },
    });
    conflicts = 4;
    const cause = factCause();
    await hear(store, hold(testId(), "v"), cause);
    expect(transactions.begun).toBe(5);
    expect(database.inbox.has(cause.id)).toBe(true);
    expect(database.outbox.rows.size).toBe(1);
    expect(store.duplicates).toBe(deliveries - 1);

    conflicts = 5;
    await expect(store.handle(hold(testId(), "v"), own())).rejects.toEqual(refused("UNAVAILABLE"));
    expect(transactions.begun).toBe(10);
    expect(database.read("variants", "v").available).toBe(99n);
  });

  test("that waited too long for a lock is halved, and halved again", async () => {
    const { store, database, transactions, clock } = await stocked();
    const [inTheWay, free] = [testId(), testId()];
    const blocker = { waiting: undefined, held: [], ended: false };
    database.locks.take(blocker, `holds ${inTheWay}`);
    const results = Promise.allSettled([
      store.handle({ type: "Look", orderId: inTheWay }, own()),
      ...Array.from({ length: 3 }, () => store.handle({ type: "Look", orderId: free }, own())),
    ]);
    await clock.advance(2_000);
    await clock.advance(2_000);
    await clock.advance(2_000);
    const statuses = (await results).map(({ status }) => status);
    expect(statuses).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect((await results)[0]).toEqual({ status: "rejected", reason: refused("UNAVAILABLE") });
    expect(transactions.begun).toBe(5); // Four, two, one in the way, one, two.
  });

  test.each(["lost", "lost_after"] as const)("that is %s is not tried again from here", async (how) => {
    let fault: typeof how | undefined;
    const { store, database, transactions } = await stocked({
      fault: (point) => (point === "commit" ? fault : undefined),
    });
    fault = how;
    const causes = [factCause(), factCause()];
    const both = () => Promise.allSettled(causes.map((cause) => store.handle(hold(cause.id, "v"), cause)));
    for (const result of await both())
      expect(result).toEqual({ status: "rejected", reason: refused("UNAVAILABLE") });
    expect(transactions.begun).toBe(1);
    // Heard again, the inbox knows what was committed.
    fault = undefined;
    for (const result of await both()) expect(result.status).toBe("fulfilled");
    expect(store.duplicates).toBe(how === "lost" ? 0 : 2);
    expect(database.read("variants", "v").available).toBe(98n);
    expect(database.outbox.rows.size).toBe(2);
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

test("a replica that dies leaves its locks to the others, and its callers without an answer", async () => {
  let fault: "crash" | "crash_after" | undefined;
  const { database, replica } = await stocked({
    fault: (point, name) => (point === "commit" && name === "dying" ? fault : undefined),
  });
  for (fault of ["crash", "crash_after"] as const) {
    const dying = replica("dying");
    const living = replica("living");
    const cause = factCause();
    let isAnswered = false;
    void dying.handle(hold(cause.id, "v"), cause).finally(() => {
      isAnswered = true;
    });
    await settled();
    expect(isAnswered).toBe(false);
    expect(await dying.isReady()).toBe(false);
    await hear(living, hold(cause.id, "v"), cause);
  }
  expect(database.read("variants", "v").available).toBe(98n);
});
