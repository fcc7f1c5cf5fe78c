// The whole life of an order. Nothing here waits, reads a clock or rolls a die; `now` is the group's one database time.
//
//   absent → pending → payable → confirmed          pending: holds are being taken
//               │         │ ↘       ↓ ↑             payable: the buyer may pay
//               │         │  cancelling             cancelling: payment is asked which came first
//               └────→ cancelled ←──┘               cancelled has no exits
//
// Stock and benefits are taken side by side. The fate of each hold, and of the payment, is kept on the order:
// "cancelled" and "everything given back" are two different moments.
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type { BenefitsHeld, BenefitsReleased } from "@quadrille/contracts/gen/quadrille/member/v1/facts.ts";
import type { PaymentVoided } from "@quadrille/contracts/gen/quadrille/payment/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import type { StockHeld, StockReleased } from "@quadrille/contracts/gen/quadrille/product/v1/facts.ts";
import { type Instant, Refusal, unreachable } from "@quadrille/decider";
import { cancelled, cancelRequested, confirmationFailed, confirmed } from "./order.facts.ts";
import type { Quote } from "./quote.ts";

export type CancelReason =
  | "STOCK_REJECTED"
  | "BENEFITS_REJECTED"
  | "PAYMENT_DECLINED"
  | "PAYMENT_EXPIRED"
  | "SAGA_TIMEOUT"
  | "HOLD_LOST"
  | "BY_MEMBER"
  | "BY_OPERATOR";

/** How long things may take, in seconds. */
export interface Policy {
  /** From placing to all holds taken. */
  readonly pendingSeconds: number;
  /** The longest time to pay, and the one taken when the buyer asks for none. */
  readonly payWithinSeconds: number;
  /** The longest a payment may stay in doubt. */
  readonly unknownSeconds: number;
  /** How much longer than all of that a hold lasts; a safety net for orders that were lost. */
  readonly slackSeconds: number;
}

/** After pay_by, payment gets this long to tell by itself how it ended. */
const payGraceSeconds = 60;
const askAgainSecondsMost = 3600;
export const historyMost = 32;

type StockFate = "wanted" | "held" | "rejected" | "committed" | "commitFailed" | "released";
type BenefitsFate = "unwanted" | "wanted" | "held" | "rejected" | "spent" | "spendFailed" | "released";
type PaymentFate = "unasked" | "asked" | "approved" | "declined" | "voided" | "refunded";

/** One thing that happened to the order, as its watchers see it. */
export interface Change {
  readonly number: number;
  readonly status: PlacedOrder["status"];
  readonly step: string;
  readonly reason: string;
  readonly at: Instant;
}

export interface PlacedOrder extends Quote {
  readonly status: "pending" | "payable" | "cancelling" | "confirmed" | "cancelled";
  readonly orderId: string;
  readonly memberId: string;
  readonly requestHash: string;
  readonly currency: string;
  readonly method: PaymentMethod;
  readonly placedAt: Instant;
  readonly pendingUntil: Instant;
  readonly holdUntil: Instant;
  readonly payWithinSeconds: number;
  readonly payBy: Instant | undefined;
  readonly stock: StockFate;
  readonly benefits: BenefitsFate;
  readonly payment: PaymentFate;
  /** Why someone wants out, while payment has not said which came first; then why it was cancelled. */
  readonly reason: CancelReason | undefined;
  readonly wasConfirmed: boolean;
  /** When a sweeper should look at it again; undefined once time can change nothing. */
  readonly dueAt: Instant | undefined;
  /** How often payment was asked for its verdict. */
  readonly asked: number;
  /** The newest changes, at most `historyMost`. */
  readonly history: readonly Change[];
}

export type Order = { readonly status: "absent" } | PlacedOrder;
export const absentOrder: Order = { status: "absent" };

export interface PlaceOrder {
  readonly type: "PlaceOrder";
  readonly orderId: string;
  readonly memberId: string;
  /** Over the request as it was sent. */
  readonly requestHash: string;
  readonly quote: Quote;
  readonly currency: string;
  readonly method: PaymentMethod;
  /** 0 takes the policy's. */
  readonly payWithinSeconds: number;
  /** The version of the cart that was priced, when the order empties it. */
  readonly cartVersion: number | undefined;
  readonly policy: Policy;
}

interface About {
  readonly orderId: string;
}

