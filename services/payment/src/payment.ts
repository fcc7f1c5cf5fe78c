// Paid or not: the one decision this service owns. Nothing here waits, calls the provider or reads a clock.
//
//   absent → ready → confirming → approved → refunding → refunded
//              │        │  ↘ ↑ ↘
//              │        │   unknown → …        no answer, or one that proves nothing: asked until it is known
//              │        └──→ declined
//              └──→ voided                      nobody paid in time, or the order was cancelled first
//
// An attempt is committed before the provider is called and its answer in a second transaction, so a crash in
// between leaves an attempt to ask about and never a second charge.
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type {
  OrderCancelled,
  OrderCancelRequested,
  OrderConfirmationFailed,
  OrderPayable,
} from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { type Decider, type Instant, Refusal, row, unreachable } from "@quadrille/decider";

export type LiveStatus =
  | "ready"
  | "confirming"
  | "unknown"
  | "approved"
  | "declined"
  | "voided"
  | "refunding"
  | "refunded";

/** One try to take the money. Its key is the provider's idempotency key, so it never changes. */
export interface Attempt {
  readonly attemptId: string;
  readonly paymentKey: string;
  readonly startedAt: Instant;
}

export interface LivePayment {
  readonly status: LiveStatus;
  readonly memberId: string;
  /** Minor units. */
  readonly amountDue: bigint;
  readonly currency: string;
  readonly method: PaymentMethod;
  readonly payBy: Instant | undefined;
  readonly attempt: Attempt | undefined;
  /** The order was cancelled while the provider was being asked: what comes in must go back. */
  readonly isUnwanted: boolean;
  /** What was told to the order, to be told again when it asks. */
  readonly verdict: Verdict | undefined;
  readonly captured: bigint;
  readonly refunds: readonly Refund[];
}

export interface Refund {
  /** From 1; with the order id, the provider's idempotency key. */
  readonly number: number;
  readonly amount: bigint;
  readonly isDone: boolean;
}

export type Verdict = Extract<
  FactToldBy<"payment">,
  { type: "payment.approved" | "payment.declined" | "payment.voided" }
>;

export type Payment = { readonly status: "absent" } | LivePayment;
export const absentPayment: Payment = { status: "absent" };

/** What the provider said about an attempt. Only what is proven is approved or declined; the rest is unknown. */
export type ProviderAnswer =
  | {
      readonly kind: "approved";
      readonly transactionKey: string;
      readonly paidWith: string;
      readonly approvedAt: Instant;
    }
  | { readonly kind: "declined"; readonly code: string }
  | { readonly kind: "unknown"; readonly why: string };

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
}

export type PaymentInput =
  | (Told<OrderPayable> & { readonly type: "OrderPayable" })
  | (Told<OrderCancelRequested> & { readonly type: "OrderCancelRequested" })
  | (Told<OrderCancelled> & { readonly type: "OrderCancelled" })
  | (Told<OrderConfirmationFailed> & { readonly type: "OrderConfirmationFailed" })
  | ConfirmPayment
  | (About & {
      readonly type: "ProviderAnswered";
      readonly attemptId: string;
      readonly answer: ProviderAnswer;
    })
  | (About & { readonly type: "ProviderRefunded"; readonly number: number })
  | (About & { readonly type: "DeadlinePassed" });

export type PaymentFact =
  | FactToldBy<"payment">
  | (About & { readonly type: "attemptStarted"; readonly attempt: Attempt })
  | (About & { readonly type: "answerDoubted"; readonly why: string })
  | (About & { readonly type: "madeUnwanted" })
  | (About & { readonly type: "refundStarted"; readonly refund: Refund });

/** Payments by order id. */
export interface PaymentTables {
  readonly payments: Payment;
}

export const payments: Decider<PaymentTables, PaymentInput, PaymentFact> = {
  initial: { payments: () => absentPayment },
  keys: (input) => ({ payments: [input.orderId] }),
  decide: (rows, input, now) => decidePayment(row(rows.payments, input.orderId), input, now),
  evolve(rows, fact) {
    const orderId = "data" in fact ? fact.data.orderId : fact.orderId;
    return { payments: new Map([[orderId, evolvePayment(row(rows.payments, orderId), fact)]]) };
  },
};

