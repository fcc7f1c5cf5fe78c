// Orders over gRPC: placing, looking, and watching each change as it happens.
import {
  type CancelOrderRequest,
  CancelOrderResponse,
  type OrderChange,
  type Order as OrderMessage,
  type OrderStatus,
  type PlaceOrderRequest,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal, type Rows, row } from "@quadrille/decider";
import { type Call, fields } from "@quadrille/rpc";
import { cutPage, momentAndId, momentAndIdKey, type Page, pageOf } from "@quadrille/rpc/page";
import { memberOf, reply, requestCause, requestHash } from "@quadrille/rpc/request";
import { quantityMost, type WantedLine } from "./cart.ts";
import type { OrderTables } from "./decider.ts";
import type { Change } from "./order.evolve.ts";
import type { OlderThan, OrderStore } from "./order.store.ts";
import { isSettled, type PlacedOrder } from "./order.ts";
import { type Placing, placeOrder, type Shop } from "./placing.ts";

export const linesMost = 50;
/** A watcher looks by itself this often at the least, whatever wake-ups were lost. */
const lookAgainMs = 30_000;

/** The methods of the order service that are about orders; those about carts stand in `cart.rpc.ts`. */
export function orderMethods(shop: Shop) {
  const { store } = shop;
  return {
    async placeOrder(request: PlaceOrderRequest, call: Call) {
      const order = await placeOrder(shop, readPlacing(request, call, shop), call.signal);
      return { order: toAccepted(order) };
    },
    async cancelOrder(request: CancelOrderRequest, call: Call) {
      const read = fields();
      const requestId = read.requestId(request.requestId);
      const orderId = read.id("order_id", request.orderId);
      read.done();
      const memberId = memberOf(call.caller, request.memberId);
      const by = call.caller.role === "member" ? "BY_MEMBER" : "BY_OPERATOR";
      return await store.handle(
        { type: "CancelOrder", orderId, memberId, by },
        requestCause("CancelOrder", requestId, call),
        reply(CancelOrderResponse, orderIn(orderId)),
      );
    },
    async getOrder(request: { readonly orderId: string; readonly memberId: string }, call: Call) {
      const order = await ownOrder(store, readOrderId(request), memberOf(call.caller, request.memberId));
      return { order: toMessage(order) };
    },
    async listOrders(
      request: { readonly memberId: string; readonly pageSize: number; readonly pageToken: string },
      call: Call,
    ) {
      const memberId = memberOf(call.caller, request.memberId);
      const wanted = pageOf(request);
      const found = await store.ordersOf(memberId, { after: olderThan(wanted), most: wanted.size + 1 });
      const { page, nextPageToken } = cutPage(found, wanted, ({ placedAt, orderId }) =>
        momentAndIdKey({ moment: placedAt, id: orderId }),
      );
      return { orders: page.map(toMessage), nextPageToken };
    },
    async *watchOrder(request: { readonly orderId: string; readonly afterChange: number }, call: Call) {
      const read = fields();
      const orderId = read.id("order_id", request.orderId);
      let seen = read.integer("after_change", request.afterChange, { min: 0 });
      read.done();
      const memberId = memberOf(call.caller, "");
      using wakeUp = store.wakeUps.on(orderId); // Before the first look, so that no change falls in between.
      for (;;) {
        const order = await ownOrder(store, orderId, memberId);
        for (const news of newsSince(order, seen)) {
          yield news;
          seen = news.change.number;
        }
        if (isSettled(order)) return;
        await wakeUp.next(lookAgainMs, call.signal);
      }
    },
  };
}

function orderIn(orderId: string) {
  return (rows: Rows<OrderTables>) => {
    const order = row(rows.orders, orderId);
    return { order: order.status === "absent" ? undefined : toMessage(order) };
  };
}

