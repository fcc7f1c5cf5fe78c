// Paid or not: the one decision this service owns. Nothing here waits, calls the provider or reads a clock.
//
//   absent → ready → confirming → approved → refunding → refunded
//   ready → voided          nobody paid in time, or the order was cancelled first
//   confirming → declined   nothing was taken; if it was after all, it goes back: → refunding
//   confirming → unknown    no answer, or one that proves nothing; asked until it is approved or declined
//
// An attempt is committed before the provider is called and its answer in a second transaction, so a crash in
// between leaves an attempt to ask about and never a second charge. Whoever calls the provider holds a lease, which
// ends by itself. What the provider's answers mean is in `payment.answers.ts`, what goes back in
// `payment.refunds.ts`, what a person decides in `payment.resolve.ts`, what a fact changes in `payment.evolve.ts`, what
// is written down of it all in `payment.journal.ts`.
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type {
  OrderCancelled,
  OrderCancelRequested,
  OrderConfirmationFailed,
  OrderPayable,
} from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { type Decider, type Instant, Refusal, row, unreachable } from "@quadrille/decider";
import { answered, isLeased, isPastPayBy, type ProviderState, takeLease } from "./payment.answers.ts";
import { evolvePayment, nothingDue } from "./payment.evolve.ts";
import { leased, postponed, voided } from "./payment.facts.ts";
import { type Entry, entriesOf, notesOn } from "./payment.journal.ts";
import { giveBackAll, type RefundAnswer, refundAnswered } from "./payment.refunds.ts";
import { type Resolution, resolve } from "./payment.resolve.ts";

export type { Entry } from "./payment.journal.ts";

export type LiveStatus =
  | "ready"
  | "confirming"
  | "unknown"
  | "approved"
  | "declined"
  | "voided"
  | "refunding"
  | "refunded";

/** How long things may take, in seconds. */
export interface Policy {
  /** How long one call to the provider is waited for; then somebody else may ask. */
  readonly callSeconds: number;
  /** How long after an attempt began the provider may still take the money for its key. */
  readonly keySeconds: number;
  /** How long a doubt lasts before a person is asked. */
  readonly unknownSeconds: number;
}

/** One try to take the money. Its id is the provider's idempotency key, so it never changes. */
export interface Attempt {
  readonly attemptId: string;
  readonly paymentKey: string;
  readonly startedAt: Instant;
}

export interface Refund {
  /** From 1; with the order id, the provider's idempotency key. */
  readonly number: number;
  readonly amount: bigint;
  /** `refused` is final for this number: what is tried again gets the next one. */
  readonly state: "started" | "done" | "refused";
  readonly startedAt: Instant;
}

/** What the order wants: to be paid; to know which came first, the money or its cancel; or all of it back. */
export type Intent = "pay" | "cancel" | "giveBack";

export type Verdict = Extract<
  FactToldBy<"payment">,
  { type: "payment.approved" | "payment.declined" | "payment.voided" }
>;

export interface Registered {
  /** Empty when only the order's end was heard of, and that without its member. */
  readonly memberId: string;
  /** Minor units. */
  readonly amountDue: bigint;
  readonly currency: string;
  readonly method: PaymentMethod;
  readonly payBy: Instant | undefined;
}

export interface LivePayment extends Registered {
  readonly status: LiveStatus;
  readonly attempt: Attempt | undefined;
  readonly intent: Intent;
  /** What was told to the order, to be told again when it asks. */
  readonly verdict: Verdict | undefined;
  readonly captured: bigint;
  readonly refunds: readonly Refund[];
  /** When the provider is to be asked next; undefined while there is nothing to ask. */
  readonly dueAt: Instant | undefined;
  /** Until then somebody else is asking. */
  readonly leasedUntil: Instant | undefined;
  /** The number of the newest lease. */
  readonly lease: number;
  /** How often the provider was asked in vain, since there was something to ask or reason to hope again. */
  readonly tries: number;
  /** What it said last that proved nothing, or why nothing was heard. */
  readonly why: string;
}

export type Payment = { readonly status: "absent" } | LivePayment;
export const absentPayment: Payment = { status: "absent" };

interface About {
  readonly orderId: string;
}

export interface ConfirmPayment extends About {
  readonly type: "ConfirmPayment";
  readonly memberId: string;
  readonly paymentKey: string;
  readonly amount: bigint;
  /** A new id, used if an attempt is made. */
  readonly attemptId: string;
  /** Whether the provider is known to answer: an attempt that was never started needs no answer. */
  readonly isProviderAvailable: boolean;
  readonly policy: Policy;
}

