// The caller's own orders: placing, looking, cancelling.
import type { PlaceOrderRequest } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Static } from "typebox";
import type { Gateway } from "./app.ts";
import { KeyRequired, requestIdOf } from "./idempotency.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, locationHeader, operation } from "./operation.ts";
import { NewOrder, Order, OrderPage, OrderParams, PageQuery } from "./schemas.ts";
import { given, required, toOrder, toPage } from "./wire.ts";

const member = ["member"] as const;
const tags = ["orders"];

export function orderRoutes(app: Gateway, neighbours: Neighbours): void {
  placingRoutes(app, neighbours);
  lookingRoutes(app, neighbours);
}

function placingRoutes(app: Gateway, neighbours: Neighbours): void {
  const { orders } = neighbours;
  app.post(
    "/orders",
    operation(
      {
        operationId: "placeOrder",
        tags,
        summary: "Orders the cart, or the lines given.",
        description: "The answer is the order as it was accepted; what follows is told by its events.",
      },
      member,
      {
        headers: KeyRequired,
        body: NewOrder,
        response: { 201: answer("The order as accepted.", Order, locationHeader) },
      },
      [
        ...(["VARIANT_UNKNOWN", "MEMBER_UNKNOWN", "CART_EMPTY", "CART_CHANGED", "ORDER_EMPTY"] as const),
        ...([
          "DUPLICATE_LINE",
          "NOT_ON_SALE",
          "OUT_OF_STOCK",
          "NOT_ENOUGH_POINTS",
          "POINTS_EXCEED_TOTAL",
        ] as const),
        ...(["AMOUNT_CHANGED", "AMOUNT_TOO_SMALL", "REQUEST_ID_REUSED"] as const),
        ...(["PRODUCT_UNAVAILABLE", "MEMBER_UNAVAILABLE"] as const),
      ],
    ),
    async (request, reply) => {
      const asked = toPlacing(requestIdOf(request), request.body);
      const { order } = await orders.placeOrder(asked, neighbours.asCaller(request, reply));
      const placed = toOrder(required(order, "an order"));
      return reply.code(201).header("location", `/v1/orders/${placed.orderId}`).send(placed);
    },
  );
  app.post(
    "/orders/:orderId/cancel",
    operation(
      {
        operationId: "cancelOrder",
        tags,
        summary: "Ends an order.",
        description:
          "CANCELLING while payment is asked which came first; a settled sale is taken back whole.",
      },
      member,
      {
        headers: KeyRequired,
        params: OrderParams,
        response: { 200: answer("The order as the request left it.", Order) },
      },
      ["ORDER_UNKNOWN", "NOT_SETTLED", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const asked = { requestId: requestIdOf(request), orderId: request.params.orderId, memberId: "" };
      const { order } = await orders.cancelOrder(asked, neighbours.asCaller(request, reply));
      return toOrder(required(order, "an order"));
    },
  );
}

function lookingRoutes(app: Gateway, neighbours: Neighbours): void {
  const { orders } = neighbours;
  app.get(
    "/orders",
    operation({ operationId: "listOrders", tags, summary: "The caller's orders, newest first." }, member, {
      querystring: PageQuery,
      response: { 200: answer("A page of orders.", OrderPage) },
    }),
    async (request, reply) => {
      const asked = { memberId: "", ...toPage(request.query) };
      const found = await orders.listOrders(asked, neighbours.asCaller(request, reply));
      return { orders: found.orders.map(toOrder), ...given("nextPageToken", found.nextPageToken) };
    },
  );
  app.get(
    "/orders/:orderId",
    operation(
      { operationId: "getOrder", tags, summary: "One order with its history." },
      member,
      { params: OrderParams, response: { 200: answer("The order.", Order) } },
      ["ORDER_UNKNOWN"],
    ),
    async (request, reply) => {
      const asked = { orderId: request.params.orderId, memberId: "" };
      const { order } = await orders.getOrder(asked, neighbours.asCaller(request, reply));
      return toOrder(required(order, "an order"));
    },
  );
}

function toPlacing(requestId: string, body: Static<typeof NewOrder>): PlaceOrderRequest {
  const { lines, points = 0, expectedAmountDue, method, payWithinSeconds = 0 } = body;
  const wanted = lines?.map(({ productId, quantity }) => ({ variantId: productId, quantity }));
  return {
    requestId,
    source:
      wanted === undefined ? { $case: "cart", value: {} } : { $case: "lines", value: { lines: wanted } },
    points: BigInt(points),
    expectedAmountDue: BigInt(expectedAmountDue),
    method: `PAYMENT_METHOD_${method}`,
    payWithinSeconds,
  };
}
