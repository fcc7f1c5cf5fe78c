// What the provider's answers prove about an attempt, and who may ask it next. Pure: nothing here waits or reads a clock.
import { type Instant, later, unreachable } from "@quadrille/decider";
import { declined, leased, postponed } from "./payment.facts.ts";
import { giveBackAll } from "./payment.refunds.ts";
import type { LivePayment, Payment, PaymentFact, ProviderAnswered, TakeLease } from "./payment.ts";

/** What became of a payment, as far as the provider's answer proves it. */
export type ProviderState =
  /** Taken, for our order, in our amount and currency. */
  | {
      readonly kind: "approved";
      readonly transactionKey: string;
      readonly paidWith: string;
      readonly approvedAt: Instant;
    }
  /** Ended, and nothing is kept: refused, aborted, expired, or taken and given back whole. */
  | { readonly kind: "declined"; readonly code: string }
  /** Not ended: it may be confirmed again with the same attempt id, or be left to expire. */
  | { readonly kind: "running"; readonly status: "READY" | "IN_PROGRESS" }
  /** The provider does not know the payment key (any more, or yet). */
  | { readonly kind: "absent" }
  /** Taken for our order in another amount: that amount is to be given back, whole. */
  | { readonly kind: "mismatch"; readonly amount: bigint }
  /** The payment key belongs to another order: nothing was taken for ours, and theirs is not ours to give back. */
  | { readonly kind: "foreign" }
  /** Proves nothing: ask again later. `why` is a word for people, never a secret. */
  | { readonly kind: "unknown"; readonly why: string };

export type Taken = Extract<ProviderState, { readonly kind: "approved" }>;

/** After this long nobody looks any more for money that was given up; the provider's own list tells of it then. */
const lookBackSeconds = 86_400;

/** Quiet means: there is nothing to ask, or somebody else is asking. */
export function takeLease(payment: Payment, input: TakeLease, now: Instant): readonly PaymentFact[] {
  if (payment.status === "absent" || payment.dueAt === undefined || isLeased(payment, now)) return [];
  if (now < payment.dueAt && !input.isEarly) return [];
  // Who asks early hopes for an answer: what was asked in vain before says nothing about the time to come.
  const asked = input.isEarly ? { ...payment, tries: 0 } : payment;
  switch (payment.status) {
    case "confirming":
    case "unknown":
    case "declined":
      return [leased(asked, input, "query", now)];
    case "refunding":
      return [leased(asked, input, "refund", now)];
    default:
      return [];
  }
}

export function answered(payment: Payment, input: ProviderAnswered, now: Instant): readonly PaymentFact[] {
  if (payment.status === "absent" || payment.attempt?.attemptId !== input.attemptId) return [];
  switch (payment.status) {
    case "confirming":
    case "unknown":
      return answeredInDoubt(payment, input, now);
    case "declined":
      return answeredAfterEnd(payment, input, now);
    case "ready":
    case "voided":
    case "approved":
    case "refunding":
    case "refunded":
      return [];
    default:
      return unreachable(payment);
  }
}

function answeredInDoubt(
  payment: LivePayment,
  input: ProviderAnswered,
  now: Instant,
): readonly PaymentFact[] {
  const { orderId, answer } = input;
  // Who asked under an older lease may have been asleep: what is final stays true, all else may have changed since.
  const isStale = input.lease !== payment.lease;
  switch (answer.kind) {
    case "approved":
      return approve(payment, orderId, answer, now);
    case "declined":
      return [declined(orderId, answer.code)];
    case "foreign":
      return [declined(orderId, "FOREIGN_PAYMENT_KEY")];
    case "mismatch":
      return giveBackFound(payment, orderId, answer.amount, now);
    case "running":
    case "absent":
      return isStale ? [] : notTakenYet(payment, input, now);
    case "unknown":
      return isStale ? [] : [postponed(payment, orderId, answer.why, now)];
    default:
      return unreachable(answer);
  }
}

/** Nothing was taken, but it still may be: by us, as long as the order wants it, else until the provider's own time is up. */
function notTakenYet(payment: LivePayment, input: ProviderAnswered, now: Instant): readonly PaymentFact[] {
  const { orderId, answer, askedAt, policy } = input;
  if (payment.intent === "pay" && !isPastPayBy(payment, now)) return [leased(payment, input, "confirm", now)];
  const startedAt = payment.attempt?.startedAt ?? now;
  const endsAt = later(startedAt, policy.keySeconds);
  const isOver = askedAt >= endsAt;
  if (answer.kind === "absent" && isOver) return givenUp(payment, orderId, "EXPIRED", now);
  const why = answer.kind === "running" ? answer.status : "NOT_FOUND";
  const next = postponed(payment, orderId, why, now);
  // When the key dies the provider has something new to say: that moment is not slept over.
  return [now < endsAt && endsAt < next.dueAt ? { ...next, dueAt: endsAt } : next];
}

export function approve(
  payment: LivePayment,
  orderId: string,
  { transactionKey, paidWith, approvedAt }: Omit<Taken, "kind">,
  now: Instant,
): readonly PaymentFact[] {
  const { memberId, amountDue: amount, currency } = payment;
  const data = { orderId, memberId, amount, currency, transactionKey, paidWith, approvedAt };
  const told: PaymentFact = { type: "payment.approved", data };
  if (payment.intent !== "giveBack") return [told];
  return [told, ...giveBackAll({ ...payment, captured: amount }, orderId, now)];
}

/** Nothing is known to have been taken, but the provider has not said so itself: it goes on being asked for a while. */
export function givenUp(
  payment: LivePayment,
  orderId: string,
  reason: string,
  now: Instant,
): readonly PaymentFact[] {
  return [declined(orderId, reason), postponed({ ...payment, tries: 0 }, orderId, reason, now)];
}

/** If it was taken after all, it goes back without asking anyone: nobody wants it any more. */
function answeredAfterEnd(
  payment: LivePayment,
  { orderId, answer, lease, askedAt }: ProviderAnswered,
  now: Instant,
): readonly PaymentFact[] {
  if (answer.kind === "approved") return giveBackFound(payment, orderId, payment.amountDue, now);
  if (answer.kind === "mismatch") return giveBackFound(payment, orderId, answer.amount, now);
  if (payment.dueAt === undefined || lease !== payment.lease) return [];
  const isFinal = answer.kind === "declined" || answer.kind === "foreign";
  const startedAt = payment.attempt?.startedAt ?? now;
  // What was asked before may have changed while whoever asked slept.
  if (isFinal || askedAt >= later(startedAt, lookBackSeconds)) return [{ type: "closed", orderId }];
  return [postponed(payment, orderId, answer.kind === "unknown" ? answer.why : answer.kind, now)];
}

/** Money that nobody is told of as paid; it goes back as it came. */
function giveBackFound(
  payment: LivePayment,
  orderId: string,
  amount: bigint,
  now: Instant,
): readonly PaymentFact[] {
  const found: PaymentFact = { type: "captureFound", orderId, amount };
  return [found, ...giveBackAll({ ...payment, captured: amount }, orderId, now)];
}

/** Somebody else is asking, and may still answer. */
export function isLeased(payment: LivePayment, now: Instant): boolean {
  return payment.leasedUntil !== undefined && now < payment.leasedUntil;
}

export function isPastPayBy(payment: LivePayment, now: Instant): boolean {
  return payment.payBy !== undefined && now >= payment.payBy;
}