export function decidePayment(payment: Payment, input: PaymentInput, now: Instant): readonly PaymentFact[] {
  switch (input.type) {
    case "OrderPayable":
      return payment.status === "absent" ? open(input, now) : [];
    case "ConfirmPayment":
      return confirm(payment, input, now);
    case "ProviderAnswered":
      return answered(payment, input);
    case "OrderCancelRequested":
      return cancelRequested(payment, input);
    case "OrderCancelled":
    case "OrderConfirmationFailed":
      return unwanted(payment, input);
    case "ProviderRefunded":
      return refunded(payment, input);
    case "DeadlinePassed":
      return payment.status === "ready" && isPastPayBy(payment, now) ? [voided(input, "EXPIRED")] : [];
    default:
      return unreachable(input);
  }
}

function open(input: Told<OrderPayable>, now: Instant): readonly PaymentFact[] {
  const { orderId, memberId, amountDue, currency, method, payBy } = input;
  const opened: PaymentFact = {
    type: "payment.opened",
    data: { orderId, memberId, amountDue, currency, method, payBy },
  };
  if (amountDue === 0n) {
    const data = {
      orderId,
      memberId,
      amount: 0n,
      currency,
      transactionKey: "",
      paidWith: "",
      approvedAt: now,
    };
    return [opened, { type: "payment.approved", data }];
  }
  return now >= payBy ? [opened, voided(input, "EXPIRED")] : [opened];
}

