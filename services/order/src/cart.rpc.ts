// Carts over gRPC. Looking at one never fails for want of the product service; changing one does, with a clear word.
import {
  AddCartLineResponse,
  type CartLine,
  ChangeCartLineResponse,
  ClearCartResponse,
  type GetCartResponse,
  RemoveCartLineResponse,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal, type Rows, row } from "@quadrille/decider";
import { type Call, fields } from "@quadrille/rpc";
import { memberOf, reply, requestCause } from "@quadrille/rpc/request";
import { type LineProblem, quantityMost, type WantedLine } from "./cart.ts";
import type { OrderTables } from "./decider.ts";
import type { Shop } from "./placing.ts";
import { problemOf, type VariantData } from "./quote.ts";

/** Refusals that say nothing about the variants, nor about the caller. */
const cannotAsk: ReadonlySet<string> = new Set(["PRODUCT_UNAVAILABLE", "OVERLOADED"]);

interface LineRequest {
  readonly requestId: string;
  readonly variantId: string;
}

export function cartMethods({ store, lookUps, currency }: Shop) {
  /** Why the variant may not be put into a cart. It is part of the input, so that a repeated request gets its old answer. */
  async function lineProblem(variantId: string, signal: AbortSignal): Promise<LineProblem> {
    const variants = await variantsUnless((refusal) => cannotAsk.has(refusal.code), [variantId], signal);
    if (variants === undefined) return "PRODUCT_UNAVAILABLE";
    const problem = problemOf({ variantId, quantity: 0 }, variants.get(variantId));
    return problem === "OUT_OF_STOCK" ? "" : problem; // How much there is is the order's question.
  }

  /** Undefined when product refused in a way that is `expected`; the caller's own end is none of product's refusals. */
  async function variantsUnless(
    expected: (refusal: Refusal) => boolean,
    ids: readonly string[],
    signal: AbortSignal,
  ) {
    try {
      return ids.length === 0 ? new Map<string, VariantData>() : await lookUps.variants(ids, signal);
    } catch (error) {
      if (!signal.aborted && error instanceof Refusal && expected(error)) return undefined;
      throw error;
    }
  }

  return {
    async getCart(_request: unknown, call: Call): Promise<GetCartResponse> {
      const cart = await store.cart(memberOf(call.caller, ""));
      const variants = await variantsUnless(
        () => true, // Whatever is wrong over there, what is in the cart can be shown.
        cart.lines.map((line) => line.variantId),
        call.signal,
      );
      const lines = cart.lines.map((line) => toLine(line, variants));
      const subtotal = lines.reduce((sum, line) => {
        return line.problem === "" ? sum + (line.unitPrice ?? 0n) * BigInt(line.quantity) : sum;
      }, 0n);
      return { cart: { lines, version: BigInt(cart.version), subtotal, currency } };
    },
    async addCartLine(request: LineRequest & { readonly quantity: number }, call: Call) {
      const { requestId, memberId, line } = readLine(request, call);
      const problem = await lineProblem(line.variantId, call.signal);
      const cause = requestCause("AddCartLine", requestId, call);
      return await store.handle(
        { type: "AddCartLine", memberId, line, problem },
        cause,
        reply(AddCartLineResponse, versionOf(memberId)),
      );
    },
    async changeCartLine(request: LineRequest & { readonly quantity: number }, call: Call) {
      const { requestId, memberId, line } = readLine(request, call);
      const problem = await lineProblem(line.variantId, call.signal);
      const cause = requestCause("ChangeCartLine", requestId, call);
      return await store.handle(
        { type: "ChangeCartLine", memberId, line, problem },
        cause,
        reply(ChangeCartLineResponse, versionOf(memberId)),
      );
    },
    async removeCartLine(request: LineRequest, call: Call) {
      const read = fields();
      const requestId = read.requestId(request.requestId);
      const variantId = read.id("variant_id", request.variantId);
      read.done();
      const memberId = memberOf(call.caller, "");
      const cause = requestCause("RemoveCartLine", requestId, call);
      return await store.handle(
        { type: "RemoveCartLine", memberId, variantId },
        cause,
        reply(RemoveCartLineResponse, versionOf(memberId)),
      );
    },
    async clearCart(request: { readonly requestId: string }, call: Call) {
      const read = fields();
      const requestId = read.requestId(request.requestId);
      read.done();
      const memberId = memberOf(call.caller, "");
      const cause = requestCause("ClearCart", requestId, call);
      return await store.handle(
        { type: "ClearCart", memberId },
        cause,
        reply(ClearCartResponse, versionOf(memberId)),
      );
    },
  };
}

function readLine(request: LineRequest & { readonly quantity: number }, call: Call) {
  const read = fields();
  const requestId = read.requestId(request.requestId);
  const variantId = read.id("variant_id", request.variantId);
  const quantity = read.integer("quantity", request.quantity, { min: 1, max: quantityMost });
  read.done();
  return { requestId, memberId: memberOf(call.caller, ""), line: { variantId, quantity } };
}

function versionOf(memberId: string) {
  return (rows: Rows<OrderTables>) => ({ cartVersion: BigInt(row(rows.carts, memberId).version) });
}

function toLine(line: WantedLine, variants: ReadonlyMap<string, VariantData> | undefined): CartLine {
  if (variants === undefined) return { ...line, problem: "PRODUCT_UNAVAILABLE" };
  const variant = variants.get(line.variantId);
  const problem = problemOf(line, variant);
  return variant === undefined
    ? { ...line, problem }
    : { ...line, title: variant.title, unitPrice: variant.price, problem };
}
