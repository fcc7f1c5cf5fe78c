// A request asked fifty times at once, of two replicas, is done once and answered fifty times alike.
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import * as member from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import * as order from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import * as payment from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import * as product from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import type { Clients } from "@quadrille/stack/clients";
import { accountOf } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { audit, withOpenOrders } from "./audit.ts";
import {
  codeOf,
  enrolMember,
  newRequestId,
  orderRequest,
  patiently,
  pay,
  place,
  stockVariant,
  watchToEnd,
} from "./buying.ts";
import { snapshot } from "./snapshot.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(60_000);
const times = 50;

let system: System;
let ann: Clients;
let operator: Clients;

beforeAll(async () => {
  system = await openSystem({ replicas: 2 });
  operator = system.operator;
  await stockVariant(operator, "lamp", { price: 12_000n, units: 1_000 });
  await stockVariant(operator, "vase", { price: 700n, units: 1_000 });
  await enrolMember(operator, "ann", 50_000n);
  ann = await system.as("ann");
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

/** Asks many times at once; answers with the distinct answers, as the bytes of their messages. */
async function distinct<Answer>(
  codec: { encode(answer: Answer): { finish(): Uint8Array } },
  ask: () => Promise<Answer>,
): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: times }, () => patiently(ask)));
  return [...new Set(answers.map((answer) => Buffer.from(codec.encode(answer).finish()).toString("hex")))];
}

/** The codes of the refusals of many calls at once, each once; "done" for a call that was not refused. */
async function codes(asks: readonly (() => Promise<unknown>)[]): Promise<string[]> {
  const said = asks.map((ask) => codeOf(patiently(ask)));
  return [...new Set(await Promise.all(said))].toSorted();
}

const fifty = (ask: (index: number) => Promise<unknown>) =>
  Array.from({ length: times }, (_, index) => () => ask(index));

async function count(service: "order" | "product" | "member" | "payment", sql: string, ...values: unknown[]) {
  const [row] = await system.query<{ count: string }>(service, `select count(*) from ${sql}`, values);
  return Number(row?.count);
}

describe("an order", () => {
  test("from lines is placed once; another body is refused and changes nothing", async () => {
    const request = orderRequest({ lines: { lamp: 2, vase: 1 }, points: 700n, due: 24_000n });
    const ordersBefore = await count("order", "orders");
    expect(await distinct(order.PlaceOrderResponse, () => ann.orders.placeOrder(request))).toHaveLength(1);
    expect(await count("order", "orders")).toBe(ordersBefore + 1);

    const answer = await ann.orders.placeOrder(request);
    await pay(system, ann, answer.order as order.Order);
    await watchToEnd(ann, answer.order?.orderId ?? "");
    expect(await ann.orders.placeOrder(request)).toEqual(answer); // However far it has come since.

    const before = await snapshot(system);
    const others = [
      { ...request, points: 701n, expectedAmountDue: 23_999n },
      { ...request, expectedAmountDue: 1n },
      { ...request, payWithinSeconds: 60 },
      { ...orderRequest({ due: 0n }), requestId: request.requestId },
      { ...orderRequest({ lines: { vase: 1 }, due: 700n }), requestId: request.requestId },
      { ...orderRequest({ lines: { nothing: 1 }, due: 700n }), requestId: request.requestId },
    ];
    for (const other of others)
      expect(await codes([() => ann.orders.placeOrder(other)])).toEqual(["REQUEST_ID_REUSED"]);
    expect(await snapshot(system)).toEqual(before);
  });

  test("from the cart is placed once, and empties the cart once", async () => {
    await ann.orders.addCartLine({ requestId: newRequestId(), variantId: "vase", quantity: 3 });
    const request = orderRequest({ due: 2_100n });
    const ordersBefore = await count("order", "orders");
    expect(await distinct(order.PlaceOrderResponse, () => ann.orders.placeOrder(request))).toHaveLength(1);
    expect(await count("order", "orders")).toBe(ordersBefore + 1);
    const { cart } = await ann.orders.getCart({});
    expect(cart).toMatchObject({ lines: [], version: 2n });
    await pay(system, ann, (await ann.orders.placeOrder(request)).order as order.Order);
  });

  test("of two bodies under one request id at once, one is placed and the other refused", async () => {
    const requestId = newRequestId();
    const bodies = [1, 2].map((vase) => ({
      ...orderRequest({ lines: { vase }, due: 700n * BigInt(vase) }),
      requestId,
    }));
    const ordersBefore = await count("order", "orders");
    const asks = fifty((index) => ann.orders.placeOrder(bodies[index % 2] as (typeof bodies)[0]));
    expect(await codes(asks)).toEqual(["REQUEST_ID_REUSED", "done"]);
    expect(await count("order", "orders")).toBe(ordersBefore + 1);
  });

  test("the same request id of another member is another order", async () => {
    await enrolMember(operator, "bob", 0n);
    const bob = await system.as("bob");
    const request = orderRequest({ lines: { vase: 1 }, due: 700n });
    const [first, second] = [await ann.orders.placeOrder(request), await bob.orders.placeOrder(request)];
    expect(first.order?.orderId).not.toBe(second.order?.orderId);
  });
});

