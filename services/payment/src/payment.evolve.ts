// What each fact changes about a payment. Pure: nothing here waits or reads a clock.
import { type Instant, unreachable } from "@quadrille/decider";
import type { LivePayment, Payment, PaymentFact, Refund, Registered, Verdict } from "./payment.ts";

export const nothingDue: Registered = {
  memberId: "",
  amountDue: 0n,
  currency: "",
  method: "PAYMENT_METHOD_UNSPECIFIED",
  payBy: undefined,
};

/** A payment before anything is known of it. */
export const unopened: LivePayment = {
  ...nothingDue,
  status: "ready",
  attempt: undefined,
  intent: "pay",
  verdict: undefined,
  captured: 0n,
  refunds: [],
  dueAt: undefined,
  leasedUntil: undefined,
  lease: 0,
  tries: 0,
  why: "",
};

export function evolvePayment(payment: Payment, fact: PaymentFact, now: Instant): Payment {
  const live = payment.status === "absent" ? unopened : payment;
  switch (fact.type) {
    case "registered": {
      const { memberId, amountDue, currency, method, payBy } = fact;
      return { ...live, memberId, amountDue, currency, method, payBy };
    }
    case "attemptStarted":
      return { ...live, status: "confirming", attempt: fact.attempt };
    case "leased": {
      // Whoever asked before has not answered in time.
      const status = live.status === "confirming" && fact.errand === "query" ? "unknown" : live.status;
      const { lease, tries, until } = fact;
      return { ...live, status, lease, tries, leasedUntil: until, dueAt: until };
    }
    case "postponed": {
      const { why, dueAt } = fact;
      const status = live.status === "confirming" ? "unknown" : live.status;
      return { ...live, status, why, dueAt, leasedUntil: undefined, tries: live.tries + 1 };
    }
    case "hastened":
      return { ...live, dueAt: fact.dueAt, tries: 0 };
    case "closed":
      return { ...live, dueAt: undefined, leasedUntil: undefined };
    case "intended":
      return { ...live, intent: fact.intent };
    case "captureFound":
      return { ...live, captured: fact.amount };
    case "refundStarted":
      return {
        ...live,
        status: "refunding",
        refunds: [...live.refunds, fact.refund],
        dueAt: now,
        leasedUntil: undefined,
        tries: 0,
        why: "",
      };
    case "refundRefused":
      return {
        ...withRefund(live, fact.number, "refused"),
        why: fact.code,
        dueAt: undefined,
        leasedUntil: undefined,
      };
    case "payment.refunded": {
      const after = withRefund(live, fact.data.refundNumber, "done");
      const isWhole = after.refunds.every(({ state }) => state !== "started");
      const next = { ...after, leasedUntil: undefined };
      return isWhole ? { ...next, status: "refunded", dueAt: undefined } : { ...next, dueAt: now };
    }
    case "payment.approved":
      return withVerdict(live, "approved", fact, fact.data.amount);
    case "payment.declined":
      return withVerdict(live, "declined", fact);
    case "payment.voided":
      return withVerdict(live, "voided", fact);
    case "payment.opened":
    case "resolved":
      return live;
    default:
      return unreachable(fact);
  }
}

/** The first verdict stands; told again, it changes nothing. Money that is on its way back goes on going back. */
function withVerdict(
  live: LivePayment,
  status: "approved" | "declined" | "voided",
  verdict: Verdict,
  captured: bigint = live.captured,
): LivePayment {
  if (live.verdict !== undefined) return live;
  if (live.refunds.length > 0) return { ...live, verdict };
  const asked = { dueAt: undefined, leasedUntil: undefined, tries: 0, why: "" };
  return { ...live, status, verdict, captured, ...asked };
}

function withRefund(live: LivePayment, number: number, state: Refund["state"]): LivePayment {
  const refunds = live.refunds.map((refund) => (refund.number === number ? { ...refund, state } : refund));
  return { ...live, refunds };
}
