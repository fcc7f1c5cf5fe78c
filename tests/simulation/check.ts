// What must hold when nothing is left to happen: every law of the audit, nothing twice, and everything at its moment.
import { judgeAll } from "@quadrille/audit";
import { services } from "@quadrille/contracts/events";
import { booksOf } from "./books.ts";
import type { Told } from "./buyer.ts";
import { checkMoments } from "./moments.ts";
import type { World } from "./world.ts";

export function check(world: World, { accepted }: Told): string[] {
  const orderIds = new Set([...accepted.values()].map(({ orderId }) => orderId));
  const verdicts = judgeAll(booksOf(world), { atRest: true, graceMs: 0, accepted: orderIds });
  const findings = verdicts.flatMap(({ findings: found }) => found);
  const broken = findings.map(({ law, sentence }) => `${law}: ${sentence}`);
  return [...broken, ...repeats(world), ...checkMoments(world)];
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
