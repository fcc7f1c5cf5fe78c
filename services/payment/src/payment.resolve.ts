// What a person decides about a payment that the provider leaves in doubt, or whose refund it refuses.
// Pure: nothing here waits or reads a clock.
import { type Instant, later, Refusal, unreachable } from "@quadrille/decider";
import { approve, givenUp } from "./payment.answers.ts";
import { giveBackAll, refunded } from "./payment.refunds.ts";
import type { LivePayment, Payment, PaymentFact, Policy, ResolvePayment } from "./payment.ts";

export type Resolution = "CAPTURED" | "NOT_CAPTURED" | "REFUNDED" | "RETRY";

/** Refuses with PAYMENT_UNKNOWN or PAYMENT_NOT_STUCK; nothing changes then. */
export function resolve(payment: Payment, input: ResolvePayment, now: Instant): readonly PaymentFact[] {
  if (payment.status === "absent") throw new Refusal("PAYMENT_UNKNOWN");
  const { orderId, resolution, by, note } = input;
  return [{ type: "resolved", orderId, resolution, by, note }, ...decided(payment, input, now)];
}

function decided(payment: LivePayment, input: ResolvePayment, now: Instant): readonly PaymentFact[] {
  const { orderId, resolution, transactionKey, policy } = input;
  const refused = payment.status === "refunding" ? refusedRefund(payment) : undefined;
  switch (resolution) {
    case "CAPTURED":
      if (!isDoubtLong(payment, policy, now)) break;
      return approve(payment, orderId, { transactionKey, paidWith: "", approvedAt: now }, now);
    case "NOT_CAPTURED":
      if (!isDoubtLong(payment, policy, now)) break;
      return givenUp(payment, orderId, "NOT_CAPTURED", now);
    case "REFUNDED":
      if (refused === undefined) break;
      return refunded(payment, orderId, refused.number);
    case "RETRY":
      if (refused !== undefined) return giveBackAll(payment, orderId, now);
      if (!isAskable(payment)) break;
      return [{ type: "hastened", orderId, dueAt: now }];
    default:
      return unreachable(resolution);
  }
  throw new Refusal("PAYMENT_NOT_STUCK");
}

/** A payment that was declined too: its money may have been taken after all. */
function isAskable({ status, attempt }: LivePayment): boolean {
  return status === "unknown" || status === "refunding" || (status === "declined" && attempt !== undefined);
}

function isDoubtLong(payment: LivePayment, policy: Policy, now: Instant): boolean {
  const { status, attempt } = payment;
  return (
    status === "unknown" && attempt !== undefined && now >= later(attempt.startedAt, policy.unknownSeconds)
  );
}

/** The refund nobody has taken up again. */
export function refusedRefund({ refunds }: LivePayment): LivePayment["refunds"][number] | undefined {
  const last = refunds.at(-1);
  return last?.state === "refused" ? last : undefined;
}