/** An answer belongs to an attempt and to the lease it was asked under. */
export interface ProviderAnswered extends About {
  readonly type: "ProviderAnswered";
  readonly attemptId: string;
  readonly lease: number;
  /** When that lease was taken. */
  readonly askedAt: Instant;
  readonly answer: ProviderState;
  readonly policy: Policy;
}

export interface RefundAnswered extends About {
  readonly type: "RefundAnswered";
  readonly number: number;
  readonly lease: number;
  readonly answer: RefundAnswer;
}

export interface ResolvePayment extends About {
  readonly type: "ResolvePayment";
  readonly resolution: Resolution;
  readonly transactionKey: string;
  /** The operator. */
  readonly by: string;
  readonly note: string;
  readonly policy: Policy;
}

/** Asks for the right to call the provider: when it is due, or early when there is reason to hope. */
export interface TakeLease extends About {
  readonly type: "TakeLease";
  readonly isEarly: boolean;
  readonly policy: Policy;
}

export type PaymentInput =
  | (Told<OrderPayable> & { readonly type: "OrderPayable" })
  | (Told<OrderCancelRequested> & { readonly type: "OrderCancelRequested" })
  | (Told<OrderCancelled> & { readonly type: "OrderCancelled" })
  | (Told<OrderConfirmationFailed> & { readonly type: "OrderConfirmationFailed" })
  | ConfirmPayment
  | ProviderAnswered
  | RefundAnswered
  | TakeLease
  | ResolvePayment
  | (About & { readonly type: "DeadlinePassed" });

/** What a lease allows. */
export type ErrandKind = "confirm" | "query" | "refund";

export type PaymentFact =
  | FactToldBy<"payment">
  | (About & Registered & { readonly type: "registered" })
  | (About & { readonly type: "attemptStarted"; readonly attempt: Attempt })
  | (About & {
      readonly type: "leased";
      readonly lease: number;
      readonly errand: ErrandKind;
      readonly tries: number;
      readonly until: Instant;
    })
  | (About & { readonly type: "postponed"; readonly why: string; readonly dueAt: Instant })
  | (About & { readonly type: "hastened"; readonly dueAt: Instant })
  | (About & { readonly type: "closed" })
  | (About & { readonly type: "intended"; readonly intent: Intent })
  | (About & { readonly type: "captureFound"; readonly amount: bigint })
  | (About & { readonly type: "refundStarted"; readonly refund: Refund })
  | (About & { readonly type: "refundRefused"; readonly number: number; readonly code: string })
  | (About & {
      readonly type: "resolved";
      readonly resolution: Resolution;
      readonly by: string;
      readonly note: string;
    });

/** Payments by order id. */
export interface PaymentTables {
  readonly payments: Payment;
}

export const payments: Decider<PaymentTables, PaymentInput, PaymentFact, Entry> = {
  initial: { payments: () => absentPayment },
  keys: (input) => ({ payments: [input.orderId] }),
  decide: (rows, input, now) => decidePayment(row(rows.payments, input.orderId), input, now),
  evolve(rows, fact, now) {
    const orderId = "data" in fact ? fact.data.orderId : fact.orderId;
    return { payments: new Map([[orderId, evolvePayment(row(rows.payments, orderId), fact, now)]]) };
  },
  entries: entriesOf,
  notes: notesOn,
};

export function decidePayment(payment: Payment, input: PaymentInput, now: Instant): readonly PaymentFact[] {
  switch (input.type) {
    case "OrderPayable":
      return payment.status === "absent" ? open(input, now) : [];
    case "ConfirmPayment":
      return confirm(payment, input, now);
    case "ProviderAnswered":
      return answered(payment, input, now);
    case "OrderCancelRequested":
      return cancelRequested(payment, input);
    case "OrderCancelled":
    case "OrderConfirmationFailed":
      return ended(payment, input, now);
    case "RefundAnswered":
      return refundAnswered(payment, input, now);
    case "TakeLease":
      return takeLease(payment, input, now);
    case "ResolvePayment":
      return resolve(payment, input, now);
    case "DeadlinePassed":
      return deadlinePassed(payment, input, now);
    default:
      return unreachable(input);
  }
}

