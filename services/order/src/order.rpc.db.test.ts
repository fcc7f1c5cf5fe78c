import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { events } from "@quadrille/contracts/events";
import {
  CancelOrderResponse,
  type WatchOrderResponse,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { refusalOf } from "@quadrille/rpc/testing/served";
import { historyMost } from "./order.evolve.ts";
import { linesMost } from "./order.rpc.ts";
import type { OrderStore } from "./order.store.ts";
import type { OrderInput } from "./order.ts";
import { type OpenShop, type OrderClient, openShop, wishFor } from "./testing/shop.ts";
import { newId, policy } from "./testing/wishes.ts";

let opened: OpenShop;
let operator: OrderClient;
beforeAll(async () => {
  opened = await openShop();
  for (const id of ["a", "b"]) opened.neighbours.stock(id);
  operator = await opened.served.as.operator("ann");
});
afterAll(async () => {
  expect(opened.served.lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await opened[Symbol.asyncDispose]();
});

const holdUntil = new Date("2099-12-31T00:00:00Z");
const held = (orderId: string): OrderInput => ({ type: "StockHeld", orderId, lines: [], holdUntil, policy });
const paid = (orderId: string): OrderInput => ({ type: "PaymentApproved", orderId });
const sold = (orderId: string): OrderInput => ({ type: "StockCommitted", orderId });
const tell = (input: OrderInput, store: OrderStore = opened.store) =>
  store.handle(input, { kind: "own", id: "test" });

async function placed() {
  const { memberId, orders } = await opened.buyer();
  const { order } = await orders.placeOrder(wishFor("a"));
  return { memberId, orders, orderId: order?.orderId ?? "" };
}

const steps = (seen: readonly WatchOrderResponse[]) =>
  seen.map(({ change }) => `${change?.number} ${change?.step}`);

/** What a watch shows, collected until it ends; `signal` hangs up. */
function watched(orders: OrderClient, orderId: string, afterChange = 0) {
  const seen: WatchOrderResponse[] = [];
  const hangUp = new AbortController();
  const ended = (async () => {
    for await (const one of orders.watchOrder({ orderId, afterChange }, { signal: hangUp.signal }))
      seen.push(one);
    return "settled";
  })().catch((error: { code: string }) => error.code);
  return {
    seen,
    ended,
    /** Waits until so many changes were seen. */
    async shows(count: number): Promise<string[]> {
      for (const endsAt = Date.now() + 4_000; seen.length < count && Date.now() < endsAt; ) await sleep(5);
      return steps(seen);
    },
    async [Symbol.asyncDispose]() {
      hangUp.abort();
      await ended;
    },
  };
}

describe("looking at an order", () => {
  test("shows its member, and whoever names the member, all of it", async () => {
    const { memberId, orders, orderId } = await placed();
    await tell(held(orderId));
    const { order } = await orders.getOrder({ orderId, memberId: "" });
    expect(order).toMatchObject({
      orderId,
      status: "ORDER_STATUS_PAYABLE",
      subtotal: 1_000n,
      amountDue: 1_000n,
      method: "PAYMENT_METHOD_CARD",
      payBy: expect.any(Date),
      settled: false,
      reason: "",
    });
    expect(order?.history.map(({ number, step }) => `${number} ${step}`)).toEqual([
      "1 PLACED",
      "2 STOCK_HELD",
      "3 PAYABLE",
    ]);
    for (const client of [operator, await opened.served.as.service("payment")])
      expect(await client.getOrder({ orderId, memberId })).toEqual({ order });
  });

  test("makes another member's order and none at all look the same", async () => {
    const { orderId, orders } = await placed();
    const other = await opened.buyer();
    for (const id of [orderId, "nothing"]) {
      expect(await refusalOf(other.orders.getOrder({ orderId: id, memberId: "" }))).toBe("ORDER_UNKNOWN");
      const watch = watched(other.orders, id);
      expect(await watch.ended).toBe("ORDER_UNKNOWN");
    }
    expect(await refusalOf(operator.getOrder({ orderId, memberId: "8" }))).toBe("ORDER_UNKNOWN");
    expect(await refusalOf(operator.getOrder({ orderId, memberId: "" }))).toEqual([
      "INVALID_REQUEST",
      "member_id",
    ]);
    expect(await refusalOf(orders.getOrder({ orderId, memberId: "8" }))).toEqual([
      "INVALID_REQUEST",
      "member_id",
    ]);
    expect(await refusalOf(orders.getOrder({ orderId: "a b", memberId: "" }))).toEqual([
      "INVALID_REQUEST",
      "order_id",
    ]);
  });
});

describe("cancelling an order", () => {
  const asking = (orderId: string, memberId = "") => ({ requestId: newId("r"), orderId, memberId });
  const toldOf = async (orderId: string) =>
    (
      await opened.query("select type from outbox where aggregate_id = $1 order by aggregate_version", [
        orderId,
      ])
    ).map(({ type }) => type);
  async function lived(...inputs: readonly ((orderId: string) => OrderInput)[]) {
    const made = await placed();
    for (const input of inputs) await tell(input(made.orderId));
    return made;
  }
  const cancel = async ({ orders, orderId }: { orders: OrderClient; orderId: string }) =>
    (await orders.cancelOrder(asking(orderId))).order;

  test("whose holds are still being taken ends it at once", async () => {
    const order = await lived();
    expect(await cancel(order)).toMatchObject({
      ...{ orderId: order.orderId, status: "ORDER_STATUS_CANCELLED", reason: "BY_MEMBER", settled: false },
    });
    expect(await toldOf(order.orderId)).toEqual(["order.placed", "order.cancelled"]);
  });

  test("that may be paid asks payment, and once however often it is wished", async () => {
    const order = await lived(held);
    const cancelling = { status: "ORDER_STATUS_CANCELLING", reason: "BY_MEMBER" };
    expect(await cancel(order)).toMatchObject(cancelling);
    expect(await cancel(order)).toMatchObject(cancelling);
    expect(await toldOf(order.orderId)).toEqual(["order.placed", "order.payable", "order.cancel_requested"]);
    await tell({ type: "PaymentVoided", orderId: order.orderId, reason: "CANCELLED" });
    const cancelled = await cancel(order);
    expect(cancelled).toMatchObject({ status: "ORDER_STATUS_CANCELLED", reason: "BY_MEMBER" });
    expect(await cancel(order)).toEqual(cancelled);
    expect((await toldOf(order.orderId)).slice(3)).toEqual(["order.cancelled"]);
  });

  test("that is paid waits until its sale is whole, and then takes all of it back", async () => {
    const order = await lived(held, paid);
    expect(await refusalOf(cancel(order))).toBe("NOT_SETTLED");
    expect((await order.orders.getOrder({ orderId: order.orderId, memberId: "" })).order?.status).toBe(
      "ORDER_STATUS_CONFIRMED",
    );
    await tell(sold(order.orderId));
    expect(await cancel(order)).toMatchObject({ status: "ORDER_STATUS_CANCELLED", settled: false });
    const [row] = await opened.query(
      "select payload from outbox where aggregate_id = $1 and type = 'order.cancelled'",
      [order.orderId],
    );
    expect(events.orderCancelled.decode(row?.payload as Uint8Array)).toMatchObject({
      ...{ wasConfirmed: true, reason: "BY_MEMBER", memberId: order.memberId, amountDue: 1_000n },
    });
    await tell({ type: "StockReleased", orderId: order.orderId, reason: "RETURNED" });
    await tell({ type: "PaymentRefunded", orderId: order.orderId });
    expect(await cancel(order)).toMatchObject({ status: "ORDER_STATUS_CANCELLED", settled: true });
  });

  test("of another member, or of nobody, is refused the same, and changes nothing", async () => {
    const { orderId } = await lived();
    const other = await opened.buyer();
    const before = await opened.query("select * from orders where order_id = $1", [orderId]);
    for (const id of [orderId, "nothing"])
      expect(await refusalOf(other.orders.cancelOrder(asking(id)))).toBe("ORDER_UNKNOWN");
    expect(await refusalOf(operator.cancelOrder(asking(orderId, other.memberId)))).toBe("ORDER_UNKNOWN");
    expect(await opened.query("select * from orders where order_id = $1", [orderId])).toEqual(before);
    expect(await opened.query("select * from orders where order_id = 'nothing'")).toEqual([]);
    expect(await toldOf(orderId)).toEqual(["order.placed"]);
  });

  test("is an operator's right, who names the member; members name nobody, services have none", async () => {
    const { memberId, orders, orderId } = await lived();
    const named = ["INVALID_REQUEST", "member_id"];
    expect(await refusalOf(operator.cancelOrder(asking(orderId)))).toEqual(named);
    expect(await refusalOf(orders.cancelOrder(asking(orderId, memberId)))).toEqual(named);
    const service = await opened.served.as.service("payment");
    expect(await refusalOf(service.cancelOrder(asking(orderId, memberId)))).toBe("FORBIDDEN");
    const { order } = await operator.cancelOrder(asking(orderId, memberId));
    expect(order).toMatchObject({ status: "ORDER_STATUS_CANCELLED", reason: "BY_OPERATOR" });
  });

  test("again under the same request id gets the same bytes, however far the order has come", async () => {
    const { orders, orderId } = await lived(held);
    const request = asking(orderId);
    const bytes = async () =>
      Buffer.from(CancelOrderResponse.encode(await orders.cancelOrder(request)).finish());
    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, bytes));
    for (const other of others) expect(other).toEqual(first);
    await tell(paid(orderId)); // The money came first.
    await tell(sold(orderId));
    expect(await bytes()).toEqual(first);
    expect((await orders.getOrder({ orderId, memberId: "" })).order?.status).toBe("ORDER_STATUS_CONFIRMED");
    const other = await placed();
    expect(await refusalOf(orders.cancelOrder({ ...request, orderId: other.orderId }))).toBe(
      "REQUEST_ID_REUSED",
    );
  });

  test("names what is wrong with the request", async () => {
    const { orders } = await opened.buyer();
    const wrong = { requestId: "", orderId: "a b", memberId: "" };
    expect(await refusalOf(orders.cancelOrder(wrong))).toEqual(["INVALID_REQUEST", "request_id", "order_id"]);
  });
});

