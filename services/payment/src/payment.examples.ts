// One payment's inputs, and the ways into each of its states: what tests of decisions start from.
import { given, type Past as PastOf } from "@quadrille/decider/testing";
import type { Input, State } from "./payment.decisions.ts";
import {
  type Payment,
  type PaymentFact,
  type PaymentInput,
  type PaymentTables,
  payments,
} from "./payment.ts";

export type Past = PastOf<PaymentTables, PaymentInput, PaymentFact, never>;

export const start = new Date("2026-01-01T00:00:00Z");
export const payBy = new Date("2026-01-01T00:10:00Z");
export const orderId = "order";
export const memberId = "member";
export const amountDue = 2400n;

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
} as const;
const taken = {
  kind: "approved",
  transactionKey: "transaction",
  paidWith: "CARD",
  approvedAt: start,
} as const;
const answered = { type: "ProviderAnswered", orderId, attemptId: "attempt", answer: taken } as const;

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
  "ProviderAnswered, declined": { ...answered, answer: { kind: "declined", code: "REJECT_CARD_COMPANY" } },
  "ProviderAnswered, unknown": { ...answered, answer: { kind: "unknown", why: "timeout" } },
  "ProviderAnswered, other attempt": { ...answered, attemptId: "an older attempt" },
  ProviderRefunded: { type: "ProviderRefunded", orderId, number: 1 },
  "ProviderRefunded, other number": { type: "ProviderRefunded", orderId, number: 2 },
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
const refunding = told(approved, "OrderCancelled");
const takenAfterAll = told(declined, "ProviderAnswered");

export const states: Record<State, Past> = {
  absent,
  ready,
  "ready, overdue": ready.at(payBy),
  confirming,
  "confirming, unwanted": told(confirming, "OrderCancelled"),
  unknown,
  "unknown, unwanted": told(unknown, "OrderConfirmationFailed"),
  approved,
  "approved, nothing due": told(absent, "OrderPayable, nothing due"),
  declined,
  voided: told(ready, "OrderCancelRequested"),
  "voided, tombstone": told(absent, "OrderCancelRequested"),
  refunding,
  "refunding, declined": takenAfterAll,
  refunded: told(refunding, "ProviderRefunded"),
  "refunded, declined": told(takenAfterAll, "ProviderRefunded"),
};
