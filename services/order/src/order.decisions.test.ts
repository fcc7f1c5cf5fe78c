// Every cell of the order's decision table, and what a status alone does not show: fates, history, deadlines, the cart.
import { describe, expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import { ordering } from "./decider.ts";
import { historyMost, isSettled, type OrderInput, type PlacedOrder, type PlaceOrder } from "./order.ts";
import { type Input, nameOf, type State, table } from "./order.decisions.ts";

const start = new Date("2026-01-01T00:00:00Z");
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const policy = { pendingSeconds: 60, payWithinSeconds: 600, unknownSeconds: 3600, slackSeconds: 86_400 };
const orderId = "order";
const memberId = "member";
const lines = [
  { variantId: "A", quantity: 2, unitPrice: 1000n, title: "A thing" },
  { variantId: "B", quantity: 1, unitPrice: 500n, title: "Another" },
];

function placing(points: bigint): PlaceOrder {
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
const tooShort = after(600 + 3600 - 1);
const inputs = {
  PlaceOrder: placing(100n),
  "PlaceOrder, other body": { ...placing(100n), requestHash: "other" },
  CancelOrder: { type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" },
  "CancelOrder, by an operator": { type: "CancelOrder", orderId, memberId, by: "BY_OPERATOR" },
  "CancelOrder, foreign member": { type: "CancelOrder", orderId, memberId: "other", by: "BY_MEMBER" },
  DeadlinePassed: { type: "DeadlinePassed", orderId, policy },
  StockHeld: { type: "StockHeld", orderId, lines, holdUntil, policy },
  "StockHeld, too short": { type: "StockHeld", orderId, lines, holdUntil: tooShort, policy },
  StockRejected: { type: "StockRejected", orderId },
  StockCommitted: { type: "StockCommitted", orderId },
  StockCommitFailed: { type: "StockCommitFailed", orderId },
  StockReleased: { type: "StockReleased", orderId, reason: "CANCELLED" },
  "StockReleased, expired": { type: "StockReleased", orderId, reason: "EXPIRED" },
  BenefitsHeld: { type: "BenefitsHeld", orderId, memberId, points: 100n, holdUntil, policy },
  "BenefitsHeld, too short": {
    type: "BenefitsHeld",
    orderId,
    memberId,
    points: 100n,
    holdUntil: tooShort,
    policy,
  },
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

type Past = ReturnType<typeof given<OrderTables, AnyInput, AnyFact, never>>;
type OrderTables = Parameters<typeof ordering.decide>[0] extends infer _ ? import("./decider.ts").OrderTables : never;
type AnyInput = Parameters<typeof ordering.keys>[0];
type AnyFact = Parameters<typeof ordering.evolve>[1];