export type OrderInput =
  | PlaceOrder
  | (About & {
      readonly type: "CancelOrder";
      readonly memberId: string;
      readonly by: "BY_MEMBER" | "BY_OPERATOR";
    })
  | (About & { readonly type: "DeadlinePassed"; readonly policy: Policy })
  | (Told<StockHeld> & { readonly type: "StockHeld"; readonly policy: Policy })
  | (About & { readonly type: "StockRejected" })
  | (About & { readonly type: "StockCommitted" })
  | (About & { readonly type: "StockCommitFailed" })
  | (Pick<StockReleased, "orderId" | "reason"> & { readonly type: "StockReleased" })
  | (Told<BenefitsHeld> & { readonly type: "BenefitsHeld"; readonly policy: Policy })
  | (About & { readonly type: "BenefitsRejected" })
  | (About & { readonly type: "BenefitsSpent" })
  | (About & { readonly type: "BenefitsSpendFailed" })
  | (Pick<BenefitsReleased, "orderId" | "reason"> & { readonly type: "BenefitsReleased" })
  | (About & { readonly type: "PaymentApproved" })
  | (About & { readonly type: "PaymentDeclined" })
  | (Pick<PaymentVoided, "orderId" | "reason"> & { readonly type: "PaymentVoided" })
  | (About & { readonly type: "PaymentRefunded" });

type Fate =
  | { readonly part: "stock"; readonly fate: StockFate }
  | { readonly part: "benefits"; readonly fate: BenefitsFate }
  | { readonly part: "payment"; readonly fate: PaymentFate };

/** What became of a hold or of the payment; only this service's own record. */
type FateHeard = Fate & About & { readonly type: "fateHeard" };

export type OrderFact = (FactToldBy<"order"> & { readonly placed?: PlaceOrder }) | FateHeard;

export function decideOrder(order: Order, input: OrderInput, now: Instant): readonly OrderFact[] {
  const facts = decideInTime(order, input, now);
  const isLate = order.status === "pending" && now >= order.pendingUntil;
  if (!isLate || facts.some((fact) => fact.type === "order.cancelled")) return facts;
  // The deadline binds whatever comes after it, not only the sweeper's question.
  return [...facts.filter((fact) => fact.type !== "order.payable"), cancelled(order, "SAGA_TIMEOUT", now)];
}

function decideInTime(order: Order, input: OrderInput, now: Instant): readonly OrderFact[] {
  // Nothing was asked of member, so nothing that is told of benefits is an answer.
  const isUnasked = order.status !== "absent" && order.benefits === "unwanted";
  if (isUnasked && input.type.startsWith("Benefits")) return [];
  switch (input.type) {
    case "PlaceOrder":
      return place(order, input, now);
    case "CancelOrder":
      return cancel(order, input, now);
    case "DeadlinePassed":
      return order.status !== "absent" &&
        (order.status === "payable" || order.status === "cancelling") &&
        isDue(order, now)
        ? [cancelRequested(order, order.reason ?? "PAYMENT_EXPIRED")] // Asked again, with longer and longer waits.
        : [];
    case "StockHeld":
      return order.status === "pending" && order.stock === "wanted"
        ? held(order, { part: "stock", fate: "held" }, input, now)
        : [];
    case "BenefitsHeld":
      return order.status === "pending" && order.benefits === "wanted"
        ? held(order, { part: "benefits", fate: "held" }, input, now)
        : [];
    case "StockRejected":
      return rejected(order, { part: "stock", fate: "rejected" }, "STOCK_REJECTED", now);
    case "BenefitsRejected":
      return rejected(order, { part: "benefits", fate: "rejected" }, "BENEFITS_REJECTED", now);
    case "StockCommitted":
      return order.status === "confirmed" && order.stock !== "committed"
        ? [fateHeard(order, { part: "stock", fate: "committed" })]
        : [];
    case "BenefitsSpent":
      return order.status === "confirmed" && order.benefits !== "spent"
        ? [fateHeard(order, { part: "benefits", fate: "spent" })]
        : [];
    case "StockCommitFailed":
      return saleLost(order, { part: "stock", fate: "commitFailed" }, now);
    case "BenefitsSpendFailed":
      return saleLost(order, { part: "benefits", fate: "spendFailed" }, now);
    case "StockReleased":
      return released(order, { part: "stock", fate: "released" }, input.reason, now);
    case "BenefitsReleased":
      return released(order, { part: "benefits", fate: "released" }, input.reason, now);
    case "PaymentApproved":
      return approved(order, input, now);
    case "PaymentDeclined":
      return notPaid(order, { part: "payment", fate: "declined" }, "PAYMENT_DECLINED", now);
    case "PaymentVoided":
      return notPaid(
        order,
        { part: "payment", fate: "voided" },
        order.status === "cancelling" ? order.reason : "PAYMENT_EXPIRED",
        now,
      );
    case "PaymentRefunded":
      return order.status === "cancelled" && order.payment !== "refunded"
        ? [fateHeard(order, { part: "payment", fate: "refunded" })]
        : [];
    default:
      return unreachable(input);
  }
}

