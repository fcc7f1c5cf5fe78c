import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { factCause, hear, sameAsDecider } from "@quadrille/outbox/testing/kept";
import { constraintOf, openTestStore } from "@quadrille/outbox/testing/test-store";
import fc from "fast-check";
import { migrations } from "./migrations.ts";
import { openPaymentStore, type PaymentStore } from "./payment.store.ts";
import {
  absentPayment,
  type PaymentInput,
  type ProviderAnswered,
  payments,
  type ResolvePayment,
} from "./payment.ts";
import { sweep } from "./sweep.ts";
import { policy } from "./testing/till.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<PaymentStore>>>;
let opened: Opened;
let store: PaymentStore;

beforeAll(async () => {
  opened = await openTestStore("payment", migrations, openPaymentStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const past = new Date("2020-01-01T00:00:00.123Z");
const future = new Date("2099-12-31T23:59:59.999Z");
const memberId = "7";
const amountDue = 9_007_199_254_740_993n; // More than a float can tell from its neighbour.

let made = 0;
const newId = (prefix = "o") => `${prefix}-${`${++made}`.padStart(6, "0")}`;

const payable = (orderId: string, due = amountDue, payBy = future): PaymentInput => ({
  type: "OrderPayable",
  orderId,
  memberId,
  amountDue: due,
  currency: "KRW",
  method: "PAYMENT_METHOD_CARD",
  payBy,
});
const confirm = (orderId: string, attemptId = "a-1", paymentKey = "k-1"): PaymentInput => {
  const asked = { amount: amountDue, isProviderAvailable: true, policy };
  return { type: "ConfirmPayment", orderId, memberId, paymentKey, attemptId, ...asked };
};
const answered = (orderId: string, answer: ProviderAnswered["answer"], attemptId = "a-1"): PaymentInput => {
  return { type: "ProviderAnswered", orderId, attemptId, lease: 1, askedAt: past, answer, policy };
};
const lease = (orderId: string): PaymentInput => ({ type: "TakeLease", orderId, isEarly: true, policy });
const resolve = (orderId: string, resolution: ResolvePayment["resolution"]): PaymentInput => {
  const said = { transactionKey: "t", by: "operator:ann", note: "because" };
  return { type: "ResolvePayment", orderId, resolution, ...said, policy: { ...policy, unknownSeconds: 0 } };
};
const cancelled = (orderId: string): PaymentInput => ({
  type: "OrderCancelled",
  orderId,
  memberId,
  reason: "BY_MEMBER",
  wasConfirmed: false,
  benefitsWanted: false,
  subtotal: amountDue,
  points: 0n,
  amountDue,
  currency: "KRW",
  cancelledAt: past,
  lines: [],
});
const cancelRequested = (orderId: string): PaymentInput => {
  return { type: "OrderCancelRequested", orderId, memberId, reason: "BY_MEMBER" };
};
const failed = (orderId: string): PaymentInput => {
  return { type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" };
};
const refunded = (orderId: string, number = 1): PaymentInput => {
  const answer = { kind: "refunded", transactionKey: "r" } as const;
  return { type: "RefundAnswered", orderId, number, lease: 1, answer };
};
const notRefunded = (orderId: string): PaymentInput => {
  return { type: "RefundAnswered", orderId, number: 1, lease: 1, answer: { kind: "refused", code: "NO" } };
};
const late = (orderId: string): PaymentInput => ({ type: "DeadlinePassed", orderId });

const approved = { kind: "approved", transactionKey: "t", paidWith: "카드 \"'\\", approvedAt: past } as const;
const declined = { kind: "declined", code: "REJECT_CARD_PAYMENT" } as const;
const unknown = { kind: "unknown", why: "TIMEOUT" } as const;
const mismatch = { kind: "mismatch", amount: 1_000n } as const;

describe("rows", () => {
  const order = fc.constantFrom("o1", "o2");
  const attempt = fc.constantFrom("a-1", "a-2");
  const told = (to: (orderId: string) => PaymentInput) => order.map((id) => (run: string) => to(run + id));
  const input: fc.Arbitrary<(run: string) => PaymentInput> = fc.oneof(
    told(payable),
    told((id) => payable(id, 0n)),
    told((id) => payable(id, amountDue, past)),
    fc.tuple(order, attempt, fc.constantFrom("k-1", "k-2")).map(([id, by, key]) => {
      return (run: string) => confirm(run + id, by, key);
    }),
    fc
      .tuple(order, attempt, fc.constantFrom(approved, declined, unknown, mismatch))
      .map(([id, by, answer]) => {
        return (run: string) => answered(run + id, answer, by);
      }),
    told(cancelled),
    told(cancelRequested),
    told(failed),
    told(refunded),
    told((id) => refunded(id, 2)),
    told(notRefunded),
    told(lease),
    told((id) => resolve(id, "CAPTURED")),
    told((id) => resolve(id, "RETRY")),
    told(late),
  );

  test("keep every state that random inputs lead to", async () => {
    const statuses = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 8, maxLength: 20 }), async (inputs) => {
        const run = newId("run");
        const rows = await sameAsDecider(store, payments, [
          payable(`${run}o1`),
          confirm(`${run}o1`),
          ...inputs.map((make) => make(run)),
        ]);
        for (const [orderId, payment] of rows.payments) {
          statuses.add(payment.status);
          expect(await store.payment(orderId)).toStrictEqual(payment);
        }
      }),
      { numRuns: 40 },
    );
    expect(statuses.size).toBeGreaterThan(5);
  });

  const scripts: Readonly<Record<string, (id: string) => PaymentInput[]>> = {
    ready: (id) => [payable(id)],
    confirming: (id) => [payable(id), confirm(id)],
    "confirming, asked to cancel": (id) => [payable(id), confirm(id), cancelRequested(id)],
    "confirming, unwanted": (id) => [payable(id), confirm(id), cancelled(id)],
    unknown: (id) => [payable(id), confirm(id), answered(id, unknown)],
    "unknown, asked about": (id) => [payable(id), confirm(id), answered(id, unknown), lease(id)],
    approved: (id) => [payable(id), confirm(id), answered(id, approved)],
    "approved, nothing due": (id) => [payable(id, 0n)],
    declined: (id) => [payable(id), confirm(id), answered(id, declined)],
    voided: (id) => [payable(id), cancelled(id)],
    "voided, a tombstone": (id) => [cancelled(id), payable(id)],
    refunding: (id) => [payable(id), confirm(id), answered(id, approved), cancelled(id)],
    "refunding, refused": (id) => [
      ...[payable(id), confirm(id), answered(id, approved), cancelled(id), notRefunded(id)],
    ],
    refunded: (id) => [payable(id), confirm(id), answered(id, approved), failed(id), refunded(id)],
  };
  test.each(Object.entries(scripts))("keep a payment that is %s", async (name, script) => {
    const orderId = newId();
    for (const one of script(orderId)) await hear(store, one);
    const before = await store.payment(orderId);
    expect(before.status).toBe(name.split(",")[0]);
    const written = await opened.query("select * from payments where order_id = $1", [orderId]);
    await hear(store, late(orderId)); // Quiet: read back and left as it was, to the last column.
    expect(await store.payment(orderId)).toStrictEqual(before);
    expect(await opened.query("select * from payments where order_id = $1", [orderId])).toEqual(written);
  });

  test("of what is not there are not left behind", async () => {
    const orderId = newId();
    await expect(store.handle(confirm(orderId), factCause())).rejects.toMatchObject({
      code: "PAYMENT_NOT_READY",
    });
    await hear(store, late(orderId));
    expect(await opened.query("select from payments where order_id = $1", [orderId])).toEqual([]);
    expect(await store.payment(orderId)).toEqual(absentPayment);
  });

  test.each([
    ["payments_amount_due_check", "update payments set amount_due = -1"],
    ["payments_captured_check", "update payments set captured = -1"],
    ["payments_status", "update payments set status = 'PAID'"],
    ["payments_intent_check", "update payments set intent = 'keep'"],
    [
      "payments_attempt",
      "update payments set attempt_id = 'a', payment_key = null, attempt_started_at = null",
    ],
    [
      "payments_attempt",
      "update payments set attempt_id = null, payment_key = 'k', attempt_started_at = now()",
    ],
    ["journal_append_only", "update journal set what = 'approved'"],
    ["journal_append_only", "delete from journal"],
    ["journal_append_only", "truncate journal"],
  ])("never hold what breaks %s", async (constraint, statement) => {
    await hear(store, payable(newId()));
    expect(await constraintOf(opened.query(statement))).toBe(constraint);
  });
});