async function ownOrder(store: OrderStore, orderId: string, memberId: string): Promise<PlacedOrder> {
  const order = await store.order(orderId);
  // Somebody else's order and one that does not exist look the same from outside.
  if (order.status === "absent" || order.memberId !== memberId) throw new Refusal("ORDER_UNKNOWN");
  return order;
}

/** What a watcher has not seen yet: each change, or one that sums them up when the older ones are no longer kept. */
function newsSince(order: PlacedOrder, seen: number): { change: OrderChange; snapshot: boolean }[] {
  const news = order.history.filter((change) => change.number > seen);
  const [first] = news;
  if (first !== undefined && first.number > seen + 1) {
    return [{ change: toChange(news.at(-1) ?? first), snapshot: true }];
  }
  return news.map((change) => ({ change: toChange(change), snapshot: false }));
}

function readPlacing(request: PlaceOrderRequest, call: Call, { policy }: Shop): Placing {
  const read = fields();
  const requestId = read.requestId(request.requestId);
  const source = read.present("source", request.source);
  if (source?.$case === "lines") {
    const lines = read.list("lines", source.value.lines, { min: 0, max: linesMost });
    for (const [index, line] of lines.entries()) {
      read.id(`lines[${index}].variant_id`, line.variantId);
      read.integer(`lines[${index}].quantity`, line.quantity, { min: 1, max: quantityMost });
    }
  }
  const points = read.integer("points", request.points, { min: 0n });
  const expectedAmountDue = read.integer("expected_amount_due", request.expectedAmountDue, { min: 0n });
  const method = read.oneOf("method", request.method, ["PAYMENT_METHOD_CARD"]);
  const payWithinSeconds = read.integer("pay_within_seconds", request.payWithinSeconds, {
    min: 0,
    max: policy.payWithinSeconds,
  });
  read.done();
  const { caller, traceparent } = call;
  return {
    memberId: memberOf(caller, ""),
    memberToken: caller.token,
    requestId,
    requestHash: requestHash(call),
    source: source.$case === "cart" ? "cart" : (source.value.lines satisfies readonly WantedLine[]),
    points,
    expectedAmountDue,
    method,
    payWithinSeconds,
    traceparent,
  };
}

function readOrderId({ orderId }: { readonly orderId: string }): string {
  const read = fields();
  read.id("order_id", orderId);
  read.done();
  return orderId;
}

function olderThan({ after }: Page): OlderThan | undefined {
  if (after === undefined) return undefined;
  const { moment, id } = momentAndId(after);
  return { placedAt: moment, orderId: id };
}

const statuses = {
  pending: "ORDER_STATUS_PENDING",
  payable: "ORDER_STATUS_PAYABLE",
  cancelling: "ORDER_STATUS_CANCELLING",
  confirmed: "ORDER_STATUS_CONFIRMED",
  cancelled: "ORDER_STATUS_CANCELLED",
} as const satisfies Record<PlacedOrder["status"], OrderStatus>;

function toMessage(order: PlacedOrder): OrderMessage {
  const { orderId, subtotal, points, amountDue, currency, method, placedAt, payBy } = order;
  return {
    orderId,
    status: statuses[order.status],
    lines: [...order.lines],
    subtotal,
    points,
    amountDue,
    currency,
    method,
    placedAt,
    payBy,
    reason: order.reason ?? "",
    settled: isSettled(order),
    history: order.history.map(toChange),
  };
}

/** The order as it was the moment it was placed: a repeated request gets the same answer, however far it has come. */
function toAccepted(order: PlacedOrder): OrderMessage {
  const placed: Change = { number: 1, status: "pending", step: "PLACED", reason: "", at: order.placedAt };
  return {
    ...toMessage(order),
    status: statuses.pending,
    payBy: undefined,
    reason: "",
    settled: false,
    history: [toChange(placed)],
  };
}

function toChange({ number, status, step, reason, at }: Change): OrderChange {
  return { number, status: statuses[status], step, reason, at };
}
