// What an operator puts on the shelf and what a buyer does with it, step by step.
import { setTimeout as pause } from "node:timers/promises";
import type { Order, OrderChange } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Payment } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { isRefusalCode, isTransient } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { RpcError } from "@quadrille/rpc";
import type { Clients } from "@quadrille/stack/clients";
import { payInWindow } from "@quadrille/stack/provider-window";
import type { System } from "./system.ts";
import { until } from "./until.ts";

const patienceUsualMs = 30_000;
export const newRequestId = () => crypto.randomUUID();

export interface Wish {
  /** Units by variant; everything in the cart when left out. */
  readonly lines?: Readonly<Record<string, number>>;
  readonly points?: bigint;
  readonly due: bigint;
  readonly requestId?: string;
  /** 0, or left out, takes what the order service gives everybody. */
  readonly payWithinSeconds?: number;
}

/** Lists a variant with so many units at a price. */
export async function stockVariant(
  { products }: Clients,
  variantId: string,
  { price, units }: { readonly price: bigint; readonly units: number },
): Promise<void> {
  const title = `Title of ${variantId}`;
  await products.createVariant({ requestId: newRequestId(), variantId, title, price, onSale: true });
  if (units > 0) await products.receiveStock({ requestId: newRequestId(), variantId, quantity: units });
}

export async function enrolMember({ members }: Clients, memberId: string, points: bigint): Promise<void> {
  await members.createMember({ requestId: newRequestId(), memberId, name: `Name of ${memberId}` });
  if (points === 0n) return;
  await members.adjustPoints({ requestId: newRequestId(), memberId, points, note: "a gift" });
}

export function orderRequest({
  lines,
  points = 0n,
  due,
  requestId = newRequestId(),
  payWithinSeconds = 0,
}: Wish) {
  const wanted = Object.entries(lines ?? {}).map(([variantId, quantity]) => ({ variantId, quantity }));
  return {
    requestId,
    source:
      lines === undefined
        ? ({ $case: "cart", value: {} } as const)
        : ({ $case: "lines", value: { lines: wanted } } as const),
    points,
    expectedAmountDue: due,
    method: "PAYMENT_METHOD_CARD" as const,
    payWithinSeconds,
  };
}

/** Asks again with the same request id, as any client should, while the answer is one that time alone may change. */
export async function patiently<Answer>(
  ask: () => Promise<Answer>,
  patienceMs = patienceUsualMs,
): Promise<Answer> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isWorthTrying(error) || Date.now() > until) throw error;
      await pause(200);
    }
  }
}

/** The refusals that say so, and a call that ended because nobody was there, or not in time. */
function isWorthTrying(error: unknown): boolean {
  if (error instanceof RpcError) return error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED";
  const code = error instanceof Refusal ? error.code : "";
  return code === "PAYMENT_NOT_READY" || (isRefusalCode(code) && isTransient(code));
}

/** What was said, "done" unless told, or the code it was refused with; whatever else goes wrong is thrown. */
export async function codeOf<Answer>(
  asked: Promise<Answer>,
  said: (answer: Answer) => string = () => "done",
): Promise<string> {
  try {
    return said(await asked);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

export async function place(buyer: Clients, wish: Wish, patienceMs = patienceUsualMs): Promise<Order> {
  const request = orderRequest(wish);
  const { order } = await patiently(() => buyer.orders.placeOrder(request), patienceMs);
  if (order === undefined) throw new Error("an order was placed without an answer");
  return order;
}

/** What a buyer brings from the provider's window. */
export interface Authorisation {
  readonly orderId: string;
  readonly amount: bigint;
  readonly paymentKey: string;
}

export async function confirm(
  { payments }: Clients,
  { orderId, amount, paymentKey }: Authorisation,
  requestId = newRequestId(),
): Promise<Payment> {
  const { payment } = await payments.confirmPayment({ requestId, orderId, paymentKey, amount });
  if (payment === undefined) throw new Error("a payment was confirmed without an answer");
  return payment;
}

export async function confirmPatiently(
  buyer: Clients,
  authorisation: Authorisation,
  patienceMs = patienceUsualMs,
): Promise<Payment> {
  const requestId = newRequestId();
  return await patiently(() => confirm(buyer, authorisation, requestId), patienceMs);
}

/** Pays in the provider's window and confirms; waits until the order is payable as any client does. */
export async function pay(
  system: System,
  buyer: Clients,
  order: Order,
  patienceMs = patienceUsualMs,
): Promise<Payment> {
  const { orderId, amountDue: amount } = order;
  const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
  return await confirmPatiently(buyer, { orderId, amount, paymentKey }, patienceMs);
}

/** Every change of an order after the one named, until the watch ends by itself. */
export async function watchToEnd(
  buyer: Clients,
  orderId: string,
  { afterChange = 0, ms = 20_000 } = {},
): Promise<OrderChange[]> {
  const changes: OrderChange[] = [];
  const signal = AbortSignal.timeout(ms);
  for await (const { change, snapshot } of buyer.orders.watchOrder({ orderId, afterChange }, { signal })) {
    if (change === undefined || snapshot) throw new Error(`a watch of ${orderId} told no single change`);
    changes.push(change);
  }
  return changes;
}

/** Waits until nothing about the order can change any more: `CONFIRMED`, `CANCELLED BY_MEMBER`. */
export async function endOf({ orders }: Clients, orderId: string): Promise<string> {
  const look = async () => (await patiently(() => orders.getOrder({ orderId, memberId: "" }))).order;
  const order = await until(`order ${orderId} has ended`, look, (seen) => seen?.settled === true);
  return [order?.status.replace("ORDER_STATUS_", ""), order?.reason].filter(Boolean).join(" ");
}

/** Places, pays and watches until nothing more can change. Answers with the order as it ended. */
export async function buy(system: System, buyer: Clients, wish: Wish): Promise<Order> {
  const placed = await place(buyer, wish);
  const watched = watchToEnd(buyer, placed.orderId, { ms: 60_000 });
  watched.catch(() => {}); // Awaited below, after the payment, whose failure says more.
  if (placed.amountDue > 0n) await pay(system, buyer, placed);
  await watched;
  const { order } = await buyer.orders.getOrder({ orderId: placed.orderId, memberId: "" });
  if (order === undefined) throw new Error("an order was found without an answer");
  return order;
}
