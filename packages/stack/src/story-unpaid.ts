// Stories (d) and (e): the money does not come, and everything goes back.
import {
  figures,
  follow,
  newBuyer,
  newProduct,
  pay,
  price,
  refusedWith,
  type Stage,
  tellFigures,
} from "./story-steps.ts";

const points = 500;
const payWithinSeconds = 3;

/** Facts of an order that was held, could have been paid, and gave everything back, in no strict order. */
const givenBack = [
  "order.placed",
  "product.stock_held",
  "member.benefits_held",
  "order.payable",
  "payment.opened",
  "order.cancelled",
  "product.stock_released",
  "member.benefits_released",
];

/** The card is refused: the order ends, stock and points come back. */
export async function cardDeclined(stage: Stage): Promise<void> {
  const buyer = await newBuyer(stage, points);
  const productId = await newProduct(stage, "A clock for another card", 1);
  const before = await figures(buyer, productId);
  const order = await buyer.place({
    units: { productId, quantity: 1 },
    points,
    due: price - points,
  });
  stage.tell(
    `    order ${order.orderId} placed, ${order.amountDue.amount} due, paid with a card that is refused`,
  );
  const end = {
    status: "CANCELLED",
    reason: "PAYMENT_DECLINED",
    told: [...givenBack, "payment.declined"],
  } as const;
  await follow(stage, buyer, order, end, () =>
    refusedWith("PAYMENT_DECLINED", pay(stage, buyer, order, { declineWith: "REJECT_CARD_PAYMENT" })),
  );
  await tellFigures(stage, buyer, productId, { before });
}

/** Nobody pays: when the time to pay is over the order ends by itself, stock and points come back. */
export async function neverPaid(stage: Stage): Promise<void> {
  const buyer = await newBuyer(stage, points);
  const productId = await newProduct(stage, "A vase to think about", 1);
  const before = await figures(buyer, productId);
  const order = await buyer.place({
    units: { productId, quantity: 1 },
    points,
    due: price - points,
    payWithinSeconds,
  });
  stage.tell(`    order ${order.orderId} placed, to be paid within ${payWithinSeconds} s; nobody pays`);
  await follow(stage, buyer, order, {
    status: "CANCELLED",
    reason: "PAYMENT_EXPIRED",
    told: [...givenBack, "payment.voided"],
  });
  await tellFigures(stage, buyer, productId, { before });
}