describe("a payment", () => {
  test("is charged once; another body is refused and changes nothing", async () => {
    const placed = await place(ann, { lines: { lamp: 1 }, due: 12_000n });
    const { orderId, amountDue: amount } = placed;
    const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
    const other = await payInWindow(system.stack.providerUrl, orderId, amount);
    const request = { requestId: newRequestId(), orderId, paymentKey, amount };
    const ask = () => ann.payments.confirmPayment(request);
    expect(await distinct(payment.ConfirmPaymentResponse, ask)).toHaveLength(1);
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
      captured: 12_000,
      captures: 1,
      refunds: 0,
    });
    await watchToEnd(ann, orderId);
    const elsewhere = await place(ann, { lines: { lamp: 1 }, due: 12_000n });

    const before = await snapshot(system);
    for (const body of [
      { ...request, amount: 1n },
      { ...request, paymentKey: other.paymentKey },
      { ...request, orderId: elsewhere.orderId },
    ])
      expect(await codes([() => ann.payments.confirmPayment(body)])).toEqual(["REQUEST_ID_REUSED"]);
    expect(await snapshot(system)).toEqual(before);
  });

  test("is charged once however many requests bring its payment key", async () => {
    const placed = await place(ann, { lines: { lamp: 1 }, due: 12_000n });
    const { orderId, amountDue: amount } = placed;
    const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
    const ask = () => ann.payments.confirmPayment({ requestId: newRequestId(), orderId, paymentKey, amount });
    expect(await distinct(payment.ConfirmPaymentResponse, ask)).toHaveLength(1);
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
      captured: 12_000,
      captures: 1,
      refunds: 0,
    });
  });

  test("is charged once when the buyer paid in many windows", async () => {
    const placed = await place(ann, { lines: { lamp: 1 }, due: 12_000n });
    const { orderId, amountDue: amount } = placed;
    const windows = await Promise.all(
      Array.from({ length: times }, () => payInWindow(system.stack.providerUrl, orderId, amount)),
    );
    const asks = windows.map(
      ({ paymentKey }) =>
        () =>
          ann.payments.confirmPayment({ requestId: newRequestId(), orderId, paymentKey, amount }),
    );
    const said = await codes(asks);
    expect(said).toContain("done");
    expect(["PAYMENT_ENDED", "PAYMENT_IN_DOUBT", "done"]).toEqual(expect.arrayContaining(said));
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
      captured: 12_000,
      captures: 1,
      refunds: 0,
    });
  });
});

interface Repeated {
  readonly name: string;
  /** The distinct answers of fifty calls at once. */
  readonly asked: (requestId: string) => Promise<string[]>;
  /** The same request id with another body. */
  readonly other: (requestId: string) => Promise<unknown>;
  /** What must have changed once. */
  readonly effect: () => Promise<unknown>;
  readonly expected: unknown;
}

const variant = async (variantId: string) =>
  (await operator.products.batchGetVariants({ variantIds: [variantId] })).variants[0];
const cartLines = async () => {
  const { cart } = await ann.orders.getCart({});
  return cart?.lines.map((line) => [line.variantId, line.quantity]);
};

