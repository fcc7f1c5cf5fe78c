// What operators do: the catalogue, members, their points and orders, and payments that wait for a person.
import { Refusal } from "@quadrille/decider";
import Type from "typebox";
import type { Gateway } from "./app.ts";
import { entityTagOf, IfMatch, isStillTagged } from "./entity-tag.ts";
import { KeyOptional, KeyRequired, requestIdOf } from "./idempotency.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, etagHeader, locationHeader, operation } from "./operation.ts";
import { everOpen } from "./payments.routes.ts";
import { productNow } from "./products.routes.ts";
import * as shape from "./schemas.ts";
import {
  given,
  required,
  toMember,
  toOrder,
  toPage,
  toPayment,
  toPointEntry,
  toProduct,
  toTime,
} from "./wire.ts";

const operator = ["operator"] as const;
const tags = ["operator"];

export function operatorRoutes(app: Gateway, neighbours: Neighbours): void {
  catalogueRoutes(app, neighbours);
  memberRoutes(app, neighbours);
  memberOrderRoutes(app, neighbours);
  stuckPaymentRoutes(app, neighbours);
}

function catalogueRoutes(app: Gateway, neighbours: Neighbours): void {
  const { products } = neighbours;
  const product = answer("The product now.", shape.Product);
  app.post(
    "/operator/products",
    operation(
      { operationId: "createProduct", tags, summary: "Puts a product into the catalogue, without stock." },
      operator,
      {
        headers: KeyRequired,
        body: shape.NewProduct,
        response: { 201: answer("The product.", shape.Product, locationHeader) },
      },
      ["VARIANT_EXISTS", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const { id: variantId, title, price, onSale } = request.body;
      const asked = { requestId: requestIdOf(request), variantId, title, price: BigInt(price), onSale };
      const { variant } = await products.createVariant(asked, neighbours.asCaller(request, reply));
      const made = toProduct(required(variant, "a product"));
      return reply.code(201).header("location", `/v1/products/${made.id}`).send(made);
    },
  );
  app.patch(
    "/operator/products/:productId",
    operation(
      {
        operationId: "changeProduct",
        tags,
        summary: "Changes title, price or whether it is on sale.",
        description:
          "With `If-Match` only what is still as you saw it is changed. The tag is compared before the change: it guards " +
          "against screens that are out of date, not against two changes at the very same moment. Sent again after it " +
          "was done, a change with `If-Match` is refused, as the product is no longer what it was.",
      },
      operator,
      {
        headers: Type.Object({ ...KeyOptional.properties, ...IfMatch.properties }),
        params: shape.ProductParams,
        body: shape.ProductChange,
        response: { 200: answer("The product now.", shape.Product, etagHeader) },
      },
      ["VARIANT_UNKNOWN", "REQUEST_ID_REUSED", "PRECONDITION_FAILED"],
    ),
    async (request, reply) => {
      const { title, price, onSale } = request.body;
      const wanted = request.headers["if-match"];
      if (wanted !== undefined) {
        const now = await productNow(request.params.productId, products, neighbours.asCaller(request, reply));
        if (!isStillTagged(wanted, entityTagOf(JSON.stringify(now))))
          throw new Refusal("PRECONDITION_FAILED");
      }
      const { variant } = await products.updateVariant(
        {
          requestId: requestIdOf(request),
          variantId: request.params.productId,
          title,
          price: price === undefined ? undefined : BigInt(price),
          onSale,
        },
        neighbours.asCaller(request, reply),
      );
      const changed = toProduct(required(variant, "a product"));
      reply.header("etag", entityTagOf(JSON.stringify(changed)));
      return changed;
    },
  );
  app.post(
    "/operator/products/:productId/receipts",
    operation(
      { operationId: "receiveStock", tags, summary: "Books a delivery into stock." },
      operator,
      {
        headers: KeyRequired,
        params: shape.ProductParams,
        body: shape.Receipt,
        response: { 200: product },
      },
      ["VARIANT_UNKNOWN", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const { productId: variantId } = request.params;
      const asked = { requestId: requestIdOf(request), variantId, quantity: request.body.quantity };
      const { variant } = await products.receiveStock(asked, neighbours.asCaller(request, reply));
      return toProduct(required(variant, "a product"));
    },
  );
}

function memberRoutes(app: Gateway, neighbours: Neighbours): void {
  const { members } = neighbours;
  app.post(
    "/operator/members",
    operation(
      { operationId: "createMember", tags, summary: "Makes a member, without points." },
      operator,
      {
        headers: KeyRequired,
        body: shape.NewMember,
        response: { 201: answer("The member.", shape.Member, locationHeader) },
      },
      ["MEMBER_EXISTS", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const asked = { requestId: requestIdOf(request), ...request.body };
      const { member } = await members.createMember(asked, neighbours.asCaller(request, reply));
      const made = toMember(required(member, "a member"));
      return reply.code(201).header("location", `/v1/operator/members/${made.memberId}`).send(made);
    },
  );
  app.get(
    "/operator/members/:memberId",
    operation(
      { operationId: "getMember", tags, summary: "A member with their points." },
      operator,
      { params: shape.MemberParams, response: { 200: answer("The member.", shape.Member) } },
      ["MEMBER_UNKNOWN"],
    ),
    async (request, reply) => {
      const { member } = await members.getMember(request.params, neighbours.asCaller(request, reply));
      return toMember(required(member, "a member"));
    },
  );
  app.get(
    "/operator/members/:memberId/points/entries",
    operation(
      { operationId: "listPointEntries", tags, summary: "What happened to a member's points, newest first." },
      operator,
      {
        params: shape.MemberParams,
        querystring: shape.PageQuery,
        response: { 200: answer("A page of the ledger.", shape.PointEntryPage) },
      },
    ),
    async (request, reply) => {
      const asked = { memberId: request.params.memberId, ...toPage(request.query) };
      const found = await members.listPointEntries(asked, neighbours.asCaller(request, reply));
      return { entries: found.entries.map(toPointEntry), ...given("nextPageToken", found.nextPageToken) };
    },
  );
  app.post(
    "/operator/members/:memberId/points",
    operation(
      { operationId: "adjustPoints", tags, summary: "Credits points, or takes them back." },
      operator,
      {
        headers: KeyRequired,
        params: shape.MemberParams,
        body: shape.PointAdjustment,
        response: { 200: answer("The member now.", shape.Member) },
      },
      ["MEMBER_UNKNOWN", "NOT_ENOUGH_POINTS", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const { points, note } = request.body;
      const { memberId } = request.params;
      const asked = { requestId: requestIdOf(request), memberId, points: BigInt(points), note };
      const { member } = await members.adjustPoints(asked, neighbours.asCaller(request, reply));
      return toMember(required(member, "a member"));
    },
  );
}

function memberOrderRoutes(app: Gateway, neighbours: Neighbours): void {
  const { orders, payments } = neighbours;
  app.get(
    "/operator/members/:memberId/orders",
    operation(
      { operationId: "listMemberOrders", tags, summary: "A member's orders, newest first." },
      operator,
      {
        params: shape.MemberParams,
        querystring: shape.PageQuery,
        response: { 200: answer("A page of orders.", shape.OrderPage) },
      },
    ),
    async (request, reply) => {
      const asked = { memberId: request.params.memberId, ...toPage(request.query) };
      const found = await orders.listOrders(asked, neighbours.asCaller(request, reply));
      return { orders: found.orders.map(toOrder), ...given("nextPageToken", found.nextPageToken) };
    },
  );
  app.get(
    "/operator/members/:memberId/orders/:orderId",
    operation(
      { operationId: "getMemberOrder", tags, summary: "One order of a member." },
      operator,
      { params: shape.MemberOrderParams, response: { 200: answer("The order.", shape.Order) } },
      ["ORDER_UNKNOWN"],
    ),
    async (request, reply) => {
      const { order } = await orders.getOrder(request.params, neighbours.asCaller(request, reply));
      return toOrder(required(order, "an order"));
    },
  );
  app.post(
    "/operator/members/:memberId/orders/:orderId/cancel",
    operation(
      { operationId: "cancelMemberOrder", tags, summary: "Ends an order of a member." },
      operator,
      {
        headers: KeyRequired,
        params: shape.MemberOrderParams,
        response: { 200: answer("The order as the request left it.", shape.Order) },
      },
      ["ORDER_UNKNOWN", "NOT_SETTLED", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const asked = { requestId: requestIdOf(request), ...request.params };
      const { order } = await orders.cancelOrder(asked, neighbours.asCaller(request, reply));
      return toOrder(required(order, "an order"));
    },
  );
  app.get(
    "/operator/members/:memberId/orders/:orderId/payment",
    operation(
      { operationId: "getMemberPayment", tags, summary: "The payment of a member's order." },
      operator,
      { params: shape.MemberOrderParams, response: { 200: answer("The payment.", shape.Payment) } },
      ["PAYMENT_UNKNOWN"],
    ),
    async (request, reply) => {
      const { payment } = await payments.getPayment(request.params, neighbours.asCaller(request, reply));
      return toPayment(everOpen(payment));
    },
  );
}

function stuckPaymentRoutes(app: Gateway, neighbours: Neighbours): void {
  const { payments } = neighbours;
  app.get(
    "/operator/payments/stuck",
    operation(
      {
        operationId: "listStuckPayments",
        tags,
        summary: "Payments that wait for a person, the oldest first.",
      },
      operator,
      {
        querystring: shape.PageQuery,
        response: { 200: answer("A page of payments.", shape.StuckPaymentPage) },
      },
    ),
    async (request, reply) => {
      const asked = toPage(request.query);
      const found = await payments.listStuckPayments(asked, neighbours.asCaller(request, reply));
      const stuck = found.payments.map(({ payment, memberId, since, why }) => {
        return { payment: toPayment(required(payment, "a payment")), memberId, since: toTime(since), why };
      });
      return { payments: stuck, ...given("nextPageToken", found.nextPageToken) };
    },
  );
  app.post(
    "/operator/payments/:orderId/resolve",
    operation(
      { operationId: "resolvePayment", tags, summary: "Says what a person found out about a stuck payment." },
      operator,
      {
        headers: KeyRequired,
        params: shape.OrderParams,
        body: shape.PaymentResolution,
        response: { 200: answer("The payment now.", shape.Payment) },
      },
      ["PAYMENT_UNKNOWN", "PAYMENT_NOT_STUCK", "REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const { resolution, transactionKey = "", note } = request.body;
      const { payment } = await payments.resolvePayment(
        {
          requestId: requestIdOf(request),
          orderId: request.params.orderId,
          resolution: `RESOLUTION_${resolution}`,
          transactionKey,
          note,
        },
        neighbours.asCaller(request, reply),
      );
      return toPayment(required(payment, "a payment"));
    },
  );
}
