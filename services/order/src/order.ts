// The whole life of an order: what it decides stands here, what becomes of it by that in `order.evolve.ts`.
// Nothing in either waits, reads a clock or rolls a die; `now` is the group's one database time.
//
//   absent → pending → payable → confirmed          pending: holds are being taken
//               │         │ ↘       ↓ ↑             payable: the buyer may pay
//               │         │  cancelling             cancelling: payment is asked which came first
//               └────→ cancelled ←──┘               cancelled has no exits
//
// A deadline binds whatever comes after it, not only the sweeper's question. Stock and benefits are taken side by side.
// The fate of each hold, and of the payment, is kept on the order: "cancelled" and "everything given back" are two
// different moments.
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type { BenefitsHeld, BenefitsReleased } from "@quadrille/contracts/gen/quadrille/member/v1/facts.ts";
import type { PaymentVoided } from "@quadrille/contracts/gen/quadrille/payment/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import type { StockHeld, StockReleased } from "@quadrille/contracts/gen/quadrille/product/v1/facts.ts";
import { earliest, type Instant, later, Refusal, unreachable } from "@quadrille/decider";
import type { Change } from "./order.evolve.ts";
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

export type StockFate = "wanted" | "held" | "rejected" | "committed" | "commitFailed" | "released";
export type BenefitsFate = "unwanted" | "wanted" | "held" | "rejected" | "spent" | "spendFailed" | "released";
type PaymentFate = "unasked" | "asked" | "approved" | "declined" | "voided" | "refunded";

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
  /** When the first of the holds that were told ends; undefined before any was. */
  readonly heldUntil: Instant | undefined;
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
  | (About & { readonly type: "DeadlinePassed" })
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

export type Fate =
  | { readonly part: "stock"; readonly fate: StockFate }
  | { readonly part: "benefits"; readonly fate: BenefitsFate }
  | { readonly part: "payment"; readonly fate: PaymentFate };

/** What became of a hold or of the payment; only this service's own record. */
export type FateHeard = Fate &
  About & {
    readonly type: "fateHeard";
    /** When the hold ends, if one was told. */
    readonly holdUntil?: Instant;
  };

export type OrderFact = (FactToldBy<"order"> & { readonly placed?: PlaceOrder }) | FateHeard;

/**
 * What an input means to an order, its deadline included: a late input may still confirm the order or end it in its own
 * way, and else only records what it tells; `order.payable` is struck out, because nobody may pay for what the same
 * decision cancels.
 */
export function decideOrder(order: Order, input: OrderInput, now: Instant): readonly OrderFact[] {
  const facts = decideInTime(order, input, now);
  if (order.status === "absent" || !isDue(order, now) || facts.some(isWayOut)) return facts;
  if (order.status === "pending")
    return [...facts.filter((fact) => fact.type !== "order.payable"), cancelled(order, "SAGA_TIMEOUT", now)];
  return [...facts, cancelRequested(order, order.reason ?? "PAYMENT_EXPIRED")]; // Asked again, with longer and longer waits.
}

function isWayOut({ type }: OrderFact): boolean {
  return type === "order.cancelled" || type === "order.cancel_requested" || type === "order.confirmed";
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
      return [];
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
      return refunded(order, now);
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
  const heard: OrderFact = { ...fateHeard(order, fate), holdUntil: told.holdUntil };
  const payBy = later(now, order.payWithinSeconds);
  // Time went by since the other hold was told: both must last from now on.
  const heldUntil = earliest(order.heldUntil, told.holdUntil);
  if (heldUntil < later(payBy, told.policy.unknownSeconds))
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
    case "cancelling": // The money came first, unless it has gone back already.
      return order.payment === "refunded"
        ? [cancelled(order, order.reason ?? "PAYMENT_DECLINED", now)]
        : [confirmed(order, now)];
    case "confirmed":
      return []; // A verdict told again.
    case "absent":
      return [confirmationFailed(input, order)];
    case "pending": // Its money goes back, so the same verdict told again must not find it payable.
      return [confirmationFailed(input, order), cancelled(order, "PAYMENT_DECLINED", now)];
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
    case "cancelling": {
      const end = cancelled(order, reason ?? "PAYMENT_EXPIRED", now);
      return order.payment === "refunded" ? [end] : [fateHeard(order, fate), end];
    }
    case "cancelled": // With a fate already, this is the verdict told again, which must not hide a refund.
      return order.payment === "unasked" ? [fateHeard(order, fate)] : [];
    case "absent":
    case "pending": // Payment says it again when it is asked.
    case "confirmed":
      return [];
  }
}

/** The money of a cancelled order, or what payment took in a wrong amount or too late: then its verdict may still be on its way. */
function refunded(order: Order, now: Instant): readonly OrderFact[] {
  if (order.status === "absent" || order.status === "confirmed" || order.payment === "refunded") return [];
  const heard = fateHeard(order, { part: "payment", fate: "refunded" });
  // A pending order never asked to be paid: what payment knows of it can only stand in its way.
  if (order.status === "pending") return [heard, cancelled(order, "PAYMENT_DECLINED", now)];
  return [heard]; // To one that was payable the verdict is still told, and says why.
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

function fateHeard(order: PlacedOrder, fate: Fate): FateHeard {
  return { type: "fateHeard", orderId: order.orderId, ...fate };
}

function isDue(order: PlacedOrder, now: Instant): boolean {
  return order.dueAt !== undefined && now >= order.dueAt;
}