function open(input: Told<OrderPayable>, now: Instant): readonly PaymentFact[] {
  const { orderId, memberId, amountDue, currency, method, payBy } = input;
  const due = { orderId, memberId, amountDue, currency, method, payBy };
  const registered: PaymentFact = { type: "registered", ...due };
  if (amountDue === 0n) {
    const nothing = { amount: 0n, transactionKey: "", paidWith: "", approvedAt: now };
    return [registered, { type: "payment.approved", data: { orderId, memberId, currency, ...nothing } }];
  }
  return [registered, now >= payBy ? voided(input, "EXPIRED") : { type: "payment.opened", data: due }];
}

/** Refusals start nothing. Quiet means: the attempt that is under way, or its verdict, is the answer. */
function confirm(payment: Payment, input: ConfirmPayment, now: Instant): readonly PaymentFact[] {
  if (payment.status === "absent") throw new Refusal("PAYMENT_NOT_READY");
  if (payment.memberId !== input.memberId) throw new Refusal("PAYMENT_UNKNOWN");
  if (payment.status !== "voided" && payment.amountDue !== input.amount) {
    throw new Refusal("AMOUNT_MISMATCH", { details: { amount_due: `${payment.amountDue}` } });
  }
  const isSameKey = payment.attempt?.paymentKey === input.paymentKey;
  switch (payment.status) {
    case "ready": {
      if (isPastPayBy(payment, now)) return [voided(input, "EXPIRED")];
      if (!input.isProviderAvailable) throw new Refusal("PROVIDER_UNAVAILABLE");
      const { orderId, attemptId, paymentKey } = input;
      return [
        { type: "attemptStarted", orderId, attempt: { attemptId, paymentKey, startedAt: now } },
        leased(payment, input, "confirm", now),
      ];
    }
    case "confirming":
    case "unknown":
      if (!isSameKey) throw new Refusal("PAYMENT_IN_DOUBT");
      return [];
    case "approved":
    case "declined":
    case "refunding":
    case "refunded":
      if (!isSameKey) throw new Refusal("PAYMENT_ENDED");
      return [];
    case "voided":
      throw new Refusal("PAYMENT_ENDED");
    default:
      return unreachable(payment);
  }
}

/** The order asks which came first. Whoever has a verdict tells it again; while in doubt, the answer will be the verdict. */
function cancelRequested(payment: Payment, input: Told<OrderCancelRequested>): readonly PaymentFact[] {
  const { orderId, memberId } = input;
  switch (payment.status) {
    case "absent":
      return tombstone(input, memberId);
    case "ready":
      return [voided(input, "CANCELLED")];
    case "confirming":
    case "unknown":
      return payment.intent === "pay" ? [{ type: "intended", orderId, intent: "cancel" }] : [];
    case "approved":
    case "declined":
    case "voided":
    case "refunding":
    case "refunded":
      return payment.verdict === undefined ? [] : [payment.verdict];
    default:
      return unreachable(payment);
  }
}

/** The order has ended without us: what was taken, or will turn out to have been, goes back whole and once. */
function ended(
  payment: Payment,
  input: About & { readonly memberId?: string },
  now: Instant,
): readonly PaymentFact[] {
  const { orderId, memberId = "" } = input;
  switch (payment.status) {
    case "absent":
      return tombstone(input, memberId);
    case "ready":
      return [voided(input, "CANCELLED")];
    case "confirming":
    case "unknown":
      return payment.intent === "giveBack" ? [] : [{ type: "intended", orderId, intent: "giveBack" }];
    case "approved":
      return giveBackAll(payment, orderId, now);
    case "declined":
    case "voided":
    case "refunding":
    case "refunded":
      return [];
    default:
      return unreachable(payment);
  }
}

/** Nobody paid in time, or whoever asked the provider has not answered in time. */
function deadlinePassed(payment: Payment, input: About, now: Instant): readonly PaymentFact[] {
  if (payment.status === "ready" && isPastPayBy(payment, now)) return [voided(input, "EXPIRED")];
  if (payment.status !== "confirming" || isLeased(payment, now)) return [];
  return [postponed(payment, input.orderId, "NO_ANSWER", now)];
}

/** Refuses a late order.payable. It knows its owner if whoever ended the order did. */
function tombstone(about: About, memberId: string): readonly PaymentFact[] {
  const { orderId } = about;
  return [{ type: "registered", orderId, ...nothingDue, memberId }, voided(about, "CANCELLED")];
}