describe("a list of orders", () => {
  test("is the member's own, newest first, page by page", async () => {
    const { memberId, orders } = await opened.buyer();
    const ids: string[] = [];
    for (let each = 0; each < 3; each += 1) {
      const { order } = await orders.placeOrder(wishFor("a"));
      ids.unshift(order?.orderId ?? "");
    }
    await placed();
    const list = async (pageSize: number, pageToken = "") => {
      const page = await orders.listOrders({ memberId: "", pageSize, pageToken });
      return { ids: page.orders.map(({ orderId }) => orderId), next: page.nextPageToken };
    };
    expect(await list(0)).toEqual({ ids, next: "" });
    expect(await list(3)).toEqual({ ids, next: "" });
    const first = await list(2);
    expect(first.ids).toEqual(ids.slice(0, 2));
    expect(await list(2, first.next)).toEqual({ ids: ids.slice(2), next: "" });
    const named = await operator.listOrders({ memberId, pageSize: 100, pageToken: "" });
    expect(named.orders.map(({ orderId }) => orderId)).toEqual(ids);
  });

  test.each([
    "yesterday o",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z ",
    "2026-13-01T00:00:00.000Z o",
    "-271821-04-20T00:00:00.000Z o",
    "2026-01-01T00:00:00.000Z a b",
  ])("does not begin at %j", async (made) => {
    const pageToken = Buffer.from(made).toString("base64url");
    const call = operator.listOrders({ memberId: "7", pageSize: 0, pageToken });
    expect(await refusalOf(call)).toEqual(["INVALID_REQUEST", "page_token"]);
  });

  test("has 100 orders a page at most", async () => {
    const list = (pageSize: number) =>
      refusalOf(operator.listOrders({ memberId: "7", pageSize, pageToken: "" }));
    expect(await list(100)).toBe("answered");
    for (const size of [101, -1]) expect(await list(size)).toEqual(["INVALID_REQUEST", "page_size"]);
  });
});

