// The way of an order that goes well, on real servers and processes, as its buyer, its watchers and an auditor see it.
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Order, OrderChange } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Refusal } from "@quadrille/decider";
import type { Clients } from "@quadrille/stack/clients";
import { accountOf } from "@quadrille/stack/provider-control";
import { audit } from "./audit.ts";
import { buy, enrolMember, newRequestId, pay, place, stockVariant, watchToEnd } from "./buying.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(60_000);

let system: System;
let ann: Clients;

beforeAll(async () => {
  system = await openSystem();
  const { operator } = system;
  await stockVariant(operator, "lamp", { price: 12_000n, units: 100 });
  await stockVariant(operator, "vase", { price: 700n, units: 100 });
  await enrolMember(operator, "ann", 50_000n);
  await enrolMember(operator, "bob", 0n);
  ann = await system.as("ann");
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const steps = (changes: readonly OrderChange[]) => changes.map((change) => change.step);
const numbers = (changes: readonly OrderChange[]) => changes.map((change) => change.number);
const upTo = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
const pointsOf = async (buyer: Clients) => (await buyer.members.getMember({ memberId: "" })).member?.points;

async function settled(buyer: Clients, orderId: string): Promise<Order> {
  const { order } = await buyer.orders.getOrder({ orderId, memberId: "" });
  return order as Order;
}

test("a cart becomes an order with points, is paid, confirmed and settled", async () => {
  await ann.orders.addCartLine({ requestId: newRequestId(), variantId: "lamp", quantity: 2 });
  await ann.orders.addCartLine({ requestId: newRequestId(), variantId: "vase", quantity: 1 });
  const { cart } = await ann.orders.getCart({});
  expect(cart).toMatchObject({ subtotal: 24_700n, currency: "KRW", version: 2n });

  const placed = await place(ann, { points: 700n, due: 24_000n });
  expect(placed).toMatchObject({
    status: "ORDER_STATUS_PENDING",
    subtotal: 24_700n,
    points: 700n,
    amountDue: 24_000n,
  });
  expect(steps(placed.history)).toEqual(["PLACED"]);
  expect((await ann.orders.getCart({})).cart?.lines).toEqual([]);

  const watched = watchToEnd(ann, placed.orderId);
  const payment = await pay(system, ann, placed);
  expect(payment).toMatchObject({ status: "PAYMENT_STATUS_APPROVED", amountDue: 24_000n, refunded: 0n });
  const changes = await watched;

  expect(numbers(changes)).toEqual(upTo(7));
  expect(steps(changes)[0]).toBe("PLACED");
  expect(steps(changes).slice(1, 3).toSorted()).toEqual(["BENEFITS_HELD", "STOCK_HELD"]);
  expect(steps(changes).slice(3, 5)).toEqual(["PAYABLE", "PAID"]);
  expect(steps(changes).slice(5).toSorted()).toEqual(["BENEFITS_SPENT", "STOCK_COMMITTED"]);

  const order = await settled(ann, placed.orderId);
  expect(order).toMatchObject({
    status: "ORDER_STATUS_CONFIRMED",
    settled: true,
    reason: "",
    amountDue: 24_000n,
  });
  expect(order.history).toEqual(changes);
  expect(await pointsOf(ann)).toEqual({ available: 49_300n, held: 0n, spent: 700n });
  expect(await accountOf(system.stack.providerUrl, placed.orderId)).toMatchObject({
    captured: 24_000,
    captures: 1,
    refunds: 0,
  });
  expect((await ann.payments.getPayment({ orderId: placed.orderId, memberId: "" })).payment).toEqual(payment);
});

test("an order from lines without points asks nothing of the member service", async () => {
  const order = await buy(system, await system.as("bob"), { lines: { vase: 3 }, due: 2_100n });
  expect(order).toMatchObject({
    status: "ORDER_STATUS_CONFIRMED",
    settled: true,
    subtotal: 2_100n,
    points: 0n,
  });
  expect(steps(order.history)).toEqual(["PLACED", "STOCK_HELD", "PAYABLE", "PAID", "STOCK_COMMITTED"]);
  expect(numbers(order.history)).toEqual(upTo(5));
});

test("an order that points pay whole is confirmed without the provider", async () => {
  const before = await pointsOf(ann);
  const order = await buy(system, ann, { lines: { lamp: 1 }, points: 12_000n, due: 0n });
  expect(order).toMatchObject({
    status: "ORDER_STATUS_CONFIRMED",
    settled: true,
    points: 12_000n,
    amountDue: 0n,
  });
  expect(await accountOf(system.stack.providerUrl, order.orderId)).toMatchObject({
    captured: 0,
    captures: 0,
  });
  const { payment } = await ann.payments.getPayment({ orderId: order.orderId, memberId: "" });
  expect(payment).toMatchObject({ status: "PAYMENT_STATUS_APPROVED", amountDue: 0n, transactionKey: "" });
  expect(await pointsOf(ann)).toMatchObject({
    available: (before?.available ?? 0n) - 12_000n,
    spent: (before?.spent ?? 0n) + 12_000n,
  });
});

test("the price is frozen when the order is placed", async () => {
  const placed = await place(ann, { lines: { vase: 1 }, due: 700n });
  const { operator } = system;
  await operator.products.updateVariant({
    requestId: newRequestId(),
    variantId: "vase",
    price: 800n,
    onSale: false,
  });
  const watched = watchToEnd(ann, placed.orderId);
  await pay(system, ann, placed);
  await watched;
  expect(await settled(ann, placed.orderId)).toMatchObject({
    status: "ORDER_STATUS_CONFIRMED",
    amountDue: 700n,
  });
  await operator.products.updateVariant({
    requestId: newRequestId(),
    variantId: "vase",
    price: 700n,
    onSale: true,
  });
});

test("a watch begins after the change it is told, and several watchers see the same", async () => {
  const placed = await place(ann, { lines: { lamp: 1 }, points: 1n, due: 11_999n });
  const early = [watchToEnd(ann, placed.orderId), watchToEnd(ann, placed.orderId, { afterChange: 3 })];
  await pay(system, ann, placed);
  const [all, later] = await Promise.all(early);
  expect(numbers(all as OrderChange[])).toEqual(upTo(7));
  expect(later).toEqual(all?.slice(3));
  for (const afterChange of [0, 1, 4, 6, 7])
    expect(await watchToEnd(ann, placed.orderId, { afterChange })).toEqual(all?.slice(afterChange));
});

test("a member's orders come in pages, newest first, each once", async () => {
  const bob = await system.as("bob");
  for (let count = 0; count < 6; count += 1) await buy(system, bob, { lines: { vase: 1 }, due: 700n });
  const pages: Order[][] = [];
  let pageToken = "";
  do {
    const page = await bob.orders.listOrders({ memberId: "", pageSize: 3, pageToken });
    pages.push(page.orders);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
  const all = pages.flat();
  expect(new Set(all.map((order) => order.orderId)).size).toBe(7);
  const times = all.map((order) => order.placedAt?.getTime() ?? 0);
  expect(times).toEqual(times.toSorted((one, other) => other - one));
  const { orders } = await system.operator.orders.listOrders({
    memberId: "bob",
    pageSize: 100,
    pageToken: "",
  });
  expect(orders).toEqual(all);
});

test("an order nobody can fill is cancelled, and everything comes back", async () => {
  await stockVariant(system.operator, "rare", { price: 500n, units: 1 });
  const before = await pointsOf(ann);
  const orders = await bothBeforeEither("rare", () =>
    place(ann, { lines: { rare: 1 }, points: 10n, due: 490n }),
  );
  const ends = orders.map(async (placed) => {
    const watched = watchToEnd(ann, placed.orderId);
    const payment = await pay(system, ann, placed).catch((error) => (error as Refusal).code);
    const [status, reason] = [(await watched).at(-1)?.status, (await settled(ann, placed.orderId)).reason];
    return [status, reason, typeof payment === "string" ? payment : payment.status];
  });
  expect((await Promise.all(ends)).toSorted()).toEqual([
    ["ORDER_STATUS_CANCELLED", "STOCK_REJECTED", "PAYMENT_ENDED"],
    ["ORDER_STATUS_CONFIRMED", "", "PAYMENT_STATUS_APPROVED"],
  ]);
  expect(await pointsOf(ann)).toMatchObject({ available: (before?.available ?? 0n) - 10n, held: 0n });
});

/** Two orders are accepted before stock is held for either: the last unit looks free to both. */
async function bothBeforeEither(variantId: string, placing: () => Promise<Order>): Promise<Order[]> {
  await using held = await system.transaction("product");
  await held.query("select from variants where variant_id = $1 for update", [variantId]);
  return await Promise.all([placing(), placing()]);
}

test("after all that, every party remembers the same", async () => {
  expect(await audit(system)).toEqual([]);
});
