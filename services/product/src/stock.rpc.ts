// The catalogue over gRPC: look-ups for everyone with a token, changes for operators.
import {
  CreateVariantResponse,
  ProductServiceService,
  ReceiveStockResponse,
  UpdateVariantResponse,
  type Variant,
} from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { type Rows, row } from "@quadrille/decider";
import { fields, type Service, service } from "@quadrille/rpc";
import { cutPage, pageOf } from "@quadrille/rpc/page";
import { reply, requestCause } from "@quadrille/rpc/request";
import type { StockStore } from "./stock.store.ts";
import type { ListedVariant, StockTables } from "./stock.ts";

const idsMost = 100;
const titleMost = 200;
const priceMost = 1_000_000_000_000n;
const receiptMost = 1_000_000;
const everyone = ["member", "operator", "service"] as const;

/** `currency` is the one currency of the deployment, ISO 4217. */
export function stockRpc(store: StockStore, currency: string): Service {
  const toMessage = (variantId: string, { title, price, onSale, available }: ListedVariant): Variant => {
    return { variantId, title, price, currency, onSale, available };
  };
  const decided = (variantId: string) => (rows: Rows<StockTables>) => {
    const variant = row(rows.variants, variantId);
    return { variant: variant.status === "listed" ? toMessage(variantId, variant) : undefined };
  };
  return service(
    ProductServiceService,
    {
      async batchGetVariants({ variantIds }) {
        const read = fields();
        const ids = read.list("variant_ids", variantIds, { min: 1, max: idsMost });
        for (const [index, id] of ids.entries()) read.id(`variant_ids[${index}]`, id);
        read.done();
        const found = new Map((await store.variants(ids)).map((variant) => [variant.variantId, variant]));
        return {
          variants: ids.flatMap((id) =>
            found.has(id) ? [toMessage(id, found.get(id) as ListedVariant)] : [],
          ),
        };
      },
      async searchVariants(request) {
        const read = fields();
        const query = read.text("query", request.query, { min: 0, max: 100 });
        read.done();
        const wanted = pageOf(request);
        const found = await store.search(query, { after: wanted.after, most: wanted.size + 1 });
        const { page, nextPageToken } = cutPage(found, wanted, (variant) => variant.variantId);
        return { variants: page.map((variant) => toMessage(variant.variantId, variant)), nextPageToken };
      },
      async createVariant(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const variantId = read.id("variant_id", request.variantId);
        const title = read.text("title", request.title, { max: titleMost });
        const price = read.integer("price", request.price, { min: 0n, max: priceMost });
        read.done();
        const { onSale } = request;
        const answer = reply(CreateVariantResponse, decided(variantId));
        const cause = requestCause("CreateVariant", requestId, call);
        return await store.handle({ type: "CreateVariant", variantId, title, price, onSale }, cause, answer);
      },
      async updateVariant(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const variantId = read.id("variant_id", request.variantId);
        const { title, price, onSale } = request;
        if (title !== undefined) read.text("title", title, { max: titleMost });
        if (price !== undefined) read.integer("price", price, { min: 0n, max: priceMost });
        read.done();
        const answer = reply(UpdateVariantResponse, decided(variantId));
        const cause = requestCause("UpdateVariant", requestId, call);
        return await store.handle({ type: "UpdateVariant", variantId, title, price, onSale }, cause, answer);
      },
      async receiveStock(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const variantId = read.id("variant_id", request.variantId);
        const quantity = read.integer("quantity", request.quantity, { min: 1, max: receiptMost });
        read.done();
        const answer = reply(ReceiveStockResponse, decided(variantId));
        return await store.handle(
          { type: "ReceiveStock", variantId, quantity },
          requestCause("ReceiveStock", requestId, call),
          answer,
        );
      },
    },
    {
      batchGetVariants: everyone,
      searchVariants: everyone,
      createVariant: ["operator"],
      updateVariant: ["operator"],
      receiveStock: ["operator"],
    },
  );
}
