import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { refusalOf } from "@quadrille/rpc/testing/served";
import { type OpenShop, type OrderClient, openShop, wholeCart, wishFor } from "./testing/shop.ts";
import { newId } from "./testing/wishes.ts";

let opened: OpenShop;
beforeAll(async () => {
  opened = await openShop();
});
afterAll(async () => {
  expect(opened.served.lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await opened[Symbol.asyncDispose]();
});
beforeEach(() => {
  opened.accepting.orders = true;
  opened.neighbours.beforeProduct = async () => {};
  opened.neighbours.beforeMember = async () => {};
  opened.neighbours.productAsked.splice(0);
  for (const id of ["a", "b"]) opened.neighbours.stock(id);
});

const add = (orders: OrderClient, variantId: string, quantity = 1) =>
  orders.addCartLine({ requestId: newId("r"), variantId, quantity });
const ordersOf = async (memberId: string) =>
  (await opened.query("select count(*)::int as n from orders where member_id = $1", [memberId]))[0]?.n;

describe("an order", () => {
  test("is accepted at today's prices, less the points", async () => {
    const { memberId, orders } = await opened.buyer();
    const wish = { ...wishFor("a", "b"), points: 300n, expectedAmountDue: 1_700n, payWithinSeconds: 60 };
    const { order } = await orders.placeOrder(wish);
    expect(order).toMatchObject({
      status: "ORDER_STATUS_PENDING",
      subtotal: 2_000n,
      points: 300n,
      amountDue: 1_700n,
      currency: "KRW",
      lines: [
        { variantId: "a", quantity: 1, unitPrice: 1_000n, title: "Oak lamp" },
        { variantId: "b", quantity: 1, unitPrice: 1_000n, title: "Oak lamp" },
      ],
      history: [{ number: 1, status: "ORDER_STATUS_PENDING", step: "PLACED" }],
      settled: false,
    });
    expect(await opened.store.order(order?.orderId ?? "")).toMatchObject({ memberId, payWithinSeconds: 60 });
  });

  test("may cost nothing", async () => {
    const { orders } = await opened.buyer();
    const { order } = await orders.placeOrder({ ...wishFor("a"), points: 1_000n, expectedAmountDue: 0n });
    expect(order?.amountDue).toBe(0n);
  });

  test("asks product and member side by side", async () => {
    const { orders } = await opened.buyer();
    const productAsked = Promise.withResolvers<void>();
    const memberAsked = Promise.withResolvers<void>();
    opened.neighbours.beforeProduct = () => {
      productAsked.resolve();
      return memberAsked.promise; // Each answers only once the other has been asked.
    };
    opened.neighbours.beforeMember = () => {
      memberAsked.resolve();
      return productAsked.promise;
    };
    expect(await refusalOf(orders.placeOrder(wishFor("a")))).toBe("answered");
  });

  test("from the cart takes all of it and leaves it empty", async () => {
    const { memberId, orders } = await opened.buyer();
    await add(orders, "a", 2);
    await add(orders, "b", 1);
    const { order } = await orders.placeOrder({ ...wishFor(), source: wholeCart, expectedAmountDue: 3_000n });
    expect(order?.lines.map(({ variantId, quantity }) => [variantId, quantity])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(await opened.store.cart(memberId)).toEqual({ lines: [], version: 3 });
  });
});

describe("an order asked for again", () => {
  test("50 times at once is one order with equal answers", async () => {
    const { memberId, orders } = await opened.buyer();
    const wish = wishFor("a", "b");
    const [first, ...others] = await Promise.all(Array.from({ length: 50 }, () => orders.placeOrder(wish)));
    for (const other of others) expect(other).toEqual(first);
    expect(await ordersOf(memberId)).toBe(1);
  });

  test("gets the order as it was accepted, however far it has come, without asking anyone", async () => {
    const { memberId, orders } = await opened.buyer();
    const wish = wishFor("a");
    const first = await orders.placeOrder(wish);
    const orderId = first.order?.orderId ?? "";
    await opened.store.handle(
      { type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" },
      { kind: "own", id: "x" },
    );
    opened.neighbours.productAsked.splice(0);
    opened.neighbours.variants.delete("a");
    opened.accepting.orders = false;
    expect(await orders.placeOrder(wish)).toEqual(first);
    expect(opened.neighbours.productAsked).toEqual([]);
    const { order } = await orders.getOrder({ orderId, memberId: "" });
    expect(order?.status).toBe("ORDER_STATUS_CANCELLED");
  });

  test("with another body is refused, and is another order for another member", async () => {
    const { orders } = await opened.buyer();
    const other = await opened.buyer();
    const wish = wishFor("a");
    const { order } = await orders.placeOrder(wish);
    for (const change of [
      { points: 1n },
      { payWithinSeconds: 9 },
      { expectedAmountDue: 1n },
      { source: wholeCart },
    ])
      expect(await refusalOf(orders.placeOrder({ ...wish, ...change }))).toBe("REQUEST_ID_REUSED");
    const { order: theirs } = await other.orders.placeOrder(wish);
    expect(theirs?.orderId).not.toBe(order?.orderId);
  });

  test("is not refused the last unit it has taken itself meanwhile", async () => {
    const { memberId, orders } = await opened.buyer();
    const wish = wishFor("a");
    opened.neighbours.stock("a", { available: 1 });
    const isPricing = Promise.withResolvers<void>();
    const first = isPricing.promise.then(() => orders.placeOrder(wish));
    let asked = 0;
    // While one call is asking for prices, having found no order yet, another places it and takes the last unit.
    opened.neighbours.beforeProduct = async () => {
      asked += 1;
      if (asked === 1) {
        isPricing.resolve();
        await first;
        opened.neighbours.stock("a", { available: 0 });
      }
    };
    const late = await orders.placeOrder(wish);
    expect(asked).toBe(2);
    expect(late).toEqual(await first);
    expect(await ordersOf(memberId)).toBe(1);
  });

  test("is not refused for the cart it has emptied itself meanwhile", async () => {
    const { memberId, orders } = await opened.buyer();
    await add(orders, "a");
    const wish = { ...wishFor(), source: wholeCart, expectedAmountDue: 1_000n };
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => orders.placeOrder(wish)));
    for (const other of others) expect(other).toEqual(first);
    expect(await orders.placeOrder(wish)).toEqual(first);
    expect(await ordersOf(memberId)).toBe(1);
  });
});

describe("an order is refused", () => {
  const refused = async (change: object) => {
    const { memberId, orders } = await opened.buyer();
    const code = await refusalOf(orders.placeOrder({ ...wishFor("a"), ...change }));
    expect(await ordersOf(memberId)).toBe(0);
    return code;
  };
  const lines = (...wanted: { variantId: string; quantity: number }[]) => {
    return { source: { $case: "lines", value: { lines: wanted } } };
  };

  test.each([
    ["ORDER_EMPTY", lines()],
    ["CART_EMPTY", { source: wholeCart }],
    ["DUPLICATE_LINE", lines({ variantId: "a", quantity: 1 }, { variantId: "a", quantity: 1 })],
    ["VARIANT_UNKNOWN", lines({ variantId: "nothing", quantity: 1 })],
    ["NOT_ON_SALE", lines({ variantId: "hidden", quantity: 1 })],
    ["OUT_OF_STOCK", lines({ variantId: "a", quantity: 10 })],
    ["AMOUNT_CHANGED", { expectedAmountDue: 999n }],
    ["POINTS_EXCEED_TOTAL", { points: 1_001n }],
  ])("%s", async (code, change) => {
    opened.neighbours.stock("hidden", { onSale: false });
    expect(await refused(change)).toBe(code);
  });

  test("with the amount it would be, so that a client can ask its buyer again", async () => {
    const { orders } = await opened.buyer();
    const call = orders.placeOrder({ ...wishFor("a"), expectedAmountDue: 999n });
    await expect(call).rejects.toMatchObject({ details: { amount_due: "1000" } });
  });

  test("when less is due than the provider charges, before anything is held, saying how much that is", async () => {
    const { memberId, orders } = await opened.buyer();
    const wish = { ...wishFor("a"), points: 901n, expectedAmountDue: 99n };
    await expect(orders.placeOrder(wish)).rejects.toMatchObject({
      ...{ code: "AMOUNT_TOO_SMALL", details: { amount_due: "99", minimum: "100" } },
    });
    expect(await ordersOf(memberId)).toBe(0);
    expect(await refusalOf(orders.placeOrder({ ...wish, points: 900n, expectedAmountDue: 100n }))).toBe(
      "answered",
    );
  });

  test("when its member has too few points, or is not known", async () => {
    const poor = await opened.buyer(99n);
    const wish = { ...wishFor("a"), points: 100n, expectedAmountDue: 900n };
    expect(await refusalOf(poor.orders.placeOrder(wish))).toBe("NOT_ENOUGH_POINTS");
    const stranger = await opened.served.as.member("stranger");
    expect(await refusalOf(stranger.placeOrder(wishFor("a")))).toBe("MEMBER_UNKNOWN");
  });

  test("when the cart is no longer the one that was priced", async () => {
    const { memberId, orders } = await opened.buyer();
    await add(orders, "a");
    opened.neighbours.beforeProduct = async () => {
      opened.neighbours.beforeProduct = async () => {};
      await add(orders, "b");
    };
    const wish = { ...wishFor(), source: wholeCart, expectedAmountDue: 1_000n };
    expect(await refusalOf(orders.placeOrder(wish))).toBe("CART_CHANGED");
    expect(await ordersOf(memberId)).toBe(0);
    expect((await opened.store.cart(memberId)).lines).toHaveLength(2);
    expect(await refusalOf(orders.placeOrder({ ...wish, expectedAmountDue: 2_000n }))).toBe("answered"); // Refusals are not remembered.
  });

  test("when a neighbour does not answer, until it does", async () => {
    const { orders } = await opened.buyer();
    opened.neighbours.beforeProduct = () => new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await refusalOf(orders.placeOrder(wishFor("a")))).toBe("PRODUCT_UNAVAILABLE");
    opened.neighbours.beforeProduct = async () => {};
    opened.neighbours.beforeMember = () => new Promise((resolve) => setTimeout(resolve, 1_000));
    const wish = wishFor("a");
    expect(await refusalOf(orders.placeOrder(wish))).toBe("MEMBER_UNAVAILABLE");
    opened.neighbours.beforeMember = async () => {};
    expect(await refusalOf(orders.placeOrder(wish))).toBe("answered");
  });

  test("while the broker cannot hear of it, before anyone is asked", async () => {
    const { orders } = await opened.buyer();
    opened.accepting.orders = false;
    expect(await refusalOf(orders.placeOrder(wishFor("a")))).toBe("OVERLOADED");
    expect(opened.neighbours.productAsked).toEqual([]);
  });
});
