// Story (a): everything goes well.
import { variantId } from "./seed.ts";
import { follow, newRequestId, pay, place, type Stage } from "./story-steps.ts";

/** Facts of a sale without points, in no strict order. */
export const sold = [
  "order.placed",
  "product.stock_held",
  "order.payable",
  "payment.opened",
  "payment.approved",
  "order.confirmed",
  "product.stock_committed",
];
export const soldForPoints = [...sold, "member.benefits_held", "member.benefits_spent"];

/** A cart becomes an order with points, is paid and confirmed. */
export async function buyWithPoints(stage: Stage): Promise<void> {
  const { regular: buyer, tell } = stage;
  await buyer.orders.clearCart({ requestId: newRequestId() });
  await buyer.orders.addCartLine({ requestId: newRequestId(), variantId: variantId(1), quantity: 2 });
  await buyer.orders.addCartLine({ requestId: newRequestId(), variantId: variantId(2), quantity: 1 });
  const { cart } = await buyer.orders.getCart({});
  const subtotal = cart?.subtotal ?? 0n;
  const points = 500n;
  tell(
    `    the cart holds ${cart?.lines.length} lines for ${subtotal} ${cart?.currency}; ${points} points are to be used`,
  );
  const order = await place(buyer, { points, due: subtotal - points });
  tell(`    order ${order.orderId} placed, ${order.amountDue} due`);
  const end = { status: "ORDER_STATUS_CONFIRMED", told: soldForPoints } as const;
  await follow(stage, buyer, order, end, () => pay(stage, buyer, order));
}