describe("watching an order", () => {
  test("shows what has been and every change as it happens, and ends when nothing can change any more", async () => {
    const { orders, orderId } = await placed();
    await using watch = watched(orders, orderId);
    expect(await watch.shows(1)).toEqual(["1 PLACED"]);
    await tell(held(orderId));
    expect(await watch.shows(3)).toEqual(["1 PLACED", "2 STOCK_HELD", "3 PAYABLE"]);
    await tell(paid(orderId));
    await tell(sold(orderId));
    expect(await watch.ended).toBe("settled");
    expect(steps(watch.seen).slice(3)).toEqual(["4 PAID", "5 STOCK_COMMITTED"]);
    expect(watch.seen.map(({ change }) => change?.status).at(-1)).toBe("ORDER_STATUS_CONFIRMED");
    expect(watch.seen.some(({ snapshot }) => snapshot)).toBe(false);
    expect(opened.store.wakeUps.keys).not.toContain(orderId);
  });

  test("goes on after the change last seen, and has nothing to add to a settled order seen whole", async () => {
    const { orders, orderId } = await placed();
    for (const input of [held, paid, sold]) await tell(input(orderId));
    const seen = async (afterChange: number) => {
      const watch = watched(orders, orderId, afterChange);
      expect(await watch.ended).toBe("settled");
      return steps(watch.seen);
    };
    expect(await seen(3)).toEqual(["4 PAID", "5 STOCK_COMMITTED"]);
    expect(await seen(5)).toEqual([]);
    expect(await seen(99)).toEqual([]);
  });

  test("gives one sum of all to whoever has seen less than is kept", async () => {
    const { memberId, orders, orderId } = await placed();
    await tell({ type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" });
    for (let late = 0; late < historyMost; late += 1) await tell(paid(orderId));
    const newest = historyMost + 2;
    await using late = watched(orders, orderId, 1);
    await late.shows(1);
    expect(late.seen).toEqual([{ change: expect.objectContaining({ number: newest }), snapshot: true }]);
    await using inTime = watched(orders, orderId, 2);
    expect(await inTime.shows(historyMost)).toHaveLength(historyMost);
    expect(inTime.seen[0]).toEqual({ change: expect.objectContaining({ number: 3 }), snapshot: false });
    await tell({ type: "StockReleased", orderId, reason: "CANCELLED" });
    await tell({ type: "PaymentVoided", orderId, reason: "CANCELLED" });
    expect(await late.ended).toBe("settled");
    expect(late.seen.slice(1).map(({ change, snapshot }) => [change?.number, snapshot])).toEqual([
      [newest + 1, false],
      [newest + 2, false],
    ]);
  });

  test("hears of another replica's commits at the next look", async () => {
    const { orders, orderId } = await placed();
    const other = await opened.replica();
    await using watch = watched(orders, orderId);
    await watch.shows(1);
    await opened.store.lookAtWatched();
    await tell(held(orderId), other);
    await opened.store.lookAtWatched();
    expect(await watch.shows(3)).toEqual(["1 PLACED", "2 STOCK_HELD", "3 PAYABLE"]);
  });

  test("by many costs none of them a change", async () => {
    const { orders, orderId } = await placed();
    const watches = Array.from({ length: 20 }, () => watched(orders, orderId));
    for (const input of [held, paid, sold]) await tell(input(orderId));
    for (const watch of watches) {
      expect(await watch.ended).toBe("settled");
      expect(steps(watch.seen).map((step) => step.split(" ")[0])).toEqual(["1", "2", "3", "4", "5"]);
    }
  });

  test("is over for the server too when the watcher hangs up", async () => {
    const { orders, orderId } = await placed();
    const watch = watched(orders, orderId);
    await watch.shows(1);
    expect(opened.store.wakeUps.keys).toContain(orderId);
    await watch[Symbol.asyncDispose]();
    for (let looks = 0; looks < 200 && opened.store.wakeUps.keys.length > 0; looks += 1) await sleep(10);
    expect(opened.store.wakeUps.keys).toEqual([]);
    expect(opened.served.server.inFlight.watches).toBe(0);
  });

  test("is for members, and names what is wrong with it", async () => {
    const { orders, orderId } = await placed();
    expect(await watched(operator, orderId).ended).toBe("FORBIDDEN");
    expect(await watched(orders, "a b").ended).toBe("INVALID_REQUEST");
    expect(await watched(orders, orderId, -1).ended).toBe("INVALID_REQUEST");
  });
});

describe("a wish for an order", () => {
  const wish = { ...wishFor("a") };
  const lines = (count: number, change: object = {}) => {
    const wanted = Array.from({ length: count }, (_, index) => ({
      variantId: `v${index}`,
      quantity: 1,
      ...change,
    }));
    return { source: { $case: "lines", value: { lines: wanted } } } as const;
  };

  test.each([
    [{ requestId: "" }, "request_id"],
    [{ requestId: "r".repeat(65) }, "request_id"],
    [{ source: undefined }, "source"],
    [lines(linesMost + 1), "lines"],
    [lines(1, { variantId: "" }), "lines[0].variant_id"],
    [lines(1, { quantity: 0 }), "lines[0].quantity"],
    [lines(1, { quantity: -1 }), "lines[0].quantity"],
    [lines(1, { quantity: 1_000 }), "lines[0].quantity"],
    [{ points: -1n }, "points"],
    [{ expectedAmountDue: -1n }, "expected_amount_due"],
    [{ method: "PAYMENT_METHOD_UNSPECIFIED" as const }, "method"],
    [{ payWithinSeconds: -1 }, "pay_within_seconds"],
    [{ payWithinSeconds: policy.payWithinSeconds + 1 }, "pay_within_seconds"],
  ])("%p is refused by the name of its field", async (change, field) => {
    const { orders } = await opened.buyer();
    expect(await refusalOf(orders.placeOrder({ ...wish, ...change }))).toEqual(["INVALID_REQUEST", field]);
  });

  test("is refused with every field that is wrong at once", async () => {
    const { orders } = await opened.buyer();
    const wrong = {
      ...lines(2, { variantId: "a b", quantity: 0 }),
      requestId: "",
      points: -1n,
      expectedAmountDue: -1n,
    };
    expect(await refusalOf(orders.placeOrder({ ...wish, ...wrong }))).toEqual([
      "INVALID_REQUEST",
      "request_id",
      "lines[0].variant_id",
      "lines[0].quantity",
      "lines[1].variant_id",
      "lines[1].quantity",
      "points",
      "expected_amount_due",
    ]);
  });

  test("may have as many lines, units and seconds as are said to be the most", async () => {
    const { orders } = await opened.buyer();
    const wanted = Array.from({ length: linesMost }, (_, index) => ({
      variantId: `most-${index}`,
      quantity: 999,
    }));
    for (const { variantId } of wanted) opened.neighbours.stock(variantId, { price: 1n, available: 999 });
    const call = orders.placeOrder({
      ...wish,
      requestId: newId("r"),
      source: { $case: "lines", value: { lines: wanted } },
      expectedAmountDue: BigInt(linesMost * 999),
      payWithinSeconds: policy.payWithinSeconds,
    });
    expect(await refusalOf(call)).toBe("answered");
  });

  test("is nothing operators or services have", async () => {
    expect(await refusalOf(operator.placeOrder(wish))).toBe("FORBIDDEN");
    expect(await refusalOf((await opened.served.as.service("payment")).placeOrder(wish))).toBe("FORBIDDEN");
  });
});
