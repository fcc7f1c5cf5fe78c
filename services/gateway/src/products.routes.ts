// The catalogue, for everyone with a token.
import { createHash } from "node:crypto";
import { Refusal } from "@quadrille/decider";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Gateway } from "./app.ts";
import { isTagged } from "./entity-tag.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, etagHeader, operation } from "./operation.ts";
import { Product, ProductPage, ProductParams, ProductQuery } from "./schemas.ts";
import { given, toPage, toProduct } from "./wire.ts";

const everyone = ["member", "operator", "service"] as const;
const tags = ["products"];
const IfNoneMatch = Type.Object({
  "If-None-Match": Type.Optional(
    Type.String({ maxLength: 1_000, description: "The `ETag` of what you have: 304 when it is still so." }),
  ),
});
const unchanged = Type.Unsafe<undefined>({ type: "null", description: "What you have is still so." });

export function productRoutes(app: Gateway, neighbours: Neighbours): void {
  const { products } = neighbours;
  app.get(
    "/products",
    operation(
      { operationId: "listProducts", tags, summary: "The catalogue, or what is found in it." },
      everyone,
      {
        querystring: ProductQuery,
        headers: IfNoneMatch,
        response: { 200: answer("A page of the catalogue.", ProductPage, etagHeader), 304: unchanged },
      },
    ),
    async (request, reply) => {
      const { query = "" } = request.query;
      const asked = { query, ...toPage(request.query) };
      const found = await products.searchVariants(asked, neighbours.asCaller(request, reply));
      const page = {
        products: found.variants.map(toProduct),
        ...given("nextPageToken", found.nextPageToken),
      };
      return sendTagged(request, reply, page);
    },
  );
  app.get(
    "/products/:productId",
    operation(
      { operationId: "getProduct", tags, summary: "One product." },
      everyone,
      {
        params: ProductParams,
        headers: IfNoneMatch,
        response: { 200: answer("The product.", Product, etagHeader), 304: unchanged },
      },
      ["VARIANT_UNKNOWN"],
    ),
    async (request, reply) => {
      const asked = { variantIds: [request.params.productId] };
      const { variants } = await products.batchGetVariants(asked, neighbours.asCaller(request, reply));
      const [variant] = variants;
      if (variant === undefined) throw new Refusal("VARIANT_UNKNOWN");
      return sendTagged(request, reply, toProduct(variant));
    },
  );
}

/** Tagged with a hash of its text: the same state has the same tag, whichever gateway answers. */
function sendTagged(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  const text = JSON.stringify(body);
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
  reply.header("etag", etag).header("cache-control", "private, no-cache");
  if (isTagged(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(text);
}