/** Refusals start nothing. Quiet means: the attempt that is under way, or its verdict, is the answer. */
function confirm(payment: Payment, input: ConfirmPayment, now: Instant): readonly PaymentFact[] {
  if (payment.status === "absent") throw new Refusal("PAYMENT_NOT_READY");
  if (payment.status === "voided" && payment.memberId === "") throw new Refusal("PAYMENT_ENDED"); // A tombstone knows no owner.
  if (payment.memberId !== input.memberId) throw new Refusal("PAYMENT_UNKNOWN");
  if (payment.amountDue !== input.amount) {
    throw new Refusal("AMOUNT_MISMATCH", { details: { amount_due: `${payment.amountDue}` } });
  }
  const isSameKey = payment.attempt?.paymentKey === input.paymentKey;
  switch (payment.status) {
    case "ready": {
      if (isPastPayBy(payment, now)) return [voided(input, "EXPIRED")];
      const { orderId, attemptId, paymentKey } = input;
      return [{ type: "attemptStarted", orderId, attempt: { attemptId, paymentKey, startedAt: now } }];
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

function answered(
  payment: Payment,
  input: Extract<PaymentInput, { type: "ProviderAnswered" }>,
): readonly PaymentFact[] {
  if (payment.status === "absent" || payment.attempt?.attemptId !== input.attemptId) return [];
  const { answer, orderId } = input;
  switch (payment.status) {
    case "confirming":
    case "unknown":
      if (answer.kind === "unknown") {
        return payment.status === "unknown" ? [] : [{ type: "answerDoubted", orderId, why: answer.why }];
      }
      if (answer.kind === "declined")
        return [{ type: "payment.declined", data: { orderId, reason: answer.code } }];
      return approve(payment, orderId, answer);
    case "declined":
    case "voided": // It was taken after all, and nobody wants it: it goes back without asking anyone.
      return answer.kind === "approved" && payment.captured === 0n
        ? [
            {
              type: "refundStarted",
              orderId,
              refund: { number: 1, amount: payment.amountDue, isDone: false },
            },
          ]
        : [];
    case "ready":
    case "approved":
    case "refunding":
    case "refunded":
      return [];
    default:
      return unreachable(payment);
  }
}

function approve(
  payment: LivePayment,
  orderId: string,
  answer: Extract<ProviderAnswer, { kind: "approved" }>,
): readonly PaymentFact[] {
  const { memberId, amountDue, currency } = payment;
  const { transactionKey, paidWith, approvedAt } = answer;
  const data = { orderId, memberId, amount: amountDue, currency, transactionKey, paidWith, approvedAt };
  const facts: PaymentFact[] = [{ type: "payment.approved", data }];
  if (payment.isUnwanted)
    facts.push({ type: "refundStarted", orderId, refund: { number: 1, amount: amountDue, isDone: false } });
  return facts;
}

/** The order asks which came first. Whoever has a verdict tells it again; while in doubt, the answer will be the verdict. */
function cancelRequested(payment: Payment, input: About): readonly PaymentFact[] {
  switch (payment.status) {
    case "absent":
    case "ready":
      return [voided(input, "CANCELLED")];
    case "confirming":
    case "unknown":
      return [];
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
function unwanted(payment: Payment, input: About): readonly PaymentFact[] {
  const { orderId } = input;
  switch (payment.status) {
    case "absent":
    case "ready":
      return [voided(input, "CANCELLED")];
    case "confirming":
    case "unknown":
      return payment.isUnwanted ? [] : [{ type: "madeUnwanted", orderId }];
    case "approved": {
      const amount = payment.captured - payment.refunds.reduce((sum, refund) => sum + refund.amount, 0n);
      return amount > 0n
        ? [
            {
              type: "refundStarted",
              orderId,
              refund: { number: payment.refunds.length + 1, amount, isDone: false },
            },
          ]
        : [];
    }
    case "declined":
    case "voided":
    case "refunding":
    case "refunded":
      return [];
    default:
      return unreachable(payment);
  }
}

function refunded(
  payment: Payment,
  { orderId, number }: About & { readonly number: number },
): readonly PaymentFact[] {
  if (payment.status !== "refunding") return [];
  const refund = payment.refunds.find((candidate) => candidate.number === number);
  if (refund === undefined || refund.isDone) return [];
  const data = { orderId, amount: refund.amount, currency: payment.currency, refundNumber: number };
  return [{ type: "payment.refunded", data }];
}

export function evolvePayment(payment: Payment, fact: PaymentFact): Payment {
  if (fact.type === "payment.opened") {
    const { memberId, amountDue, currency, method, payBy } = fact.data;
    return { ...unopened, status: "ready", memberId, amountDue, currency, method, payBy };
  }
  const live = payment.status === "absent" ? unopened : payment;
  switch (fact.type) {
    case "attemptStarted":
      return { ...live, status: "confirming", attempt: fact.attempt };
    case "answerDoubted":
      return { ...live, status: "unknown" };
    case "madeUnwanted":
      return { ...live, isUnwanted: true };
    case "payment.approved":
      // Told again, it changes nothing.
      return live.verdict === undefined
        ? { ...live, status: "approved", captured: fact.data.amount, verdict: fact }
        : live;
    case "payment.declined":
      return live.verdict === undefined ? { ...live, status: "declined", verdict: fact } : live;
    case "payment.voided":
      return live.verdict === undefined ? { ...live, status: "voided", verdict: fact } : live;
    case "refundStarted":
      // Money that came after a decline or a void is captured only as far as it has to go back.
      return {
        ...live,
        status: "refunding",
        captured: live.amountDue,
        refunds: [...live.refunds, fact.refund],
      };
    case "payment.refunded": {
      const refunds = live.refunds.map((refund) =>
        refund.number === fact.data.refundNumber ? { ...refund, isDone: true } : refund,
      );
      return {
        ...live,
        status: refunds.every((refund) => refund.isDone) ? "refunded" : "refunding",
        refunds,
      };
    }
    default:
      return unreachable(fact);
  }
}

/** A payment nobody has opened; voided like this, it is the tombstone that refuses a late order.payable. */
const unopened: LivePayment = {
  status: "ready",
  memberId: "",
  amountDue: 0n,
  currency: "",
  method: "PAYMENT_METHOD_UNSPECIFIED",
  payBy: undefined,
  attempt: undefined,
  isUnwanted: false,
  verdict: undefined,
  captured: 0n,
  refunds: [],
};

function voided({ orderId }: About, reason: "CANCELLED" | "EXPIRED"): PaymentFact {
  return { type: "payment.voided", data: { orderId, reason } };
}

function isPastPayBy(payment: LivePayment, now: Instant): boolean {
  return payment.payBy !== undefined && now >= payment.payBy;
}
