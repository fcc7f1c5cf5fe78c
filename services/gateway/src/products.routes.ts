// The catalogue, for everyone with a token.
import { Refusal } from "@quadrille/decider";
import type { CallOptions } from "@quadrille/rpc/client";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Gateway } from "./app.ts";
import { entityTagOf, IfNoneMatch, isTagged } from "./entity-tag.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, etagHeader, operation } from "./operation.ts";
import { Product, ProductPage, ProductParams, ProductQuery } from "./schemas.ts";
import { given, toPage, toProduct } from "./wire.ts";

const everyone = ["member", "operator", "service"] as const;
const tags = ["products"];
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
      const { productId } = request.params;
      return sendTagged(
        request,
        reply,
        await productNow(productId, products, neighbours.asCaller(request, reply)),
      );
    },
  );
}

/** Refuses VARIANT_UNKNOWN. */
export async function productNow(
  productId: string,
  products: Neighbours["products"],
  as: CallOptions,
): Promise<ReturnType<typeof toProduct>> {
  const { variants } = await products.batchGetVariants({ variantIds: [productId] }, as);
  const [variant] = variants;
  if (variant === undefined) throw new Refusal("VARIANT_UNKNOWN");
  return toProduct(variant);
}

function sendTagged(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  const text = JSON.stringify(body);
  const etag = entityTagOf(text);
  reply.header("etag", etag).header("cache-control", "private, no-cache");
  if (isTagged(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(text);
}
