// One request of each kind that changes something, with what it must have done, once, however often it is asked.
import type { Clients } from "@quadrille/stack/clients";
import { accountOf, addFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { buy, codeOf, enrolMember, newRequestId, orderRequest, place, stockVariant } from "./buying.ts";
import { untilOpened } from "./statuses.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";

/** Everything is fresh for each, so that nothing of one shows in another. */
export interface Scene {
  readonly system: System;
  readonly operator: Clients;
  /** A member with 1,000 points; `name` is theirs alone. */
  readonly buyer: Clients;
  readonly name: string;
  /** A variant at 500 with 10 units. */
  readonly sku: string;
}

export interface Repeatable {
  readonly title: string;
  readonly path: string;
  readonly asks: "member" | "operator";
  prepare(scene: Scene): Promise<Prepared>;
}

export interface Prepared {
  readonly ask: (clients: Clients, requestId: string) => Promise<unknown>;
  /** What can be seen of it; equal to `expected` once it was done, and never before. */
  readonly effect: () => Promise<unknown>;
  readonly expected: unknown;
  /** What happens between the lost answer and the repetition. */
  readonly meanwhile?: () => Promise<void>;
}

const cart = async ({ orders }: Clients) =>
  (await orders.getCart({})).cart?.lines.map((line) => [line.variantId, line.quantity]);
const addToCart = ({ orders }: Clients, variantId: string, quantity: number) =>
  orders.addCartLine({ requestId: newRequestId(), variantId, quantity });
const variant = async ({ products }: Clients, variantId: string) =>
  (await products.batchGetVariants({ variantIds: [variantId] })).variants[0];

/** Each of the buyer's orders with how far it has come. */
const ordersOf = async ({ orders }: Clients) =>
  (await orders.listOrders({ memberId: "", pageSize: 100, pageToken: "" })).orders.map(
    ({ status, reason, settled }) =>
      [status.replace("ORDER_STATUS_", ""), reason, settled && "settled"].filter(Boolean).join(" "),
  );
const pointsOf = async ({ members }: Clients) => (await members.getMember({ memberId: "" })).member?.points;

/** An order that payment has heard of. */
async function placePayable({ system, buyer, sku }: Scene) {
  const placed = await place(buyer, { lines: { [sku]: 2 }, points: 100n, due: 900n });
  await untilOpened(system, placed.orderId);
  return placed;
}

const carts: readonly Repeatable[] = [
  {
    title: "AddCartLine",
    path: "/quadrille.order.v1.OrderService/AddCartLine",
    asks: "member",
    prepare: async ({ buyer, sku: variantId }) => ({
      ask: ({ orders }, requestId) => orders.addCartLine({ requestId, variantId, quantity: 2 }),
      effect: () => cart(buyer),
      expected: [[variantId, 2]],
    }),
  },
  {
    title: "ChangeCartLine",
    path: "/quadrille.order.v1.OrderService/ChangeCartLine",
    asks: "member",
    async prepare({ buyer, sku: variantId }) {
      await addToCart(buyer, variantId, 1);
      return {
        ask: ({ orders }, requestId) => orders.changeCartLine({ requestId, variantId, quantity: 3 }),
        effect: () => cart(buyer),
        expected: [[variantId, 3]],
      };
    },
  },
  {
    title: "RemoveCartLine",
    path: "/quadrille.order.v1.OrderService/RemoveCartLine",
    asks: "member",
    async prepare({ buyer, sku: variantId }) {
      await addToCart(buyer, variantId, 1);
      return {
        ask: ({ orders }, requestId) => orders.removeCartLine({ requestId, variantId }),
        effect: () => cart(buyer),
        expected: [],
      };
    },
  },
  {
    title: "ClearCart, of a cart that is filled again before the repetition",
    path: "/quadrille.order.v1.OrderService/ClearCart",
    asks: "member",
    async prepare({ buyer, sku: variantId }) {
      await addToCart(buyer, variantId, 1);
      let refilled = 0;
      return {
        ask: ({ orders }, requestId) => orders.clearCart({ requestId }),
        effect: async () => [(await cart(buyer))?.length, refilled].join(" of "),
        expected: "0 of 0",
        async meanwhile() {
          refilled = 1;
          await addToCart(buyer, variantId, 1);
        },
      };
    },
  },
];

const placing: readonly Repeatable[] = [
  {
    title: "PlaceOrder of lines",
    path: "/quadrille.order.v1.OrderService/PlaceOrder",
    asks: "member",
    async prepare({ buyer, sku }) {
      const request = orderRequest({ lines: { [sku]: 2 }, points: 100n, due: 900n });
      return {
        ask: ({ orders }, requestId) => orders.placeOrder({ ...request, requestId }),
        effect: () => ordersOf(buyer),
        expected: ["PAYABLE"],
      };
    },
  },
  {
    title: "PlaceOrder of the last unit, which others are then refused",
    path: "/quadrille.order.v1.OrderService/PlaceOrder",
    asks: "member",
    async prepare({ system, operator, buyer, sku }) {
      const last = `${sku}-last`;
      await stockVariant(operator, last, { price: 500n, units: 1 });
      await enrolMember(operator, `${sku}-rival`, 0n);
      const rival = await system.as(`${sku}-rival`);
      const request = orderRequest({ lines: { [last]: 1 }, due: 500n });
      return {
        ask: ({ orders }, requestId) => orders.placeOrder({ ...request, requestId }),
        effect: async () => [await ordersOf(buyer), (await variant(operator, last))?.available],
        expected: [["PAYABLE"], 0],
        async meanwhile() {
          const code = await codeOf(
            rival.orders.placeOrder(orderRequest({ lines: { [last]: 1 }, due: 500n })),
          );
          if (code !== "OUT_OF_STOCK") throw new Error(`a rival for the last unit was told: ${code}`);
        },
      };
    },
  },
  {
    title: "PlaceOrder of the cart, which is empty by then",
    path: "/quadrille.order.v1.OrderService/PlaceOrder",
    asks: "member",
    async prepare({ buyer, sku }) {
      await addToCart(buyer, sku, 2);
      const request = orderRequest({ due: 1_000n });
      return {
        ask: ({ orders }, requestId) => orders.placeOrder({ ...request, requestId }),
        effect: async () => [await ordersOf(buyer), await cart(buyer)],
        expected: [["PAYABLE"], []],
      };
    },
  },
  {
    title: "PlaceOrder of the last unit from the cart, which is filled with something else by then",
    path: "/quadrille.order.v1.OrderService/PlaceOrder",
    asks: "member",
    async prepare({ operator, buyer, sku }) {
      const last = `${sku}-last`;
      await stockVariant(operator, last, { price: 500n, units: 1 });
      await addToCart(buyer, last, 1);
      const request = orderRequest({ due: 500n });
      return {
        ask: ({ orders }, requestId) => orders.placeOrder({ ...request, requestId }),
        effect: async () => [await ordersOf(buyer), (await variant(operator, last))?.available],
        expected: [["PAYABLE"], 0],
        meanwhile: async () => void (await addToCart(buyer, sku, 3)),
      };
    },
  },
];

/** Ends an order that may be paid, or takes back one that was: the same request, only later in the order's life. */
const cancelling = (
  who: "member" | "operator",
  when: "may be paid" | "is settled",
  reason: "BY_MEMBER" | "BY_OPERATOR",
): Repeatable => ({
  title: `CancelOrder by the ${who} when the order ${when}`,
  path: "/quadrille.order.v1.OrderService/CancelOrder",
  asks: who,
  async prepare(scene) {
    const { system, buyer, name, sku } = scene;
    const { orderId } =
      when === "may be paid"
        ? await placePayable(scene)
        : await buy(system, buyer, { lines: { [sku]: 2 }, points: 100n, due: 900n });
    const memberId = who === "operator" ? name : "";
    return {
      ask: ({ orders }, requestId) => orders.cancelOrder({ requestId, orderId, memberId }),
      effect: async () => {
        const { captured, refunded } = await accountOf(system.stack.providerUrl, orderId);
        const { available } = (await variant(buyer, sku)) ?? {};
        return [await ordersOf(buyer), await pointsOf(buyer), available, captured - refunded];
      },
      expected: [[`CANCELLED ${reason} settled`], { available: 1_000n, held: 0n, spent: 0n }, 10, 0],
    };
  },
});

const paying: readonly Repeatable[] = [
  {
    title: "ConfirmPayment",
    path: "/quadrille.payment.v1.PaymentService/ConfirmPayment",
    asks: "member",
    async prepare(scene) {
      const { system, buyer } = scene;
      const { orderId, amountDue: amount } = await placePayable(scene);
      const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
      return {
        ask: ({ payments }, requestId) => payments.confirmPayment({ requestId, orderId, paymentKey, amount }),
        effect: async () => {
          const { captures, captured } = await accountOf(system.stack.providerUrl, orderId);
          return [await ordersOf(buyer), captures, captured];
        },
        expected: [["CONFIRMED settled"], 1, 900],
      };
    },
  },
  {
    title: "ConfirmPayment with a card that is declined",
    path: "/quadrille.payment.v1.PaymentService/ConfirmPayment",
    asks: "member",
    async prepare(scene) {
      const { system, buyer } = scene;
      const { orderId, amountDue: amount } = await placePayable(scene);
      const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
      await addFaults(system.stack.providerUrl, [{ fault: "decline", orderId, code: "REJECT_CARD_PAYMENT" }]);
      return {
        ask: ({ payments }, requestId) => payments.confirmPayment({ requestId, orderId, paymentKey, amount }),
        effect: async () => [
          await ordersOf(buyer),
          (await accountOf(system.stack.providerUrl, orderId)).captures,
        ],
        expected: [["CANCELLED PAYMENT_DECLINED settled"], 0],
      };
    },
  },
];

/** A sale was taken back, and the provider would not give the money back; now it would. */
const resolving: Repeatable = {
  title: "ResolvePayment, which tries a refused refund again",
  path: "/quadrille.payment.v1.PaymentService/ResolvePayment",
  asks: "operator",
  async prepare({ system, buyer, sku }) {
    const { orderId } = await buy(system, buyer, { lines: { [sku]: 2 }, points: 100n, due: 900n });
    await addFaults(system.stack.providerUrl, [
      { fault: "refuse", on: ["cancel"], orderId, code: "NOT_CANCELABLE_PAYMENT" },
    ]);
    await buyer.orders.cancelOrder({ requestId: newRequestId(), orderId, memberId: "" });
    await until("the refund was refused", async () => {
      const sql = "select from payments where order_id = $1 and refunds->-1->>'state' = 'refused'";
      return (await system.query("payment", sql, [orderId])).length > 0;
    });
    const asked = {
      orderId,
      resolution: "RESOLUTION_RETRY",
      transactionKey: "",
      note: "it would now",
    } as const;
    return {
      ask: ({ payments }, requestId) => payments.resolvePayment({ requestId, ...asked }),
      effect: async () => {
        const { refunds, refunded } = await accountOf(system.stack.providerUrl, orderId);
        return [await ordersOf(buyer), refunds, refunded];
      },
      expected: [["CANCELLED BY_MEMBER settled"], 1, 900],
    };
  },
};

const operating: readonly Repeatable[] = [
  {
    title: "CreateVariant",
    path: "/quadrille.product.v1.ProductService/CreateVariant",
    asks: "operator",
    async prepare({ operator, sku }) {
      const created = { variantId: `${sku}-new`, title: "New", price: 5n, onSale: true };
      return {
        ask: ({ products }, requestId) => products.createVariant({ requestId, ...created }),
        effect: () => variant(operator, created.variantId),
        expected: { ...created, currency: "KRW", available: 0 },
      };
    },
  },
  {
    title: "UpdateVariant, whose price is changed once more before the repetition",
    path: "/quadrille.product.v1.ProductService/UpdateVariant",
    asks: "operator",
    prepare: async ({ operator, sku: variantId }) => ({
      ask: ({ products }, requestId) => products.updateVariant({ requestId, variantId, price: 600n }),
      effect: async () => (await variant(operator, variantId))?.price,
      expected: 600n,
      async meanwhile() {
        await operator.products.updateVariant({ requestId: newRequestId(), variantId, price: 700n });
      },
    }),
  },
  {
    title: "ReceiveStock",
    path: "/quadrille.product.v1.ProductService/ReceiveStock",
    asks: "operator",
    prepare: async ({ operator, sku: variantId }) => ({
      ask: ({ products }, requestId) => products.receiveStock({ requestId, variantId, quantity: 11 }),
      effect: async () => (await variant(operator, variantId))?.available,
      expected: 21,
    }),
  },
  {
    title: "CreateMember",
    path: "/quadrille.member.v1.MemberService/CreateMember",
    asks: "operator",
    async prepare({ system, name }) {
      const memberId = `${name}-new`;
      return {
        ask: ({ members }, requestId) => members.createMember({ requestId, memberId, name: "New" }),
        effect: () => system.query("member", "select name from members where member_id = $1", [memberId]),
        expected: [{ name: "New" }],
      };
    },
  },
  {
    title: "AdjustPoints",
    path: "/quadrille.member.v1.MemberService/AdjustPoints",
    asks: "operator",
    prepare: async ({ buyer, name: memberId }) => ({
      ask: ({ members }, requestId) =>
        members.adjustPoints({ requestId, memberId, points: 9n, note: "a gift" }),
      effect: async () => (await pointsOf(buyer))?.available,
      expected: 1_009n,
    }),
  },
];

export const repeatables: readonly Repeatable[] = [
  ...carts,
  ...placing,
  cancelling("member", "may be paid", "BY_MEMBER"),
  cancelling("operator", "may be paid", "BY_OPERATOR"),
  cancelling("member", "is settled", "BY_MEMBER"),
  ...paying,
  resolving,
  ...operating,
];