function place(order: Order, input: PlaceOrder, now: Instant): readonly OrderFact[] {
  if (order.status !== "absent") {
    if (order.requestHash !== input.requestHash) throw new Refusal("REQUEST_ID_REUSED");
    return []; // Asked twice, placed once.
  }
  const { policy, quote } = input;
  const payWithinSeconds = input.payWithinSeconds === 0 ? policy.payWithinSeconds : input.payWithinSeconds;
  const pendingUntil = later(now, policy.pendingSeconds);
  const holdUntil = later(
    pendingUntil,
    policy.payWithinSeconds + policy.unknownSeconds + policy.slackSeconds,
  );
  const data = {
    orderId: input.orderId,
    memberId: input.memberId,
    lines: [...quote.lines],
    subtotal: quote.subtotal,
    points: quote.points,
    amountDue: quote.amountDue,
    currency: input.currency,
    method: input.method,
    placedAt: now,
    pendingUntil,
    holdUntil,
    payWithinSeconds,
  };
  return [{ type: "order.placed", data, placed: input }];
}

function cancel(
  order: Order,
  input: Extract<OrderInput, { type: "CancelOrder" }>,
  now: Instant,
): readonly OrderFact[] {
  if (order.status === "absent" || order.memberId !== input.memberId) throw new Refusal("ORDER_UNKNOWN");
  switch (order.status) {
    case "pending":
      return [cancelled(order, input.by, now)];
    case "payable":
      return [cancelRequested(order, input.by)];
    case "confirmed":
      if (!isSettled(order)) throw new Refusal("NOT_SETTLED");
      return [cancelled(order, input.by, now)];
    case "cancelling":
    case "cancelled":
      return [];
  }
}

/** A hold was taken; the order becomes payable when nothing is missing and both holds outlast any doubt about the payment. */
function held(
  order: PlacedOrder,
  fate: Fate,
  told: { readonly holdUntil: Instant; readonly policy: Policy },
  now: Instant,
): readonly OrderFact[] {
  const heard = fateHeard(order, fate);
  const payBy = later(now, order.payWithinSeconds);
  if (told.holdUntil < later(payBy, told.policy.unknownSeconds))
    return [heard, cancelled(order, "SAGA_TIMEOUT", now)];
  const after = { ...order, [fate.part]: fate.fate };
  const isComplete = after.stock === "held" && (after.benefits === "held" || after.benefits === "unwanted");
  if (!isComplete) return [heard];
  const { orderId, memberId, amountDue, currency, method } = order;
  return [heard, { type: "order.payable", data: { orderId, memberId, amountDue, currency, method, payBy } }];
}

function rejected(order: Order, fate: Fate, reason: CancelReason, now: Instant): readonly OrderFact[] {
  return order.status === "pending" ? [fateHeard(order, fate), cancelled(order, reason, now)] : [];
}

/** Paid, but a hold was gone when the sale came: nobody may keep half of it. */
function saleLost(order: Order, fate: Fate, now: Instant): readonly OrderFact[] {
  return order.status === "confirmed" ? [fateHeard(order, fate), cancelled(order, "HOLD_LOST", now)] : [];
}

/** A hold went back: because we cancelled, or because it expired under an order that still wanted it. */
function released(order: Order, fate: Fate, reason: string, now: Instant): readonly OrderFact[] {
  switch (order.status) {
    case "absent":
    case "confirmed": // Its owner has heard, or will hear, of the sale, and tells what came of it.
      return [];
    case "pending":
      return [fateHeard(order, fate), cancelled(order, "HOLD_LOST", now)];
    case "payable":
      return [fateHeard(order, fate), cancelRequested(order, "HOLD_LOST")];
    case "cancelling":
      return order[fate.part] === fate.fate ? [] : [fateHeard(order, fate)];
    case "cancelled":
      // An expiry told before the cancel was heard is not yet the answer to it.
      return order[fate.part] === fate.fate || reason === "EXPIRED" ? [] : [fateHeard(order, fate)];
  }
}

function approved(order: Order, input: About, now: Instant): readonly OrderFact[] {
  switch (order.status) {
    case "payable":
    case "cancelling": // The money came first.
      return [confirmed(order, now)];
    case "confirmed":
      return []; // A verdict told again.
    case "absent":
    case "pending":
      return [confirmationFailed(input, order)];
    case "cancelled":
      return order.wasConfirmed ? [] : [confirmationFailed(input, order)]; // Money that came late goes back.
  }
}

function notPaid(
  order: Order,
  fate: Fate,
  reason: CancelReason | undefined,
  now: Instant,
): readonly OrderFact[] {
  switch (order.status) {
    case "payable":
    case "cancelling":
      return [fateHeard(order, fate), cancelled(order, reason ?? "PAYMENT_EXPIRED", now)];
    case "cancelled": // With a fate already, this is the verdict told again, which must not hide a refund.
      return order.payment === "unasked" ? [fateHeard(order, fate)] : [];
    case "absent":
    case "pending": // Payment says it again when it is asked.
    case "confirmed":
      return [];
  }
}

