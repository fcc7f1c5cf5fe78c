// Who comes to the gateway in the stories, and what each of them does there: buyers and the shop's operator.
import { openClient, type Schemas } from "@quadrille/client";
import type { Stack } from "./stack.ts";
import { toldFetch } from "./told-fetch.ts";

export type Order = Schemas["Order"];
export type OrderStatus = Order["status"];
export type Payment = Schemas["Payment"];

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

export interface Wish {
  /** Units of one product; everything in the cart when left out. */
  readonly units?: Line;
  readonly points: number;
  /** What the buyer was shown, minor units. */
  readonly due: number;
  /** The longest there is when left out. */
  readonly payWithinSeconds?: number;
}

export type Buyer = Awaited<ReturnType<typeof buyerAt>>;
export type Operator = Awaited<ReturnType<typeof operatorAt>>;

type Door = Pick<Stack, "keys" | "gatewayUrl">;
type Tell = (line: string) => void;

export async function buyerAt({ keys, gatewayUrl }: Door, memberId: string, tell: Tell) {
  const token = await keys.mintToken({ sub: memberId, role: "member", ttlS: 86_400 });
  const { GET, POST, PATCH, DELETE, watchOrder } = visit(gatewayUrl, token, tell);
  const of = (orderId: string) => ({ params: { path: { orderId } } });
  return {
    addLine: async (body: Line) => void (await POST("/v1/cart/lines", { body })),
    changeLine: async ({ productId, quantity }: Line) =>
      void (await PATCH("/v1/cart/lines/{productId}", {
        params: { path: { productId } },
        body: { quantity },
      })),
    clearCart: async () => void (await DELETE("/v1/cart")),
    cart: async () => (await GET("/v1/cart")).data,
    place: async (wish: Wish) => (await POST("/v1/orders", { body: newOrder(wish) })).data,
    cancel: async (orderId: string) => void (await POST("/v1/orders/{orderId}/cancel", of(orderId))),
    order: async (orderId: string) => (await GET("/v1/orders/{orderId}", of(orderId))).data,
    orders: async () => (await GET("/v1/orders")).data.orders,
    /** Every change of an order from its first on; ends when nothing can change any more, fails when the signal aborts. */
    changes: (orderId: string, signal: AbortSignal) => watchOrder(orderId, { signal }),
    /** `amount` in minor units; the key makes a repetition the same request. */
    confirm: async (orderId: string, paymentKey: string, amount: number, key: string) => {
      const request = { ...of(orderId), body: { paymentKey, amount }, headers: { "Idempotency-Key": key } };
      return (await POST("/v1/orders/{orderId}/payment/confirm", request)).data;
    },
    payment: async (orderId: string) => (await GET("/v1/orders/{orderId}/payment", of(orderId))).data,
    product: async (productId: string) =>
      (await GET("/v1/products/{productId}", { params: { path: { productId } } })).data,
    me: async () => (await GET("/v1/me")).data,
  };
}

export async function operatorAt({ keys, gatewayUrl }: Door, name: string, tell: Tell) {
  const token = await keys.mintToken({ sub: name, role: "operator", ttlS: 86_400 });
  const { POST } = visit(gatewayUrl, token, tell);
  return {
    addProduct: async (id: string, title: string, price: number) =>
      void (await POST("/v1/operator/products", { body: { id, title, price, onSale: true } })),
    receive: async ({ productId, quantity }: Line) =>
      void (await POST("/v1/operator/products/{productId}/receipts", {
        params: { path: { productId } },
        body: { quantity },
      })),
    addMember: async (memberId: string, name: string) =>
      void (await POST("/v1/operator/members", { body: { memberId, name } })),
    adjustPoints: async (memberId: string, points: number, note: string) =>
      void (await POST("/v1/operator/members/{memberId}/points", {
        params: { path: { memberId } },
        body: { points, note },
      })),
  };
}

/** A story shows each answer as it comes, so nothing is asked again behind its back. */
function visit(baseUrl: string, token: string, tell: Tell) {
  return openClient({ baseUrl, token, triesMost: 1, fetch: toldFetch(onceEach(tell)) });
}

/** What is asked again and again is told once, until the answer is another. */
function onceEach(tell: Tell): Tell {
  let last = "";
  return (line) => {
    if (line !== last) tell(`    ${line}`);
    last = line;
  };
}

function newOrder({ units, points, due, payWithinSeconds }: Wish) {
  return {
    ...(units === undefined ? { cart: true as const } : { lines: [units] }),
    points,
    expectedAmountDue: due,
    method: "CARD" as const,
    ...(payWithinSeconds !== undefined && { payWithinSeconds }),
  };
}
