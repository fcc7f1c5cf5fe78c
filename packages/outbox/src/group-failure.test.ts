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
  const wheres = [
    "keys",
    "decide",
    "evolve",
    "stray",
    "foreign",
    "entries",
    "nul",
    "range",
    "negative",
  ] as const;
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
    expect(transactions.begun).toBeLessThanOrEqual(["nul", "range", "negative"].includes(where) ? 24 : 2);
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