test("no payment key ever leaves in a fact", async () => {
  const orderId = newId();
  const script = [
    payable(orderId),
    confirm(orderId, "a-9", "secret-key"),
    answered(orderId, approved, "a-9"),
  ];
  for (const one of [...script, cancelled(orderId)]) await hear(store, one);
  const told = await opened.query("select encode(payload, 'escape') as payload from outbox");
  expect(JSON.stringify(told)).toContain(orderId);
  expect(JSON.stringify(told)).not.toContain("secret-key");
});

test("the journal keeps each call with its answer, also one that came too late, and nothing of what was refused", async () => {
  const orderId = newId();
  const own = { kind: "own", id: "test" } as const;
  await store.handle(payable(orderId), own);
  await store.handle(confirm(orderId, "a-1", "secret-key"), own);
  await store.handle(answered(orderId, unknown), own);
  await store.handle(lease(orderId), own);
  await store.handle({ ...answered(orderId, approved), lease: 2 } as PaymentInput, own);
  await store.handle(answered(orderId, declined), own); // Whoever made the first call had been asleep.
  await expect(store.handle(resolve(orderId, "RETRY"), own)).rejects.toMatchObject({
    code: "PAYMENT_NOT_STUCK",
  });
  const kept = await opened.query(
    "select kind, lease, what, detail from journal where order_id = $1 order by number",
    [orderId],
  );
  expect(kept).toEqual([
    { kind: "called", lease: 1, what: "confirm", detail: "" },
    { kind: "answered", lease: 1, what: "unknown", detail: "TIMEOUT" },
    { kind: "called", lease: 2, what: "query", detail: "" },
    { kind: "answered", lease: 2, what: "approved", detail: "t" },
    { kind: "answered", lease: 1, what: "declined", detail: "REJECT_CARD_PAYMENT" },
  ]);
});

