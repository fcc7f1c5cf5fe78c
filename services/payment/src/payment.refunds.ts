// What goes back to the buyer: promised under the payment's lock, so that together it is never more than was taken.
// Pure: nothing here waits or reads a clock.
import { type Instant, unreachable } from "@quadrille/decider";
import { declined, postponed } from "./payment.facts.ts";
import type { LivePayment, Payment, PaymentFact, RefundAnswered } from "./payment.ts";

export type RefundAnswer =
  | { readonly kind: "refunded"; readonly transactionKey: string }
  /** It will not be given back by asking again: a person has to look. */
  | { readonly kind: "refused"; readonly code: string }
  /** Ask again with the same number. */
  | { readonly kind: "unknown"; readonly why: string };

/** One refund of all that was taken and is not promised already; nothing if that is nothing. */
export function giveBackAll(payment: LivePayment, orderId: string, now: Instant): readonly PaymentFact[] {
  const promised = payment.refunds.filter(({ state }) => state !== "refused");
  const amount = payment.captured - promised.reduce((sum, refund) => sum + refund.amount, 0n);
  if (amount <= 0n) return [];
  const number = payment.refunds.length + 1;
  return [{ type: "refundStarted", orderId, refund: { number, amount, state: "started", startedAt: now } }];
}

export function refundAnswered(
  payment: Payment,
  input: RefundAnswered,
  now: Instant,
): readonly PaymentFact[] {
  if (payment.status !== "refunding") return [];
  const { orderId, number, answer } = input;
  const refund = payment.refunds.find((candidate) => candidate.number === number);
  // A refusal is final for its number: the next one may have taken its place.
  if (refund?.state !== "started") return [];
  if (answer.kind === "refunded") return refunded(payment, orderId, number);
  // What is not final may have changed since it was asked under an older lease.
  if (input.lease !== payment.lease) return [];
  switch (answer.kind) {
    case "refused":
      return [{ type: "refundRefused", orderId, number, code: answer.code }];
    case "unknown":
      return [postponed(payment, orderId, answer.why, now)];
    default:
      return unreachable(answer);
  }
}

/** Money that came in a wrong amount gets its verdict only now that it is gone again. */
export function refunded(payment: LivePayment, orderId: string, number: number): readonly PaymentFact[] {
  const amount = payment.refunds.find((refund) => refund.number === number)?.amount ?? 0n;
  const data = { orderId, amount, currency: payment.currency, refundNumber: number };
  const told: PaymentFact = { type: "payment.refunded", data };
  return payment.verdict === undefined ? [told, declined(orderId, "AMOUNT_MISMATCH")] : [told];
}
