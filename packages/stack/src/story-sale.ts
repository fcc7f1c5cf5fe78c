// Story (a): everything goes well.
import { variantId } from "./seed.ts";
import { follow, pay, type Stage } from "./story-steps.ts";

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
  await buyer.clearCart();
  await buyer.addLine({ productId: variantId(1), quantity: 2 });
  await buyer.addLine({ productId: variantId(2), quantity: 1 });
  const { lines, subtotal } = await buyer.cart();
  const points = 500;
  tell(
    `    the cart holds ${lines.length} lines for ${subtotal.amount} ${subtotal.currency}; ${points} points are to be used`,
  );
  const order = await buyer.place({ points, due: subtotal.amount - points });
  tell(`    order ${order.orderId} placed, ${order.amountDue.amount} due`);
  const end = { status: "CONFIRMED", told: soldForPoints } as const;
  await follow(stage, buyer, order, end, () => pay(stage, buyer, order));
}
