// Who comes to the gateway in the stories, and what each of them does there: buyers and the shop's operator.
import { setTimeout as pause } from "node:timers/promises";
import { call, events, type GatewayCaller } from "./gateway-client.ts";
import type { Stack } from "./stack.ts";

export type OrderStatus = "PENDING" | "PAYABLE" | "CANCELLING" | "CONFIRMED" | "CANCELLED";

export interface Money {
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
}

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

export interface Order {
  readonly orderId: string;
  readonly status: OrderStatus;
  /** Why it was cancelled. */
  readonly reason?: string;
  readonly amountDue: Money;
}

export interface Cart {
  readonly lines: readonly (Line & { readonly problem?: string })[];
  readonly subtotal: Money;
}

export interface Payment {
  readonly status: string;
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

export interface Buyer {
  addLine(line: Line): Promise<void>;
  changeLine(line: Line): Promise<void>;
  clearCart(): Promise<void>;
  cart(): Promise<Cart>;
  place(wish: Wish): Promise<Order>;
  cancel(orderId: string): Promise<void>;
  order(orderId: string): Promise<Order>;
  orders(): Promise<readonly Order[]>;
  /** Every status of an order from its first on; ends when nothing can change any more, fails when the signal aborts. */
  statuses(orderId: string, signal: AbortSignal): AsyncIterable<OrderStatus>;
  /** `amount` in minor units; the key makes a repetition the same request. */
  confirm(orderId: string, paymentKey: string, amount: number, key: string): Promise<Payment>;
  payment(orderId: string): Promise<Payment>;
  /** Units of it that can be ordered. */
  stockOf(productId: string): Promise<number>;
  /** Points that can be spent. */
  points(): Promise<number>;
}

export interface Operator {
  addProduct(product: { readonly id: string; readonly title: string; readonly price: number }): Promise<void>;
  receive(line: Line): Promise<void>;
  addMember(memberId: string, name: string): Promise<void>;
  adjustPoints(memberId: string, points: number, note: string): Promise<void>;
}

type Door = Pick<Stack, "keys" | "gatewayUrl">;
const reconnectMs = 1_000;
type Tell = (line: string) => void;

export async function buyerAt(door: Door, memberId: string, tell: Tell): Promise<Buyer> {
  const me = caller(door, await door.keys.mintToken({ sub: memberId, role: "member", ttlS: 86_400 }), tell);
  const cartLine = ({ productId }: Line) => `/v1/cart/lines/${productId}`;
  return {
    addLine: async (line) => void (await call(me, "POST", "/v1/cart/lines", { body: line })),
    changeLine: async (line) =>
      void (await call(me, "PATCH", cartLine(line), { body: { quantity: line.quantity } })),
    clearCart: async () => void (await call(me, "DELETE", "/v1/cart")),
    cart: () => call(me, "GET", "/v1/cart"),
    place: (wish) => call(me, "POST", "/v1/orders", { body: newOrder(wish) }),
    cancel: async (orderId) => void (await call(me, "POST", `/v1/orders/${orderId}/cancel`)),
    order: (orderId) => call(me, "GET", `/v1/orders/${orderId}`),
    orders: async () => (await call<{ orders: Order[] }>(me, "GET", "/v1/orders")).orders,
    statuses: (orderId, signal) => statuses(me, orderId, signal),
    confirm: (orderId, paymentKey, amount, key) =>
      call(me, "POST", `/v1/orders/${orderId}/payment/confirm`, { body: { paymentKey, amount }, key }),
    payment: (orderId) => call(me, "GET", `/v1/orders/${orderId}/payment`),
    stockOf: async (productId) =>
      (await call<{ available: number }>(me, "GET", `/v1/products/${productId}`)).available,
    points: async () => (await call<{ points: { available: number } }>(me, "GET", "/v1/me")).points.available,
  };
}

export async function operatorAt(door: Door, name: string, tell: Tell): Promise<Operator> {
  const me = caller(door, await door.keys.mintToken({ sub: name, role: "operator", ttlS: 86_400 }), tell);
  const post = async (path: string, body: object) =>
    void (await call(me, "POST", `/v1/operator${path}`, { body }));
  return {
    addProduct: (product) => post("/products", { ...product, onSale: true }),
    receive: ({ productId, quantity }) => post(`/products/${productId}/receipts`, { quantity }),
    addMember: (memberId, name) => post("/members", { memberId, name }),
    adjustPoints: (memberId, points, note) => post(`/members/${memberId}/points`, { points, note }),
  };
}

/** A stream that ends before everything did is taken up where it was cut, as a browser does. */
async function* statuses(
  me: GatewayCaller,
  orderId: string,
  signal: AbortSignal,
): AsyncGenerator<OrderStatus> {
  let lastSeen: string | undefined;
  for (;;) {
    for await (const { event, id, data } of events(me, `/v1/orders/${orderId}/events`, {
      signal,
      lastSeen,
    })) {
      if (event === "end") return;
      lastSeen = id;
      yield (JSON.parse(data) as { readonly status: OrderStatus }).status;
    }
    await pause(reconnectMs, undefined, { signal });
  }
}

/** What is asked again and again is said once, until the answer is another. */
function caller({ gatewayUrl }: Door, token: string, tell: Tell): GatewayCaller {
  let last = "";
  return {
    url: gatewayUrl,
    token,
    told(line) {
      if (line !== last) tell(`    ${line}`);
      last = line;
    },
  };
}

function newOrder({ units, points, due, payWithinSeconds }: Wish): object {
  return {
    ...(units === undefined ? { cart: true } : { lines: [units] }),
    points,
    expectedAmountDue: due,
    method: "CARD",
    payWithinSeconds, // Left out of the JSON when undefined.
  };
}
