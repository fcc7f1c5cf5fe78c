// The stories npm start plays on the running system, each with the end it must come to.
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Clients } from "./clients.ts";
import { payInWindow } from "./provider-window.ts";
import { variantId } from "./seed.ts";
import type { Stack } from "./stack.ts";
import type { Timeline } from "./timeline.ts";

export interface Stage {
  readonly stack: Stack;
  readonly timeline: Timeline;
  /** The buyer of the story, a member. */
  readonly buyer: Clients;
  /** Takes each line of the story as it happens. */
  tell(line: string): void;
  /** How long any step may take before the story is given up, in ms. */
  readonly stepMsMax: number;
}

/** Facts of an order with points that goes well, in no strict order. */
const confirmedWithPoints = [
  "order.placed",
  "product.stock_held",
  "member.benefits_held",
  "order.payable",
  "payment.opened",
  "payment.approved",
  "order.confirmed",
  "product.stock_committed",
  "member.benefits_spent",
];

/** (a) A cart becomes an order with points, is paid and confirmed. Resolves with whether it ended as told. */
export async function buyWithPoints(stage: Stage): Promise<boolean> {
  const { buyer, stack, timeline, tell, stepMsMax } = stage;
  tell("(a) from a cart to a confirmed order, partly paid with points");
  const requestId = () => crypto.randomUUID();
  await buyer.orders.clearCart({ requestId: requestId() });
  await buyer.orders.addCartLine({ requestId: requestId(), variantId: variantId(1), quantity: 2 });
  await buyer.orders.addCartLine({ requestId: requestId(), variantId: variantId(2), quantity: 1 });
  const { cart } = await buyer.orders.getCart({});
  const subtotal = cart?.subtotal ?? 0n;
  const points = 500n;
  tell(
    `    the cart holds ${cart?.lines.length} lines for ${subtotal} ${cart?.currency}; ${points} points are to be used`,
  );
  const { order } = await buyer.orders.placeOrder({
    requestId: requestId(),
    source: { $case: "cart", value: {} },
    points,
    expectedAmountDue: subtotal - points,
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds: 0,
  });
  if (order === undefined) throw new Error("an order was placed without an answer");
  const { orderId, amountDue } = order;
  tell(`    order ${orderId} placed, ${amountDue} due`);

  const facts = timeline.about(orderId);
  const isPaid = await untilStatus(stage, order, "ORDER_STATUS_PAYABLE", async () => {
    const { paymentKey } = await payInWindow(stack.providerUrl, orderId, amountDue);
    await buyer.payments.confirmPayment({ requestId: requestId(), orderId, paymentKey, amount: amountDue });
  });
  const isToldWhole = await facts.heard(confirmedWithPoints, isPaid ? stepMsMax : 0);
  tell(facts.print());
  if (!isToldWhole) {
    const heard = new Set(facts.types());
    const missing = confirmedWithPoints.filter((type) => !heard.has(type));
    tell(`    still waiting for ${missing.join(", ")}`);
    return false;
  }
  const { order: ended } = await buyer.orders.getOrder({ orderId, memberId: "" });
  const isSettled = ended?.status === "ORDER_STATUS_CONFIRMED";
  tell(`    order ${orderId} is ${ended?.status.replace("ORDER_STATUS_", "")}`);
  return isSettled;
}

/** Watches the order until it reaches the status, then goes on; false when it does not in time, ends before, or that fails. */
async function untilStatus(
  { buyer, stepMsMax, tell }: Stage,
  { orderId }: Order,
  status: Order["status"],
  then: () => Promise<void>,
): Promise<boolean> {
  try {
    for await (const { change } of buyer.orders.watchOrder(
      { orderId, afterChange: 0 },
      { signal: AbortSignal.timeout(stepMsMax) },
    )) {
      if (change?.status !== status) continue;
      await then();
      return true;
    }
    return false;
  } catch (error) {
    const { cause, message } = error as Error;
    const isTimeOver = cause instanceof DOMException && cause.name === "TimeoutError";
    if (!isTimeOver) tell(`    ${message}`);
    return false; // What is missing then shows best in the facts that were told.
  }
}
