// What must hold when nothing is left to happen: every law of the audit, and nothing twice, too early or too late.
import { judgeAll } from "@quadrille/audit";
import { services } from "@quadrille/contracts/events";
import { booksOf } from "./books.ts";
import type { Told } from "./buyer.ts";
import type { World } from "./world.ts";

export function check(world: World, { accepted }: Told): string[] {
  const orderIds = new Set([...accepted.values()].map(({ orderId }) => orderId));
  const verdicts = judgeAll(booksOf(world), { atRest: true, graceMs: 0, accepted: orderIds });
  const findings = verdicts.flatMap(({ findings: found }) => found);
  const broken = findings.map(({ law, sentence }) => `${law}: ${sentence}`);
  return [...broken, ...repeats(world), ...tooEarly(world), ...tooLate(world)];
}

/** A fact is decided on once: two facts of one kind about one order cannot both follow from it. */
function repeats({ databases }: World): string[] {
  const found: string[] = [];
  const heard = new Set(services.flatMap((service) => [...databases[service].outbox.rows.keys()]));
  for (const service of services) {
    const followed = new Set<string>();
    for (const { envelope } of databases[service].outbox.rows.values()) {
      const { causationId, type, aggregateId } = envelope;
      if (!heard.has(causationId)) continue; // Of a request or a timer.
      const step = `${type} of ${aggregateId} by ${causationId}`;
      if (followed.has(step)) found.push(`I8: ${service} was led to ${step} twice`);
      followed.add(step);
    }
  }
  return found;
}

/** Nobody may pay for what is not held yet. */
function tooEarly({ databases, skewMs }: World): string[] {
  const heldAt = new Map<string, number>();
  for (const service of ["product", "member"] as const)
    for (const { envelope } of databases[service].outbox.rows.values()) {
      const { type, aggregateId, occurredAt } = envelope;
      const atMs = occurredAt.getTime() - skewMs[service];
      if (type.endsWith("_held")) heldAt.set(`${type} ${aggregateId}`, atMs);
    }
  const { order } = databases;
  const found: string[] = [];
  for (const { envelope } of order.outbox.rows.values()) {
    const { type, aggregateId: id, occurredAt } = envelope;
    if (type !== "order.payable") continue;
    const placed = order.read("orders", id);
    const wantsPoints = placed.status !== "absent" && placed.points > 0n;
    for (const held of wantsPoints ? ["product.stock_held", "member.benefits_held"] : ["product.stock_held"])
      if ((heldAt.get(`${held} ${id}`) ?? Number.POSITIVE_INFINITY) > occurredAt.getTime() - skewMs.order)
        found.push(`I6: order ${id} was payable before ${held}`);
  }
  return found;
}

/** A deadline binds whatever comes after it, however long nobody looked. */
function tooLate({ databases: { order, payment } }: World): string[] {
  const found: string[] = [];
  for (const { envelope } of order.outbox.rows.values()) {
    const { type, aggregateId: id, occurredAt } = envelope;
    const placed = order.read("orders", id);
    if (type === "order.payable" && placed.status !== "absent" && occurredAt >= placed.pendingUntil)
      found.push(`I12: order ${id} became payable when its time to be held was over`);
  }
  for (const [id, { state }] of payment.rows.payments) {
    const { attempt, payBy } = state.status === "absent" ? {} : state;
    if (attempt !== undefined && payBy !== undefined && attempt.startedAt >= payBy)
      found.push(`I12: order ${id} was paid for when its time to be paid was over`);
  }
  return found;
}
