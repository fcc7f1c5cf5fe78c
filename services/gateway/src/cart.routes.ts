// The caller's own cart.
import type { Gateway } from "./app.ts";
import { KeyOptional, KeyRequired, requestIdOf } from "./idempotency.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, operation } from "./operation.ts";
import { Cart, CartVersion, NewQuantity, ProductParams, WantedLine } from "./schemas.ts";
import { required, toCart, toInteger } from "./wire.ts";

const member = ["member"] as const;
const tags = ["cart"];
const changed = { 200: answer("The cart's version now.", CartVersion) };
const toVersion = ({ cartVersion }: { readonly cartVersion: bigint }) => ({
  version: toInteger(cartVersion),
});

export function cartRoutes(app: Gateway, neighbours: Neighbours): void {
  const { orders } = neighbours;
  app.get(
    "/cart",
    operation({ operationId: "getCart", tags, summary: "The cart, with today's prices." }, member, {
      response: { 200: answer("The cart.", Cart) },
    }),
    async (request, reply) => {
      const { cart } = await orders.getCart({}, neighbours.asCaller(request, reply));
      return toCart(required(cart, "a cart"));
    },
  );
  app.post(
    "/cart/lines",
    operation(
      { operationId: "addCartLine", tags, summary: "Adds to what is in the cart." },
      member,
      { headers: KeyRequired, body: WantedLine, response: changed },
      ["VARIANT_UNKNOWN", "NOT_ON_SALE", "CART_FULL", "REQUEST_ID_REUSED", "PRODUCT_UNAVAILABLE"],
    ),
    async (request, reply) => {
      const { productId, quantity } = request.body;
      const line = { requestId: requestIdOf(request), variantId: productId, quantity };
      return toVersion(await orders.addCartLine(line, neighbours.asCaller(request, reply)));
    },
  );
  app.patch(
    "/cart/lines/:productId",
    operation(
      { operationId: "changeCartLine", tags, summary: "Changes the quantity of a line." },
      member,
      { headers: KeyOptional, params: ProductParams, body: NewQuantity, response: changed },
      ["CART_LINE_UNKNOWN", "VARIANT_UNKNOWN", "NOT_ON_SALE", "REQUEST_ID_REUSED", "PRODUCT_UNAVAILABLE"],
    ),
    async (request, reply) => {
      const { productId: variantId } = request.params;
      const line = { requestId: requestIdOf(request), variantId, quantity: request.body.quantity };
      return toVersion(await orders.changeCartLine(line, neighbours.asCaller(request, reply)));
    },
  );
  app.delete(
    "/cart/lines/:productId",
    operation(
      { operationId: "removeCartLine", tags, summary: "Takes a line out of the cart." },
      member,
      { headers: KeyOptional, params: ProductParams, response: changed },
      ["REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const line = { requestId: requestIdOf(request), variantId: request.params.productId };
      return toVersion(await orders.removeCartLine(line, neighbours.asCaller(request, reply)));
    },
  );
  app.delete(
    "/cart",
    operation(
      { operationId: "clearCart", tags, summary: "Empties the cart." },
      member,
      { headers: KeyOptional, response: changed },
      ["REQUEST_ID_REUSED"],
    ),
    async (request, reply) => {
      const asked = { requestId: requestIdOf(request) };
      return toVersion(await orders.clearCart(asked, neighbours.asCaller(request, reply)));
    },
  );
}
