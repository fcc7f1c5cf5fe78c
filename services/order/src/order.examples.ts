// One order's inputs, and the ways into each of its states: what tests of decisions start from.
import { given, type Past as PastOf } from "@quadrille/decider/testing";
import type { CartFact, CartInput } from "./cart.ts";
import { type OrderTables, ordering } from "./decider.ts";
import type { Input, State } from "./order.decisions.ts";
import type { Order, OrderFact, OrderInput, PlaceOrder, Policy } from "./order.ts";

export type Past = PastOf<OrderTables, OrderInput | CartInput, OrderFact | CartFact, never>;

export const start = new Date("2026-01-01T00:00:00Z");
export const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
export const policy: Policy = {
  pendingSeconds: 60,
  payWithinSeconds: 600,
  unknownSeconds: 3600,
  slackSeconds: 86_400,
};
export const orderId = "order";
export const memberId = "member";

const lines = [
  { variantId: "A", quantity: 2, unitPrice: 1000n, title: "A thing" },
  { variantId: "B", quantity: 1, unitPrice: 500n, title: "Another" },
];

export function placing(points: bigint): PlaceOrder {
  return {
    type: "PlaceOrder",
    orderId,
    memberId,
    requestHash: "body",
    quote: { lines, subtotal: 2500n, points, amountDue: 2500n - points },
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds: 0,
    cartVersion: undefined,
    policy,
  };
}

const holdUntil = after(60 + 600 + 3600 + 86_400);
/** A second less than a payment started at once may stay in doubt. */
const tooShort = after(600 + 3600 - 1);
const benefitsHeld = { type: "BenefitsHeld", orderId, memberId, points: 100n, holdUntil, policy } as const;

export const inputs = {
  PlaceOrder: placing(100n),
  "PlaceOrder, other body": { ...placing(100n), requestHash: "other" },
  CancelOrder: { type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" },
  "CancelOrder, by an operator": { type: "CancelOrder", orderId, memberId, by: "BY_OPERATOR" },
  "CancelOrder, foreign member": { type: "CancelOrder", orderId, memberId: "other", by: "BY_MEMBER" },
  DeadlinePassed: { type: "DeadlinePassed", orderId },
  StockHeld: { type: "StockHeld", orderId, lines, holdUntil, policy },
  "StockHeld, too short": { type: "StockHeld", orderId, lines, holdUntil: tooShort, policy },
  StockRejected: { type: "StockRejected", orderId },
  StockCommitted: { type: "StockCommitted", orderId },
  StockCommitFailed: { type: "StockCommitFailed", orderId },
  StockReleased: { type: "StockReleased", orderId, reason: "CANCELLED" },
  "StockReleased, expired": { type: "StockReleased", orderId, reason: "EXPIRED" },
  BenefitsHeld: benefitsHeld,
  "BenefitsHeld, too short": { ...benefitsHeld, holdUntil: tooShort },
  BenefitsRejected: { type: "BenefitsRejected", orderId },
  BenefitsSpent: { type: "BenefitsSpent", orderId },
  BenefitsSpendFailed: { type: "BenefitsSpendFailed", orderId },
  BenefitsReleased: { type: "BenefitsReleased", orderId, reason: "CANCELLED" },
  "BenefitsReleased, expired": { type: "BenefitsReleased", orderId, reason: "EXPIRED" },
  PaymentApproved: { type: "PaymentApproved", orderId },
  PaymentDeclined: { type: "PaymentDeclined", orderId },
  PaymentVoided: { type: "PaymentVoided", orderId, reason: "CANCELLED" },
  PaymentRefunded: { type: "PaymentRefunded", orderId },
} satisfies Record<Input, OrderInput>;

/** What the service knows after these inputs, one after the other. */
export function told(past: Past, ...names: readonly Input[]): Past {
  return names.reduce((before, name) => before.when(inputs[name]).after, past);
}

export function orderOf(past: Past): Order {
  return past.state("orders", orderId);
}

const absent: Past = given(ordering, [], start);
const pending = told(absent, "PlaceOrder");
const pendingNoPoints = absent.when(placing(0n)).after;
const payable = told(pending, "StockHeld", "BenefitsHeld");
const cancelling = told(payable, "CancelOrder");
const confirmed = told(payable, "PaymentApproved");
const confirmedNoPoints = told(pendingNoPoints, "StockHeld", "PaymentApproved");
const settled = told(confirmed, "StockCommitted", "BenefitsSpent");
const cancelled = told(pending, "CancelOrder");

export const states: Record<State, Past> = {
  absent,
  pending,
  "pending, stock held": told(pending, "StockHeld"),
  "pending, benefits held": told(pending, "BenefitsHeld"),
  "pending, no points": pendingNoPoints,
  "pending, stock held, too short by now": pending
    .when({ ...inputs.StockHeld, holdUntil: after(600 + 3600) })
    .after.at(after(1)),
  "pending, stock held, late": told(pending, "StockHeld").at(after(60)),
  payable,
  "payable, overdue": payable.at(after(600 + 60)),
  "payable, refunded": told(payable, "PaymentRefunded"),
  cancelling,
  "cancelling, overdue": cancelling.at(after(60)),
  "cancelling, refunded": told(cancelling, "PaymentRefunded"),
  "cancelling, holds gone": told(payable, "StockReleased, expired", "BenefitsReleased, expired"),
  confirmed,
  "confirmed, stock committed": told(confirmed, "StockCommitted"),
  "confirmed, no points": confirmedNoPoints,
  "confirmed, settled": settled,
  cancelled,
  "cancelled, no points": told(pendingNoPoints, "CancelOrder"),
  "cancelled, given back": told(cancelled, "StockReleased", "BenefitsReleased", "PaymentVoided"),
  "cancelled, declined and refunded": told(payable, "PaymentDeclined", "PaymentRefunded"),
  "cancelled, refunded and declined": told(payable, "PaymentRefunded", "PaymentDeclined"),
  "cancelled, sale taken back": told(settled, "CancelOrder"),
};
