// The facts of a payment that more than one decision comes to.
import { type Instant, later } from "@quadrille/decider";
import type { ErrandKind, LivePayment, PaymentFact, Policy } from "./payment.ts";

interface About {
  readonly orderId: string;
}

export type Postponed = Extract<PaymentFact, { readonly type: "postponed" }>;

/** The right to call the provider, until nobody may wait for that call any more. */
export function leased(
  payment: LivePayment,
  { orderId, policy }: About & { readonly policy: Policy },
  errand: ErrandKind,
  now: Instant,
): PaymentFact {
  // A refund may need a second question: what became of the one before.
  const seconds = errand === "refund" ? 2 * policy.callSeconds : policy.callSeconds;
  const { tries } = payment;
  return { type: "leased", orderId, lease: payment.lease + 1, errand, tries, until: later(now, seconds) };
}

/** Seconds from one question in vain to the next: after 1, 5, 15, 60 seconds, and then every five minutes. */
const waitsSeconds = [1, 4, 10, 45, 240] as const;
const longestWaitSeconds = 300;

/** The answer proved nothing: the provider is asked again later. */
export function postponed(payment: LivePayment, orderId: string, why: string, now: Instant): Postponed {
  const seconds = waitsSeconds[payment.tries] ?? longestWaitSeconds;
  return { type: "postponed", orderId, why, dueAt: later(now, seconds) };
}

export function declined(orderId: string, reason: string): PaymentFact {
  return { type: "payment.declined", data: { orderId, reason } };
}

export function voided({ orderId }: About, reason: "CANCELLED" | "EXPIRED"): PaymentFact {
  return { type: "payment.voided", data: { orderId, reason } };
}
