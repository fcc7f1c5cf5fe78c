// Orders about to be paid, what everyone keeps of them while nobody knows whether they were, and how they end.
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "@quadrille/contracts/events";
import type { Payment } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import type { Clients } from "@quadrille/stack/clients";
import { payInWindow } from "@quadrille/stack/provider-window";
import { accountOf } from "./audit-money.ts";
import { newRequestId, orderRequest, patiently } from "./buying.ts";
import type { System } from "./system.ts";

const patienceMs = 30_000;

/** An order that payment has opened, whose buyer agreed to pay it in two of the provider's windows. */
export interface Doubtful {
  readonly orderId: string;
  readonly amount: bigint;
  readonly paymentKey: string;
  readonly otherKey: string;
}

export const idsOf = (orders: readonly Doubtful[]) => orders.map(({ orderId }) => orderId);

/** Asks until it is so, and fails with what is instead. */
export async function until(what: string, isSo: () => Promise<boolean>, ms = patienceMs): Promise<void> {
  const giveUpAt = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`after ${ms} ms it is still not so that ${what}`);
    await pause(50);
  }
}

/** Places that many orders of one unit at 1,000 with 100 points, and has their buyer agree to pay the rest. */
export async function placeDoubtful(
  system: System,
  buyer: Clients,
  count: number,
  { sku, payWithinSeconds = 0 }: { readonly sku: string; readonly payWithinSeconds?: number },
): Promise<Doubtful[]> {
  const placing = Array.from({ length: count }, async () => {
    const request = { ...orderRequest({ lines: { [sku]: 1 }, points: 100n, due: 900n }), payWithinSeconds };
    const { order } = await patiently(() => buyer.orders.placeOrder(request));
    if (order === undefined) throw new Error("an order was placed without an answer");
    const { orderId, amountDue: amount } = order;
    const agree = () => payInWindow(system.stack.providerUrl, orderId, amount);
    const [{ paymentKey }, { paymentKey: otherKey }] = [await agree(), await agree()];
    await until(`payment has opened ${orderId}`, async () => {
      return (await statusesOf(system, "payment", [orderId])).ready === 1;
    });
    return { orderId, amount, paymentKey, otherKey };
  });
  return await Promise.all(placing);
}

export async function confirm(
  { payments }: Clients,
  { orderId, amount, paymentKey }: Doubtful,
): Promise<Payment> {
  const { payment } = await payments.confirmPayment({
    requestId: newRequestId(),
    orderId,
    paymentKey,
    amount,
  });
  if (payment === undefined) throw new Error("a payment was confirmed without an answer");
  return payment;
}

const tables = { order: "orders", product: "holds", member: "holds", payment: "payments" } as const;

/** How many of these orders are how, in a service's own words: `{ held: 12 }`. */
export async function statusesOf(
  { query }: System,
  service: Service,
  orderIds: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const rows = await query<{ status: string; count: string }>(
    service,
    `select status, count(*) from ${tables[service]} where order_id = any($1) group by status`,
    [orderIds],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
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

/** Waits until nothing more can change: `CONFIRMED, 1 captures, 0 refunds, 900 kept`. */
export async function endOf(system: System, buyer: Clients, orderId: string): Promise<string> {
  let end = "";
  await until(`order ${orderId} has ended`, async () => {
    const { order } = await patiently(() => buyer.orders.getOrder({ orderId, memberId: "" }));
    end = [order?.status.replace("ORDER_STATUS_", ""), order?.reason].filter(Boolean).join(" ");
    return order?.settled === true;
  });
  const { captures, refunds, captured, refunded } = await accountOf(system, orderId);
  return `${end}, ${captures} captures, ${refunds} refunds, ${captured - refunded} kept`;
}

/** The same for many, each end once. */
export async function endsOf(
  system: System,
  buyer: Clients,
  orders: readonly Doubtful[],
): Promise<Readonly<Record<string, number>>> {
  const ends = await Promise.all(orders.map(({ orderId }) => endOf(system, buyer, orderId)));
  const groups = Map.groupBy(ends, (end) => end);
  return Object.fromEntries([...groups].map(([end, { length }]) => [end, length]));
}
