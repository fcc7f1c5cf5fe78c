// Orders as tests wish for them: one quote, one policy, whatever differs named.
import type { PlaceOrder, Policy } from "../order.ts";

export const policy: Policy = {
  pendingSeconds: 60,
  payWithinSeconds: 600,
  unknownSeconds: 3_600,
  slackSeconds: 86_400,
};

let made = 0;
/** An id nobody used before; those of one test sort as they were made. */
export const newId = (prefix: string) => `${prefix}-${`${++made}`.padStart(6, "0")}`;

const subtotal = 9_007_199_254_740_993n; // More than a float can tell from its neighbour.
const lines = [
  { variantId: "a", quantity: 1, unitPrice: subtotal - 3n, title: "제목 \"'\\" },
  { variantId: "b", quantity: 3, unitPrice: 1n, title: "Oak chair" },
];

export function placeInput(
  orderId: string,
  about: Partial<Omit<PlaceOrder, "quote">> & { readonly points?: bigint } = {},
): PlaceOrder {
  const { points = 100n, ...more } = about;
  return {
    type: "PlaceOrder",
    orderId,
    memberId: "m",
    requestHash: "one",
    quote: { lines, subtotal, points, amountDue: subtotal - points },
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds: 0,
    cartVersion: undefined,
    policy,
    ...more,
  };
}
