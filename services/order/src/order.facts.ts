// What an order tells of itself: every fact carries all its hearers need, so that none of them has to ask.
import type { Instant } from "@quadrille/decider";
import type { CancelReason, Order, OrderFact, PlacedOrder } from "./order.ts";

export function confirmed(order: PlacedOrder, now: Instant): OrderFact {
  const { orderId, memberId, subtotal, points, amountDue, currency } = order;
  const lines = [...order.lines];
  return {
    type: "order.confirmed",
    data: { orderId, memberId, lines, subtotal, points, amountDue, currency, confirmedAt: now },
  };
}

export function cancelRequested(order: PlacedOrder, reason: CancelReason): OrderFact {
  return {
    type: "order.cancel_requested",
    data: { orderId: order.orderId, memberId: order.memberId, reason },
  };
}

export function cancelled(order: PlacedOrder, reason: CancelReason, now: Instant): OrderFact {
  const { orderId, memberId, wasConfirmed, subtotal, points, amountDue, currency } = order;
  const benefitsWanted = order.benefits !== "unwanted";
  const lines = [...order.lines];
  return {
    type: "order.cancelled",
    data: {
      orderId,
      memberId,
      reason,
      wasConfirmed,
      benefitsWanted,
      subtotal,
      points,
      amountDue,
      currency,
      lines,
      cancelledAt: now,
    },
  };
}

export function confirmationFailed({ orderId }: { readonly orderId: string }, order: Order): OrderFact {
  return {
    type: "order.confirmation_failed",
    data: { orderId, reason: `ORDER_${order.status.toUpperCase()}` },
  };
}