const repeated: readonly Repeated[] = [
  {
    name: "AddCartLine",
    asked: (requestId) =>
      distinct(order.AddCartLineResponse, () =>
        ann.orders.addCartLine({ requestId, variantId: "vase", quantity: 2 }),
      ),
    other: (requestId) => ann.orders.addCartLine({ requestId, variantId: "vase", quantity: 3 }),
    effect: cartLines,
    expected: [["vase", 2]],
  },
  {
    name: "ChangeCartLine",
    asked: (requestId) =>
      distinct(order.ChangeCartLineResponse, () =>
        ann.orders.changeCartLine({ requestId, variantId: "vase", quantity: 7 }),
      ),
    other: (requestId) => ann.orders.changeCartLine({ requestId, variantId: "vase", quantity: 8 }),
    effect: cartLines,
    expected: [["vase", 7]],
  },
  {
    name: "RemoveCartLine",
    asked: (requestId) =>
      distinct(order.RemoveCartLineResponse, () =>
        ann.orders.removeCartLine({ requestId, variantId: "vase" }),
      ),
    other: (requestId) => ann.orders.removeCartLine({ requestId, variantId: "lamp" }),
    effect: cartLines,
    expected: [],
  },
  {
    name: "CreateVariant",
    asked: (requestId) =>
      distinct(product.CreateVariantResponse, () =>
        operator.products.createVariant({
          requestId,
          variantId: "new",
          title: "New",
          price: 5n,
          onSale: true,
        }),
      ),
    other: (requestId) =>
      operator.products.createVariant({
        requestId,
        variantId: "newer",
        title: "New",
        price: 5n,
        onSale: true,
      }),
    effect: () => variant("new"),
    expected: { variantId: "new", title: "New", price: 5n, currency: "KRW", onSale: true, available: 0 },
  },
  {
    name: "UpdateVariant",
    asked: (requestId) =>
      distinct(product.UpdateVariantResponse, () =>
        operator.products.updateVariant({ requestId, variantId: "new", price: 6n }),
      ),
    other: (requestId) => operator.products.updateVariant({ requestId, variantId: "new", price: 7n }),
    effect: async () => (await variant("new"))?.price,
    expected: 6n,
  },
  {
    name: "ReceiveStock",
    asked: (requestId) =>
      distinct(product.ReceiveStockResponse, () =>
        operator.products.receiveStock({ requestId, variantId: "new", quantity: 11 }),
      ),
    other: (requestId) => operator.products.receiveStock({ requestId, variantId: "new", quantity: 12 }),
    effect: async () => (await variant("new"))?.available,
    expected: 11,
  },
  {
    name: "CreateMember",
    asked: (requestId) =>
      distinct(member.CreateMemberResponse, () =>
        operator.members.createMember({ requestId, memberId: "cleo", name: "Cleo" }),
      ),
    other: (requestId) => operator.members.createMember({ requestId, memberId: "dora", name: "Dora" }),
    effect: () => count("member", "members where member_id in ('cleo', 'dora')"),
    expected: 1,
  },
  {
    name: "AdjustPoints",
    asked: (requestId) =>
      distinct(member.AdjustPointsResponse, () =>
        operator.members.adjustPoints({ requestId, memberId: "cleo", points: 9n, note: "a gift" }),
      ),
    other: (requestId) =>
      operator.members.adjustPoints({ requestId, memberId: "cleo", points: -9n, note: "a gift" }),
    effect: () => count("member", "transfers where member_id = 'cleo'"),
    expected: 1,
  },
];

test.each(repeated)(
  "$name is done once; another body is refused and changes nothing",
  async ({ asked, other, effect, expected }) => {
    const requestId = newRequestId();
    expect(await asked(requestId)).toHaveLength(1);
    expect(await effect()).toEqual(expected);
    const before = await snapshot(system);
    expect(await codes(fifty(() => other(requestId)))).toEqual(["REQUEST_ID_REUSED"]);
    expect(await snapshot(system)).toEqual(before);
  },
);

test("after all that, every party remembers the same", async () => {
  expect(await audit(system, withOpenOrders)).toEqual([]);
});
