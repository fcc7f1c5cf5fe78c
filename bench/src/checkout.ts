// One checkout as a buyer's client makes it: place, watch until payable, pay, watch until confirmed.
import { setTimeout as pause } from "node:timers/promises";
import {
  type OrderChange,
  OrderServiceService,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { isTransient, type RefusalCode } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { client } from "@quadrille/rpc";
import type { CheckOut } from "./closed-loop.ts";
import { PaymentWindow } from "./payment-window.ts";

/** Everything buyers need to know, in a form that can be sent to another process. */
export interface Market {
  readonly orderAddress: string;
  readonly paymentAddress: string;
  readonly providerUrl: string;
  /** A token for each member. */
  readonly tokens: readonly string[];
  readonly variants: readonly { readonly variantId: string; readonly price: bigint }[];
}

export interface Shop extends AsyncDisposable {
  /** Resolves when the buyer has seen the order confirmed. Rejects when anything else happened. */
  checkOut: CheckOut;
}

export const pointsUsed = 100n;
const confirmedMsMax = 30_000;
const triesMost = 20;
const repeatAfterMs = 50;

export async function openShop(market: Market): Promise<Shop> {
  await using opening = new AsyncDisposableStack();
  const config = (address: string) => ({ address, token: () => "", deadlineMs: 10_000 });
  const orders = opening.use(await client(OrderServiceService, config(market.orderAddress)));
  const payments = opening.use(await client(PaymentServiceService, config(market.paymentAddress)));
  const window = new PaymentWindow(market.providerUrl);
  const open = opening.move();
  return {
    async checkOut(onRepeat) {
      const token = any(market.tokens);
      const wanted = twoOf(market.variants);
      const request = {
        requestId: crypto.randomUUID(),
        source: {
          $case: "lines",
          value: { lines: wanted.map(({ variantId }) => ({ variantId, quantity: 1 })) },
        },
        points: pointsUsed,
        expectedAmountDue: wanted.reduce((sum, { price }) => sum + price, -pointsUsed),
        method: "PAYMENT_METHOD_CARD",
        payWithinSeconds: 0,
      } as const;
      const { order } = await patiently(() => orders.placeOrder(request, { token }), onRepeat);
      if (order === undefined) throw new Error("an order was placed without an answer");
      const { orderId, amountDue: amount } = order;
      // What a person does in the provider's window is no work of the system: it is done by the time the order is payable.
      const paymentKey = window.pay(orderId, amount);
      const changes = orders.watchOrder({ orderId, afterChange: 0 }, { token, deadlineMs: confirmedMsMax });
      const confirmed = Promise.withResolvers<void>();
      const watch = async () => {
        let confirming: Promise<unknown> = Promise.resolve();
        let last: OrderChange | undefined;
        for await (const { change } of changes) {
          last = change;
          if (change?.status === "ORDER_STATUS_PAYABLE") {
            confirming = paymentKey.then((key) => {
              const paying = { requestId: crypto.randomUUID(), orderId, paymentKey: key, amount };
              return patiently(() => payments.confirmPayment(paying, { token }), onRepeat);
            });
            confirming.catch(confirmed.reject);
          }
          if (change?.status === "ORDER_STATUS_CONFIRMED")
            confirming.then(() => confirmed.resolve(), confirmed.reject);
          if (change?.status === "ORDER_STATUS_CANCELLED")
            throw new Error(`order ${orderId} was cancelled: ${change.reason}`);
        }
        if (last?.status !== "ORDER_STATUS_CONFIRMED")
          throw new Error(`the watch of order ${orderId} ended at ${last?.status}`);
      };
      // Watched to its end, which comes a moment after: a server takes a client that cancels many streams for an attack.
      watch().catch(confirmed.reject);
      await confirmed.promise;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Does again what may be done again, with the same request id, as any client should. */
async function patiently<T>(ask: () => Promise<T>, onRepeat: () => void): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const isWorthIt = error instanceof Refusal && isTransient(error.code as RefusalCode);
      if (!isWorthIt || tries === triesMost) throw error;
      onRepeat();
      await pause(repeatAfterMs * tries);
    }
  }
}

export function any<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)] as T;
}

/** Two different ones, each as likely as any other. */
export function twoOf<T>(all: readonly T[]): readonly [T, T] {
  const first = Math.floor(Math.random() * all.length);
  const second = (first + 1 + Math.floor(Math.random() * (all.length - 1))) % all.length;
  return [all[first] as T, all[second] as T];
}
