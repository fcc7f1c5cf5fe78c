// What each service says of the orders it knows: the same questions to four tables.
import type { Service } from "@quadrille/contracts/events";
import type { System } from "./system.ts";
import { until } from "./until.ts";

/** Where each service keeps its one row per order. */
export const tables = { order: "orders", product: "holds", member: "holds", payment: "payments" } as const;

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

/** An order may be payable a moment before payment has heard so. */
export async function untilOpened(system: System, orderId: string): Promise<void> {
  const look = () => statusesOf(system, "payment", [orderId]);
  await until(`payment has opened ${orderId}`, look, ({ ready }) => ready === 1);
}
