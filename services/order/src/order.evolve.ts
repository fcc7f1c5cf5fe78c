// What an order becomes by what is told of it, with the newest of its changes as its watchers see them.
import { earliest, type Instant, later, unreachable } from "@quadrille/decider";
import type {
  BenefitsFate,
  CancelReason,
  Fate,
  FateHeard,
  Order,
  OrderFact,
  PlacedOrder,
  StockFate,
} from "./order.ts";

/** One thing that happened to the order. */
export interface Change {
  readonly number: number;
  readonly status: PlacedOrder["status"];
  readonly step: string;
  readonly reason: string;
  readonly at: Instant;
}

/** Changes that are kept. */
export const historyMost = 32;
/** After pay_by, payment gets this long to tell by itself how it ended. */
const payGraceSeconds = 60;
const askAgainSecondsMost = 3600;

export function evolveOrder(order: Order, fact: OrderFact, now: Instant): Order {
  if (fact.type === "order.placed") return placedOrder(fact, now);
  if (order.status === "absent") return order; // Only confirmation_failed is told about an absent order.
  switch (fact.type) {
    case "fateHeard":
      return withChange(withFate(order, fact), stepOf(fact), "", now);
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
        {
          ...order,
          status: "cancelled",
          stock: awaited(order.stock),
          benefits: awaited(order.benefits),
          reason,
          dueAt: undefined,
        },
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
    heldUntil: undefined,
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

function withFate(order: PlacedOrder, { part, fate, holdUntil }: FateHeard): PlacedOrder {
  const heldUntil = holdUntil === undefined ? order.heldUntil : earliest(order.heldUntil, holdUntil);
  return { ...order, [part]: fate, heldUntil };
}

/**
 * A hold that expired before the sale may still become one, and before the cancel its owner does not know that it must
 * not: it is given back only when that is told after the order has ended.
 */
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
