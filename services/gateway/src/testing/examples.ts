// One message of each kind as the services send it, and the JSON that the gateway makes of it.
import type { Member, PointEntry } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import type { Cart, Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Payment, StuckPayment } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import type { Variant } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 9, minute));
const currency = "KRW";
const won = (amount: number) => ({ amount, currency });

export const variant: Variant = {
  variantId: "mug",
  title: "Mug",
  price: 4_800n,
  currency,
  onSale: true,
  available: 3,
};
export const product = { id: "mug", title: "Mug", price: won(4_800), onSale: true, available: 3 };

export const cart: Cart = {
  lines: [
    { variantId: "mug", quantity: 2, title: "Mug", unitPrice: 4_800n, problem: "" },
    { variantId: "hat", quantity: 1, problem: "PRODUCT_UNAVAILABLE" },
  ],
  version: 5n,
  subtotal: 9_600n,
  currency,
};
export const cartJson = {
  lines: [
    { productId: "mug", quantity: 2, title: "Mug", unitPrice: won(4_800) },
    { productId: "hat", quantity: 1, problem: "PRODUCT_UNAVAILABLE" },
  ],
  version: 5,
  subtotal: won(9_600),
};

export const order: Order = {
  orderId: "o-1",
  status: "ORDER_STATUS_PAYABLE",
  lines: [{ variantId: "mug", quantity: 2, unitPrice: 4_800n, title: "Mug" }],
  subtotal: 9_600n,
  points: 600n,
  amountDue: 9_000n,
  currency,
  method: "PAYMENT_METHOD_CARD",
  placedAt: at(0),
  payBy: at(10),
  reason: "",
  settled: false,
  history: [
    { number: 1, status: "ORDER_STATUS_PENDING", step: "PLACED", reason: "", at: at(0) },
    { number: 2, status: "ORDER_STATUS_PAYABLE", step: "PAYABLE", reason: "BECAUSE", at: at(1) },
  ],
};
export const orderJson = {
  orderId: "o-1",
  status: "PAYABLE",
  lines: [{ productId: "mug", quantity: 2, title: "Mug", unitPrice: won(4_800) }],
  subtotal: won(9_600),
  points: 600,
  amountDue: won(9_000),
  method: "CARD",
  placedAt: "2026-03-01T09:00:00.000Z",
  payBy: "2026-03-01T09:10:00.000Z",
  settled: false,
  history: [
    { number: 1, status: "PENDING", step: "PLACED", at: "2026-03-01T09:00:00.000Z" },
    { number: 2, status: "PAYABLE", step: "PAYABLE", reason: "BECAUSE", at: "2026-03-01T09:01:00.000Z" },
  ],
};

export const payment: Payment = {
  orderId: "o-1",
  status: "PAYMENT_STATUS_APPROVED",
  amountDue: 9_000n,
  currency,
  method: "PAYMENT_METHOD_CARD",
  payBy: at(10),
  approvedAt: at(2),
  transactionKey: "tx-1",
  reason: "",
  refunded: 0n,
};
export const paymentJson = {
  orderId: "o-1",
  status: "APPROVED",
  amountDue: won(9_000),
  method: "CARD",
  payBy: "2026-03-01T09:10:00.000Z",
  approvedAt: "2026-03-01T09:02:00.000Z",
  transactionKey: "tx-1",
  refunded: won(0),
};

export const stuck: StuckPayment = { payment, memberId: "7", since: at(3), why: "no answer" };
export const stuckJson = {
  payment: paymentJson,
  memberId: "7",
  since: "2026-03-01T09:03:00.000Z",
  why: "no answer",
};

export const member: Member = {
  memberId: "7",
  name: "Ann",
  points: { available: 400n, held: 600n, spent: 0n },
};
export const memberJson = { memberId: "7", name: "Ann", points: { available: 400, held: 600, spent: 0 } };

export const entry: PointEntry = {
  from: "AVAILABLE",
  to: "HELD",
  points: 600n,
  orderId: "o-1",
  note: "",
  at: at(0),
};
export const entryJson = {
  from: "AVAILABLE",
  to: "HELD",
  points: 600,
  orderId: "o-1",
  at: "2026-03-01T09:00:00.000Z",
};
