// Accepts an order: asks what it needs to know, prices it, and has it decided. Asked twice, it is placed once.
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { Refusal, row } from "@quadrille/decider";
import { v5 } from "uuid";
import type { WantedLine } from "./cart.ts";
import type { LookUps } from "./look-ups.ts";
import type { OrderStore } from "./order.store.ts";
import type { Order, PlacedOrder, Policy } from "./order.ts";
import { assertDistinct, quote } from "./quote.ts";

/** Order ids are derived in this namespace, so that a repeated request finds the order it made. */
const orderNamespace = "5d3a7f0e-6c1b-4b0e-9f43-2f1d6a9c8e57";

export interface Placing {
  readonly memberId: string;
  readonly memberToken: string;
  readonly requestId: string;
  /** Over the request as it was sent. */
  readonly requestHash: string;
  /** The lines wanted, or everything in the cart. */
  readonly source: readonly WantedLine[] | "cart";
  readonly points: bigint;
  readonly expectedAmountDue: bigint;
  readonly method: PaymentMethod;
  readonly payWithinSeconds: number;
  readonly traceparent: string | undefined;
}

export interface Shop {
  readonly store: OrderStore;
  readonly lookUps: LookUps;
  readonly policy: Policy;
  readonly currency: string;
  /** What the payment provider charges at the least, in minor units. */
  readonly minimumCharge: bigint;
  /** Whether the broker keeps up: an order nobody hears of would only run into its deadline. */
  isAccepting(): boolean;
}

/**
 * Resolves with the order as it was placed. Refuses as `quote` does, and with ORDER_EMPTY, DUPLICATE_LINE, CART_EMPTY,
 * CART_CHANGED, OVERLOADED, REQUEST_ID_REUSED or the look-ups' refusals; nothing was placed then.
 */
export async function placeOrder(shop: Shop, wish: Placing, signal: AbortSignal): Promise<PlacedOrder> {
  const orderId = v5(`${wish.memberId}\n${wish.requestId}`, orderNamespace);
  const before = placedBefore(await shop.store.order(orderId), wish);
  if (before !== undefined) return before;
  try {
    return await place(shop, orderId, wish, signal);
  } catch (error) {
    // The same request may have been placed meanwhile: then its own order is why there is no stock, or no cart.
    const meanwhile = placedBefore(await shop.store.order(orderId), wish);
    if (meanwhile !== undefined) return meanwhile;
    throw error;
  }
}

async function place(
  { store, lookUps, policy, currency, minimumCharge, isAccepting }: Shop,
  orderId: string,
  wish: Placing,
  signal: AbortSignal,
) {
  if (!isAccepting()) throw new Refusal("OVERLOADED");
  const cart = wish.source === "cart" ? await store.cart(wish.memberId) : undefined;
  const wanted = wish.source === "cart" ? (cart?.lines ?? []) : wish.source;
  if (wanted.length === 0) throw new Refusal(wish.source === "cart" ? "CART_EMPTY" : "ORDER_EMPTY");
  assertDistinct(wanted);
  const [variants, owned] = await Promise.all([
    lookUps.variants(
      wanted.map((line) => line.variantId),
      signal,
    ),
    lookUps.pointsOwned(wish.memberToken, signal),
  ]);
  const { memberId, requestId, requestHash, method, payWithinSeconds, expectedAmountDue, traceparent } = wish;
  const points = { used: wish.points, owned };
  const quoted = quote(wanted, variants, points, { expectedAmountDue, minimumCharge });
  return await store.handle(
    {
      type: "PlaceOrder",
      orderId,
      memberId,
      requestHash,
      quote: quoted,
      currency,
      method,
      payWithinSeconds,
      cartVersion: cart?.version,
      policy,
    },
    { kind: "own", id: requestId, traceparent },
    { of: (rows) => assertPlaced(row(rows.orders, orderId)) },
  );
}

function placedBefore(order: Order, { requestHash }: Placing): PlacedOrder | undefined {
  if (order.status === "absent") return undefined;
  if (order.requestHash !== requestHash) throw new Refusal("REQUEST_ID_REUSED");
  return order;
}

function assertPlaced(order: Order): PlacedOrder {
  if (order.status === "absent") throw new Error("an order that was placed is not absent");
  return order;
}