test("a fact heard again, also by another replica, changes nothing and tells nothing twice", async () => {
  const other = await opened.replica();
  const orderId = newId();
  const cause = factCause();
  const before = store.duplicates + other.duplicates;
  await Promise.all([store, other, store].map((each) => each.handle(payable(orderId), cause)));
  expect(store.duplicates + other.duplicates - before).toBe(2);
  await hear(store, payable(orderId)); // The same said under another fact id.
  const told = await opened.query("select type, aggregate_version as n from outbox where aggregate_id = $1", [
    orderId,
  ]);
  expect(told).toEqual([{ type: "payment.opened", n: 1 }]);
});

test("of two attempts at once on two replicas one starts, and the other is told it is in doubt", async () => {
  const other = await opened.replica();
  const orderId = newId();
  await hear(store, payable(orderId));
  const outcomes = await Promise.allSettled([
    store.handle(confirm(orderId, "a-1", "k-1"), factCause()),
    other.handle(confirm(orderId, "a-2", "k-2"), factCause()),
  ]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(outcomes).toContainEqual({
    status: "rejected",
    reason: expect.objectContaining({ code: "PAYMENT_IN_DOUBT" }),
  });
});

test("whoever waits for a payment is woken by its commit, and by no other", async () => {
  const [orderId, another] = [newId(), newId()];
  using wakeUp = store.wakeUps.on(orderId);
  let isWoken = false;
  const waiting = wakeUp.next(60_000).then(() => {
    isWoken = true;
  });
  await hear(store, payable(another));
  expect(isWoken).toBe(false);
  await hear(store, payable(orderId));
  await waiting;
});

const log = {
  error(_about: object, message: string) {
    throw new Error(message);
  },
};

test("the sweep ends exactly the payments nobody made in time, and doubts those whose call has no end", async () => {
  await opened.query("update payments set due_at = null"); // What earlier tests left undone is not swept.
  const ids = [newId(), newId(), newId(), newId(), newId()] as const;
  for (const id of ids) await hear(store, payable(id));
  for (const id of ids.slice(3)) await hear(store, confirm(id));
  const overdue = "update payments set pay_by = now() - $2::interval where order_id = $1";
  await opened.query(overdue, [ids[0], "1 minute"]);
  await opened.query(overdue, [ids[1], "1 hour"]);
  await opened.query(overdue, [ids[3], "1 hour"]); // Its attempt is under way: only the provider ends it.
  const sql = `update payments set due_at = now() - interval '1 second', leased_until = now() - interval '1 second'
    where order_id = $1`;
  await opened.query(sql, [ids[4]]); // So is this one, but whoever asked is asleep or dead.
  expect(await store.overdue(10)).toEqual([ids[1], ids[0], ids[4]]);
  expect(await store.overdue(1)).toEqual([ids[1]]);
  const other = await opened.replica();
  await Promise.all([sweep(store, log), sweep(other, log)]);
  expect(await store.overdue(10)).toEqual([]);
  const statuses = await Promise.all(ids.map(async (id) => (await store.payment(id)).status));
  expect(statuses).toEqual(["voided", "voided", "ready", "confirming", "unknown"]);
  const told = await opened.query("select type from outbox where aggregate_id = $1 order by id", [ids[0]]);
  expect(told).toEqual([{ type: "payment.opened" }, { type: "payment.voided" }]);
});