export function evolveOrder(order: Order, fact: OrderFact, now: Instant): Order {
  if (fact.type === "order.placed") return placedOrder(fact, now);
  if (order.status === "absent") return order; // Only confirmation_failed is told about an absent order.
  switch (fact.type) {
    case "fateHeard":
      return withChange({ ...order, [fact.part]: fact.fate }, stepOf(fact), "", now);
    case "order.payable": {
      const dueAt = later(fact.data.payBy, payGraceSeconds);
      return withChange(
        { ...order, status: "payable", payment: "asked", payBy: fact.data.payBy, dueAt },
        "PAYABLE",
        "",
        now,
      );
    }
    case "order.confirmed":
      return withChange(
        {
          ...order,
          status: "confirmed",
          stock: awaited(order.stock),
          benefits: awaited(order.benefits),
          payment: "approved",
          reason: undefined,
          wasConfirmed: true,
          dueAt: undefined,
        },
        "PAID",
        "",
        now,
      );
    case "order.cancel_requested": {
      const dueAt = later(
        now,
        Math.min(payGraceSeconds * 2 ** Math.min(order.asked, 10), askAgainSecondsMost),
      );
      const reason = fact.data.reason as CancelReason;
      return withChange(
        { ...order, status: "cancelling", reason, asked: order.asked + 1, dueAt },
        "CANCEL_REQUESTED",
        reason,
        now,
      );
    }
    case "order.cancelled": {
      const reason = fact.data.reason as CancelReason;
      return withChange(
        { ...order, status: "cancelled", reason, dueAt: undefined },
        "CANCELLED",
        reason,
        now,
      );
    }
    case "order.confirmation_failed":
      return withChange(order, "CONFIRMATION_FAILED", fact.data.reason, now);
    default:
      return unreachable(fact);
  }
}

/** Nothing about this order can change any more, except by a cancel or a return of a settled sale. */
export function isSettled(order: PlacedOrder): boolean {
  if (order.status === "confirmed") {
    return order.stock === "committed" && (order.benefits === "spent" || order.benefits === "unwanted");
  }
  if (order.status !== "cancelled") return false;
  const isMoneyBack =
    order.payment === "declined" ||
    order.payment === "voided" ||
    order.payment === "refunded" ||
    (order.payment === "approved" && order.amountDue === 0n);
  return (
    order.stock === "released" &&
    (order.benefits === "released" || order.benefits === "unwanted") &&
    isMoneyBack
  );
}

function placedOrder(fact: Extract<OrderFact, { type: "order.placed" }>, now: Instant): PlacedOrder {
  const { data, placed } = fact;
  if (placed === undefined) throw new Error("an order is placed by its own service only");
  const order: PlacedOrder = {
    ...placed.quote,
    status: "pending",
    orderId: data.orderId,
    memberId: data.memberId,
    requestHash: placed.requestHash,
    currency: data.currency,
    method: data.method,
    placedAt: data.placedAt,
    pendingUntil: data.pendingUntil,
    holdUntil: data.holdUntil,
    payWithinSeconds: data.payWithinSeconds,
    payBy: undefined,
    stock: "wanted",
    benefits: data.points > 0n ? "wanted" : "unwanted",
    payment: "unasked",
    reason: undefined,
    wasConfirmed: false,
    dueAt: data.pendingUntil,
    asked: 0,
    history: [],
  };
  return withChange(order, "PLACED", "", now);
}

/** A hold that expired before the sale may still become one: it is given back only when that is told after the sale. */
function awaited<F extends StockFate | BenefitsFate>(fate: F): F | "wanted" {
  return fate === "released" ? "wanted" : fate;
}

function withChange(order: PlacedOrder, step: string, reason: string, at: Instant): PlacedOrder {
  const number = (order.history.at(-1)?.number ?? 0) + 1;
  const change: Change = { number, status: order.status, step, reason, at };
  return { ...order, history: [...order.history, change].slice(-historyMost) };
}

const steps: { readonly [part in Fate["part"]]: string } = {
  stock: "STOCK",
  benefits: "BENEFITS",
  payment: "PAYMENT",
};

function stepOf({ part, fate }: Fate): string {
  return `${steps[part]}_${fate.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function fateHeard(order: PlacedOrder, fate: Fate): FateHeard {
  return { type: "fateHeard", orderId: order.orderId, ...fate };
}

function isDue(order: PlacedOrder, now: Instant): boolean {
  return order.dueAt !== undefined && now >= order.dueAt;
}

function later(moment: Instant, seconds: number): Instant {
  return new Date(moment.getTime() + seconds * 1000);
}
