// What must hold when nothing is left to happen: every law of the audit, and no step of an order that is none.
import { judgeAll } from "@quadrille/audit";
import { booksOf } from "./books.ts";
import type { Told } from "./buyer.ts";
import type { World } from "./world.ts";

export function check(world: World, { accepted }: Told): string[] {
  const orderIds = new Set([...accepted.values()].map(({ orderId }) => orderId));
  const verdicts = judgeAll(booksOf(world), { atRest: true, graceMs: 0, accepted: orderIds });
  const findings = verdicts.flatMap(({ findings: found }) => found);
  return [...findings.map(({ law, sentence }) => `${law}: ${sentence}`), ...steps(world)];
}

/** What an order may tell after what it told last; it goes on from "" when it was told of before it was placed. */
const after: Readonly<Record<string, readonly string[]>> = {
  "": ["order.placed", "order.confirmation_failed"],
  "order.placed": ["order.payable", "order.cancelled", "order.confirmation_failed"],
  "order.payable": ["order.confirmed", "order.cancel_requested", "order.cancelled"],
  "order.cancel_requested": ["order.cancel_requested", "order.confirmed", "order.cancelled"],
  "order.confirmed": ["order.cancelled"],
  "order.cancelled": ["order.confirmation_failed"],
};

/** Orders go on and never back; a cancelled one has no way out. */
function steps({ databases: { order } }: World): string[] {
  const lasts = new Map<string, string>();
  const found: string[] = [];
  for (const { envelope } of order.outbox.rows.values()) {
    const { aggregateId: id, type } = envelope;
    const last = lasts.get(id) ?? "";
    if (!after[last]?.includes(type)) found.push(`I10: order ${id} told ${type} after ${last || "nothing"}`);
    // Money that is refused changes nothing about the order.
    if (type !== "order.confirmation_failed") lasts.set(id, type);
  }
  return found;
}
