// What becomes of a payment nobody waits for any more, whichever replica looks after it and whatever the provider says.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Clock, systemClock } from "@quadrille/outbox/ports";
import { hear } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { LeaseWorker } from "./lease-worker.ts";
import { migrations } from "./migrations.ts";
import type { ProviderState } from "./payment.answers.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import type { LivePayment } from "./payment.ts";
import { amount, approved, memberId, newId, openPayment, policy, Till, until } from "./testing/till.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let opened: Opened;
let store: PaymentStore;
let till: Till;
let lines: { about: object; message: string }[];

beforeAll(async () => {
  opened = await openTestStore("payment", migrations, openPaymentStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});
beforeEach(async () => {
  till = new Till();
  lines = [];
  // What an earlier test left undone is not looked at.
  await opened.query("update payments set due_at = null, leased_until = null");
});

const own = { kind: "own", id: "test" } as const;
const log = {
  warn: (about: object, message: string) => void lines.push({ about, message }),
  error: (about: object, message: string) => void lines.push({ about, message }),
};
/** What the worker thinks the time is; its waiting is real. */
let nowMs = 0;
const clock: Clock = { now: () => nowMs, after: systemClock.after };
const worker = (over: PaymentStore = store) => new LeaseWorker(over, till, policy, log, clock);
const live = async (orderId: string) => (await store.payment(orderId)) as LivePayment;
const statusOf = async (orderId: string) => (await store.payment(orderId)).status;

/** An attempt whose process died before it heard an answer; its lease has run out. */
async function abandoned(): Promise<string> {
  const orderId = await openPayment(store);
  const asked = { orderId, memberId, paymentKey: `secret-${orderId}`, amount, attemptId: newId("a") };
  await store.handle({ type: "ConfirmPayment", ...asked, isProviderAvailable: true, policy }, own);
  await due(orderId);
  return orderId;
}
const due = (orderId: string) => dueIn(orderId, "0");
/** Nobody asks about it, and its turn comes then. */
async function dueIn(orderId: string, interval: string): Promise<void> {
  const sql = "update payments set due_at = now() + $2::interval, leased_until = null where order_id = $1";
  await opened.query(sql, [orderId, interval]);
}
const end = (orderId: string) =>
  hear(store, { type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" });

async function settled(...workers: LeaseWorker[]): Promise<void> {
  await Promise.all(workers.map((each) => each.look()));
  await Promise.all(workers.map((each) => each[Symbol.asyncDispose]()));
}

describe("an attempt nobody waits for", () => {
  test("is not asked about before its lease has run out", async () => {
    const orderId = await abandoned();
    await dueIn(orderId, "1 hour");
    await settled(worker());
    expect([till.queries, await statusOf(orderId)]).toEqual([[], "confirming"]);
  });

  test("that was taken is approved, without being charged again", async () => {
    const orderId = await abandoned();
    till.onQuery = async () => {
      expect(await statusOf(orderId)).toBe("unknown");
      return approved;
    };
    await settled(worker());
    expect(await statusOf(orderId)).toBe("approved");
    expect([till.queries.length, till.asks.length]).toEqual([1, 0]);
    expect(JSON.stringify(lines)).not.toContain("secret-");
  });

  test.each([
    ["running", { kind: "running", status: "IN_PROGRESS" }],
    ["absent", { kind: "absent" }],
  ] as const)("that is %s is confirmed again with the same attempt id", async (_name, state) => {
    const orderId = await abandoned();
    till.onQuery = () => state;
    till.answer(approved);
    await settled(worker());
    const { attempt, status } = await live(orderId);
    expect(status).toBe("approved");
    expect(till.asks.map(({ attemptId }) => attemptId)).toEqual([attempt?.attemptId]);
  });

  test("is not confirmed again when the order wants out", async () => {
    const orderId = await abandoned();
    await hear(store, { type: "OrderCancelRequested", orderId, memberId, reason: "BY_MEMBER" });
    till.onQuery = () => ({ kind: "running", status: "IN_PROGRESS" });
    await settled(worker());
    expect(await live(orderId)).toMatchObject({ status: "unknown", why: "IN_PROGRESS", tries: 1 });
    expect(till.asks).toEqual([]);
    till.onQuery = () => ({ kind: "declined", code: "EXPIRED" });
    await due(orderId);
    await settled(worker());
    expect(await statusOf(orderId)).toBe("declined");
  });

  test("that is unknown to the provider is given up only when its key can be used no longer", async () => {
    const orderId = await abandoned();
    await opened.query("update payments set pay_by = now() where order_id = $1", [orderId]);
    till.onQuery = () => ({ kind: "absent" });
    await settled(worker());
    expect(await statusOf(orderId)).toBe("unknown");
    await opened.query(
      "update payments set due_at = now(), attempt_started_at = now() - interval '10 minutes' where order_id = $1",
      [orderId],
    );
    await settled(worker());
    expect((await live(orderId)).verdict).toMatchObject({ data: { reason: "EXPIRED" } });
  });

  test("that was given up is asked about for a day, and goes back if it was taken after all", async () => {
    const [late, never] = [await givenUp(), await givenUp()];
    await dueIn(never, "1 hour");
    till.onQuery = () => ({ kind: "unknown", why: "TIMEOUT" });
    await due(late);
    await settled(worker());
    expect(await live(late)).toMatchObject({ status: "declined", why: "TIMEOUT" });
    till.onQuery = () => approved;
    till.onRefund = () => ({ kind: "refunded", transactionKey: "r" });
    await due(late);
    await settled(worker());
    await settled(worker());
    expect(till.refunds).toMatchObject([{ orderId: late, number: 1, amount }]);
    expect(await live(late)).toMatchObject({ status: "refunded", dueAt: undefined });
    till.onQuery = () => ({ kind: "absent" });
    await opened.query(
      "update payments set due_at = now(), attempt_started_at = now() - interval '1 day' where order_id = $1",
      [never],
    );
    await settled(worker());
    expect(await live(never)).toMatchObject({ status: "declined", dueAt: undefined });
  });

  /** Its provider knew nothing of it when its key was dead. */
  async function givenUp(): Promise<string> {
    const orderId = await abandoned();
    const sql = `update payments set pay_by = now(), attempt_started_at = now() - interval '10 minutes'
      where order_id = $1`;
    await opened.query(sql, [orderId]);
    till.onQuery = () => ({ kind: "absent" });
    await settled(worker());
    expect(await statusOf(orderId)).toBe("declined");
    return orderId;
  }

  test("that was taken in another amount is given back whole, and then declined", async () => {
    const orderId = await abandoned();
    till.onQuery = () => ({ kind: "mismatch", amount: 14_000n });
    till.onRefund = () => ({ kind: "refunded", transactionKey: "r" });
    await settled(worker());
    await settled(worker());
    expect(till.refunds).toMatchObject([{ orderId, number: 1, amount: 14_000n }]);
    const told = await opened.query("select type from outbox where aggregate_id = $1 order by id", [orderId]);
    expect(told.map(({ type }) => type)).toEqual(["payment.opened", "payment.refunded", "payment.declined"]);
  });

  test("is asked about by one of two replicas, however many look at once", async () => {
    const ids = [await abandoned(), await abandoned(), await abandoned(), await abandoned()];
    const other = await opened.replica();
    till.onQuery = () => approved;
    await settled(worker(), worker(other), worker(), worker(other));
    expect(till.queries.map(({ orderId }) => orderId).toSorted()).toEqual(ids.toSorted());
    for (const orderId of ids) expect(await statusOf(orderId)).toBe("approved");
  });

  test("is asked about by another when whoever took the lease never answers", async () => {
    const orderId = await abandoned();
    const hanging = Promise.withResolvers<ProviderState>();
    till.onQuery = () => hanging.promise;
    const zombie = worker();
    await zombie.look();
    await until(() => till.queries.length === 1);
    await due(orderId); // Its lease has run out.
    till.onQuery = () => ({ kind: "declined", code: "ABORTED" });
    await settled(worker(await opened.replica()));
    hanging.resolve({ kind: "unknown", why: "TIMEOUT" }); // It wakes up, and what it heard is old.
    await zombie[Symbol.asyncDispose]();
    expect(await live(orderId)).toMatchObject({ status: "declined", why: "", tries: 0 });
  });

  test("is asked about again after a fault of ours", async () => {
    const orderId = await abandoned();
    let isFaulty = true;
    const faulty: PaymentStore = Object.assign(Object.create(store), {
      handle: (...given: Parameters<PaymentStore["handle"]>) => {
        if (isFaulty && given[0].type === "TakeLease") return Promise.reject(new Error("no database"));
        return store.handle(...given);
      },
    });
    till.onQuery = () => approved;
    const one = worker(faulty);
    await one.look();
    await until(() => lines.length === 1);
    expect(lines[0]?.message).toBe("a payment could not be looked after");
    isFaulty = false;
    await settled(one);
    expect(await statusOf(orderId)).toBe("approved");
  });
});

describe("money that has to go back", () => {
  async function unwanted(): Promise<string> {
    const orderId = await abandoned();
    till.onQuery = () => approved;
    await settled(worker());
    await end(orderId);
    return orderId;
  }

  test("is given back once, under its own number, and told of", async () => {
    const orderId = await unwanted();
    till.onRefund = () => ({ kind: "refunded", transactionKey: "r" });
    await settled(worker(), worker(await opened.replica()));
    expect(till.refunds).toMatchObject([{ orderId, number: 1, amount }]);
    expect(await live(orderId)).toMatchObject({ status: "refunded", dueAt: undefined });
    await settled(worker());
    expect(till.refunds).toHaveLength(1);
  });

  test("is asked for again with the same number while the answer proves nothing", async () => {
    const orderId = await unwanted();
    till.onRefund = () => ({ kind: "unknown", why: "TIMEOUT" });
    await settled(worker());
    expect(await live(orderId)).toMatchObject({ status: "refunding", tries: 1, why: "TIMEOUT" });
    till.onRefund = () => ({ kind: "refunded", transactionKey: "r" });
    await due(orderId);
    await settled(worker());
    expect(till.refunds.map(({ number }) => number)).toEqual([1, 1]);
    expect(await statusOf(orderId)).toBe("refunded");
  });

  test("whose refund is refused is not asked for again, and the log cries out", async () => {
    const orderId = await unwanted();
    till.onRefund = () => ({ kind: "refused", code: "NOT_CANCELABLE_PAYMENT" });
    await settled(worker());
    await settled(worker());
    expect(till.refunds).toHaveLength(1);
    const about = { orderId, code: "NOT_CANCELABLE_PAYMENT" };
    expect(lines).toContainEqual({ about, message: "a refund was refused: a person has to look" });
  });
});

describe("while the provider does not answer", () => {
  const silent = { kind: "unknown", why: "TIMEOUT" } as const;
  const look = async (one: LeaseWorker) => {
    await one.look();
    await one[Symbol.asyncDispose]();
  };
  /** Payments whose turn is far away, and one whose turn is now. */
  async function waiting(): Promise<string[]> {
    const ids = [await abandoned(), await abandoned(), await abandoned()];
    for (const orderId of ids.slice(1)) await dueIn(orderId, "5 minutes");
    return ids;
  }

  test("nobody is asked; then one is, early; and when that was answered, all of them", async () => {
    const ids = await waiting();
    const one = worker();
    till.onQuery = () => silent;
    await look(one);
    await dueIn(ids[0] ?? "", "5 minutes");
    till.onQuery = () => approved;
    till.queries.length = 0;
    Object.assign(till, { isAnswering: false, isAvailable: false });
    nowMs += 2_000;
    await look(one);
    expect(till.queries).toEqual([]);
    till.isAvailable = true; // It may be back.
    await look(one);
    expect(till.queries).toHaveLength(1);
    till.isAnswering = true; // It is.
    await look(one);
    expect(till.queries).toHaveLength(3);
    for (const orderId of ids) expect(await statusOf(orderId)).toBe("approved");
  });

  test("one payment asks for all, however short the silence and whoever's turn it is", async () => {
    const [first = "", ...others] = await waiting();
    const one = worker();
    till.onQuery = () => silent;
    await look(one);
    await dueIn(first, "5 minutes");
    till.queries.length = 0;
    await look(one);
    expect(till.queries).toHaveLength(1);
    await dueIn(till.queries[0]?.orderId ?? "", "5 minutes");
    till.onQuery = () => approved;
    nowMs += 1_999;
    await look(one);
    expect(till.queries).toHaveLength(1);
    nowMs += 1;
    await look(one);
    expect(till.queries).toHaveLength(2);
    await look(one);
    expect(await Promise.all([first, ...others].map(statusOf))).toEqual(["approved", "approved", "approved"]);
  });

  test("everything is asked about at most every 15 seconds, though one payment may stay silent", async () => {
    const one = worker();
    /** One payment gets no answer, and another one does: that looks like the end of a silence. */
    const endSilence = async () => {
      const [first = "", other = ""] = [await abandoned(), await abandoned()];
      till.onQuery = ({ orderId }) => (orderId === first ? silent : approved);
      await dueIn(other, "5 minutes");
      await look(one);
      await dueIn(first, "5 minutes");
      await due(other);
      await look(one);
    };
    await endSilence();
    await look(one);
    const third = await abandoned();
    await dueIn(third, "5 minutes");
    await endSilence();
    await look(one);
    expect(await statusOf(third)).toBe("confirming");
    nowMs += 15_000;
    await look(one);
    expect(await statusOf(third)).toBe("approved");
  });

  test("whoever is being asked about is left alone", async () => {
    const [first = "", leased = "", other = ""] = await waiting();
    const sql = "update payments set leased_until = now() + interval '5 minutes' where order_id = $1";
    await opened.query(sql, [leased]);
    const one = worker();
    till.onQuery = () => silent;
    await look(one);
    till.onQuery = () => approved;
    await due(first);
    await look(one);
    await look(one);
    const statuses = await Promise.all([first, leased, other].map(statusOf));
    expect(statuses).toEqual(["approved", "confirming", "approved"]);
  });
});
