// Orders about to be paid, what everyone keeps of them while nobody knows whether they were, and how they end.
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "@quadrille/contracts/events";
import type { Clients } from "@quadrille/stack/clients";
import { accountOf } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { type Authorisation, endOf, place } from "./buying.ts";
import { statusesOf, untilOpened } from "./statuses.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";

/** An order that payment has opened, whose buyer agreed to pay it in two of the provider's windows. */
export interface Doubtful extends Authorisation {
  readonly otherKey: string;
}

export const idsOf = (orders: readonly Doubtful[]) => orders.map(({ orderId }) => orderId);

/** Places that many orders of one unit at 1,000 with 100 points, and has their buyer agree to pay the rest. */
export async function placeDoubtful(
  system: System,
  buyer: Clients,
  count: number,
  { sku, payWithinSeconds = 0 }: { readonly sku: string; readonly payWithinSeconds?: number },
): Promise<Doubtful[]> {
  const placing = Array.from({ length: count }, async () => {
    const wish = { lines: { [sku]: 1 }, points: 100n, due: 900n, payWithinSeconds };
    const { orderId, amountDue: amount } = await place(buyer, wish);
    const agree = () => payInWindow(system.stack.providerUrl, orderId, amount);
    const [{ paymentKey }, { paymentKey: otherKey }] = [await agree(), await agree()];
    await untilOpened(system, orderId);
    return { orderId, amount, paymentKey, otherKey };
  });
  return await Promise.all(placing);
}

/** All of these orders' windows closed at least a second ago, by the order service's own clock. */
export async function untilPastPayBy({ query }: System, orderIds: readonly string[]): Promise<void> {
  await until("every pay window is over", async () => {
    const [row] = await query<{ open: string }>(
      "order",
      `select count(*) as open from orders
       where order_id = any($1) and pay_by > clock_timestamp() - interval '1 second'`,
      [orderIds],
    );
    return row?.open === "0";
  });
}

export interface Watch {
  /** Ends it. Whatever was let go, decided or lost while it lasted, and how often it looked. */
  stop(): Promise<{ readonly losses: readonly string[]; readonly looks: number }>;
}

/** While a payment is in doubt its order keeps everything and is neither confirmed nor cancelled; looks all the time. */
export function watchDoubts(system: System, orderIds: readonly string[]): Watch {
  const losses = new Set<string>();
  const allowed: Readonly<Record<Service, readonly string[]>> = {
    order: ["payable", "cancelling"],
    product: ["held"],
    member: ["held"],
    payment: ["ready", "confirming", "unknown"],
  };
  let looks = 0;
  let isOver = false;
  const look = async (service: Service) => {
    const found = await statusesOf(system, service, orderIds);
    const isKept = allowed[service].reduce((sum, status) => sum + (found[status] ?? 0), 0);
    if (isKept !== orderIds.length) losses.add(`${service} has ${JSON.stringify(found)}`);
  };
  const watching = (async () => {
    while (!isOver) {
      await Promise.all((Object.keys(allowed) as Service[]).map(look));
      looks += 1;
      await pause(100);
    }
  })();
  watching.catch(() => {}); // Told by stop.
  return {
    async stop() {
      isOver = true;
      await watching;
      return { losses: [...losses], looks };
    },
  };
}

/** How an order ended, and what became of the money: `CONFIRMED, 1 captures, 0 refunds, 900 kept`. */
export async function endWithMoneyOf({ stack }: System, buyer: Clients, orderId: string): Promise<string> {
  const end = await endOf(buyer, orderId);
  const { captures, refunds, captured, refunded } = await accountOf(stack.providerUrl, orderId);
  return `${end}, ${captures} captures, ${refunds} refunds, ${captured - refunded} kept`;
}

/** The same for many: how often each end. */
export async function endsWithMoneyOf(
  system: System,
  buyer: Clients,
  orders: readonly Doubtful[],
): Promise<Readonly<Record<string, number>>> {
  const ends = await Promise.all(orders.map(({ orderId }) => endWithMoneyOf(system, buyer, orderId)));
  const groups = Map.groupBy(ends, (end) => end);
  return Object.fromEntries([...groups].map(([end, { length }]) => [end, length]));
}
