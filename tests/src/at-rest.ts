// Waits until nothing is on its way: each fact told was published and stands in the inbox of everyone it is for.
import { events, type Service, services } from "@quadrille/contracts/events";
import type { System } from "./system.ts";
import { until } from "./until.ts";

const heardBy: ReadonlyMap<string, readonly Service[]> = new Map(
  Object.values(events).map((kind) => [kind.type, kind.heardBy]),
);

export async function untilAtRest(system: System): Promise<void> {
  const look = () => onTheirWay(system);
  await until("every fact was published and heard", look, (facts) => facts.length === 0);
}

/**
 * The inboxes are read first: what is told while this goes on is then found unheard. The other way round a fact told
 * after its teller's outbox was read would be missed, and facts on their way would look like facts at rest.
 */
async function onTheirWay({ query }: System): Promise<readonly string[]> {
  const inboxes = new Map<Service, ReadonlySet<string>>();
  for (const hearer of services) {
    const rows = await query<{ fact_id: string }>(hearer, "select fact_id from inbox");
    inboxes.set(hearer, new Set(rows.map((row) => row.fact_id)));
  }
  const found: string[] = [];
  for (const teller of services) {
    const rows = await query<{ id: string; type: string; at: string | null }>(
      teller,
      "select id, type, published_at as at from outbox",
    );
    for (const { id, type, at } of rows) {
      if (at === null) found.push(`${teller} did not publish ${id}`);
      for (const hearer of heardBy.get(type) ?? [])
        if (!inboxes.get(hearer)?.has(id)) found.push(`${hearer} did not hear ${type} ${id}`);
    }
  }
  return found;
}
