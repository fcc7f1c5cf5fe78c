// One payment's inputs, and the ways into each of its states: what tests of decisions start from.
import { given, type Past as PastOf } from "@quadrille/decider/testing";
import type { Input, State } from "./payment.decisions.ts";
import {
  type Entry,
  type Payment,
  type PaymentFact,
  type PaymentInput,
  type PaymentTables,
  payments,
} from "./payment.ts";

export type Past = PastOf<PaymentTables, PaymentInput, PaymentFact, Entry>;

export const start = new Date("2026-01-01T00:00:00Z");
export const payBy = new Date("2026-01-01T00:10:00Z");
export const orderId = "order";
export const memberId = "member";
export const amountDue = 2400n;
export const wrongAmount = 2300n;
export const policy = { callSeconds: 12, keySeconds: 600, unknownSeconds: 3600 };

const payable = {
  type: "OrderPayable",
  orderId,
  memberId,
  amountDue,
  currency: "KRW",
  method: "PAYMENT_METHOD_CARD",
  payBy,
} as const;
const confirm = {
  type: "ConfirmPayment",
  orderId,
  memberId,
  paymentKey: "key",
  amount: amountDue,
  attemptId: "attempt",
  isProviderAvailable: true,
  policy,
} as const;
const taken = {
  kind: "approved",
  transactionKey: "transaction",
  paidWith: "CARD",
  approvedAt: start,
} as const;
const answered = {
  type: "ProviderAnswered",
  orderId,
  attemptId: "attempt",
  lease: 1,
  askedAt: start,
  answer: taken,
  policy,
} as const;
const refunded = {
  type: "RefundAnswered",
  orderId,
  number: 1,
  lease: 2,
  answer: { kind: "refunded", transactionKey: "given back" },
} as const;
const captured = {
  type: "ResolvePayment",
  orderId,
  resolution: "CAPTURED",
  transactionKey: "seen at the desk",
  by: "operator:ann",
  note: "called them",
  policy,
} as const;
const lease = { type: "TakeLease", orderId, isEarly: false, policy } as const;

export const inputs = {
  OrderPayable: payable,
  "OrderPayable, nothing due": { ...payable, amountDue: 0n },
  "OrderPayable, past pay_by": { ...payable, payBy: start },
  OrderCancelRequested: { type: "OrderCancelRequested", orderId, memberId, reason: "BY_MEMBER" },
  OrderCancelled: {
    type: "OrderCancelled",
    orderId,
    memberId,
    reason: "BY_MEMBER",
    wasConfirmed: false,
    benefitsWanted: true,
    subtotal: 2500n,
    points: 100n,
    amountDue,
    currency: "KRW",
    cancelledAt: start,
    lines: [],
  },
  OrderConfirmationFailed: { type: "OrderConfirmationFailed", orderId, reason: "ORDER_CANCELLED" },
  ConfirmPayment: confirm,
  "ConfirmPayment, other key": { ...confirm, paymentKey: "other key", attemptId: "other attempt" },
  "ConfirmPayment, foreign member": { ...confirm, memberId: "other" },
  "ConfirmPayment, other amount": { ...confirm, amount: amountDue - 1n },
  ProviderAnswered: answered,
  "ConfirmPayment, no provider": { ...confirm, isProviderAvailable: false },
  "ProviderAnswered, declined": { ...answered, answer: { kind: "declined", code: "REJECT_CARD_COMPANY" } },
  "ProviderAnswered, wrong amount": { ...answered, answer: { kind: "mismatch", amount: wrongAmount } },
  "ProviderAnswered, foreign": { ...answered, answer: { kind: "foreign" } },
  "ProviderAnswered, running": { ...answered, answer: { kind: "running", status: "IN_PROGRESS" } },
  "ProviderAnswered, absent": { ...answered, answer: { kind: "absent" } },
  "ProviderAnswered, absent after the key's life": {
    ...answered,
    answer: { kind: "absent" },
    askedAt: new Date(start.getTime() + policy.keySeconds * 1000),
  },
  "ProviderAnswered, unknown": { ...answered, answer: { kind: "unknown", why: "timeout" } },
  "ProviderAnswered, other attempt": { ...answered, attemptId: "an older attempt" },
  TakeLease: lease,
  "TakeLease, early": { ...lease, isEarly: true },
  RefundAnswered: refunded,
  "RefundAnswered, refused": { ...refunded, answer: { kind: "refused", code: "NOT_CANCELABLE_PAYMENT" } },
  "RefundAnswered, unknown": { ...refunded, answer: { kind: "unknown", why: "timeout" } },
  "RefundAnswered, older lease": { ...refunded, lease: 1, answer: { kind: "unknown", why: "timeout" } },
  "RefundAnswered, other number": { ...refunded, number: 7 },
  ResolvePayment: captured,
  "ResolvePayment, not captured": { ...captured, resolution: "NOT_CAPTURED" },
  "ResolvePayment, refunded": { ...captured, resolution: "REFUNDED" },
  "ResolvePayment, retry": { ...captured, resolution: "RETRY" },
  DeadlinePassed: { type: "DeadlinePassed", orderId },
} satisfies Record<Input, PaymentInput>;

/** What the service knows after these inputs, one after the other. */
export function told(past: Past, ...names: readonly Input[]): Past {
  return names.reduce((before, name) => before.when(inputs[name]).after, past);
}

export function paymentOf(past: Past): Payment {
  return past.state("payments", orderId);
}

const absent: Past = given(payments, [], start);
const ready = told(absent, "OrderPayable");
const confirming = told(ready, "ConfirmPayment");
const unknown = told(confirming, "ProviderAnswered, unknown");
const approved = told(confirming, "ProviderAnswered");
const declined = told(unknown, "ProviderAnswered, declined");
const refunding = told(approved, "OrderCancelled", "TakeLease");
const takenAfterAll = told(declined, "ProviderAnswered", "TakeLease");
const after = (past: Past, seconds: number): Past => past.at(new Date(past.now.getTime() + seconds * 1000));

export const states: Record<State, Past> = {
  absent,
  ready,
  "ready, overdue": ready.at(payBy),
  confirming,
  "confirming, lease over": after(confirming, policy.callSeconds),
  "confirming, cancel asked": told(confirming, "OrderCancelRequested"),
  "confirming, unwanted": told(confirming, "OrderCancelled"),
  unknown,
  "unknown, due": after(unknown, 1),
  "unknown, asked by another": told(unknown, "TakeLease, early"),
  "unknown, past pay_by": unknown.at(payBy),
  "unknown, cancel asked": told(unknown, "OrderCancelRequested"),
  "unknown, unwanted": told(unknown, "OrderConfirmationFailed"),
  "unknown, for too long": after(unknown, policy.unknownSeconds),
  approved,
  "approved, nothing due": told(absent, "OrderPayable, nothing due"),
  declined,
  "declined, given up": after(
    told(unknown.at(payBy), "OrderCancelRequested", "ProviderAnswered, absent after the key's life"),
    1,
  ),
  voided: told(ready, "OrderCancelRequested"),
  "voided, tombstone": told(absent, "OrderCancelRequested"),
  refunding,
  "refunding, lease over": after(refunding, 2 * policy.callSeconds),
  "refunding, declined": takenAfterAll,
  "refunding, wrong amount": told(confirming, "ProviderAnswered, wrong amount", "TakeLease"),
  "refunding, refused": told(refunding, "RefundAnswered, refused"),
  refunded: told(refunding, "RefundAnswered"),
  "refunded, declined": told(takenAfterAll, "RefundAnswered"),
};
