// Compares what every service, the broker and the payment provider remember, as an auditor from outside would.
//
// Nothing here uses the services' own code: sums are made in SQL over their tables. An answer of no findings is worth
// something only because a test spoils one row of each kind and sees it found.
import { events, type Service, services } from "@quadrille/contracts/events";
import { auditMoney } from "./audit-money.ts";
import { tables } from "./statuses.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";

/** Waits until every fact was published and heard, then answers with whatever does not add up; nothing is right. */
export async function audit(system: System): Promise<string[]> {
  await untilAtRest(system);
  return await findings(system);
}

/** What does not add up now, without waiting. */
export async function findings(system: System): Promise<string[]> {
  const parts = await Promise.all([
    auditStock(system),
    auditPoints(system),
    auditMoney(system),
    auditHolds(system),
    auditOutboxes(system),
    auditInboxes(system),
  ]);
  return parts.flat();
}

/** Facts are at rest when each one told has a row in every inbox that should have it, and is marked as published. */
export async function untilAtRest(system: System): Promise<void> {
  const look = async () => {
    const found = [...(await auditInboxes(system)), ...(await unpublished(system))];
    return found.filter((finding) => finding.includes(" did not "));
  };
  await until("every fact was published and heard", look, (missing) => missing.length === 0);
}

export async function auditStock({ query }: System): Promise<string[]> {
  const counted = await query<{ variant_id: string }>(
    "product",
    `with moved as (
       select variant_id,
         sum(case when destination = 'available' then quantity when origin = 'available' then -quantity else 0 end) as available,
         sum(case when destination = 'held' then quantity when origin = 'held' then -quantity else 0 end) as held,
         sum(case when destination = 'sold' then quantity when origin = 'sold' then -quantity else 0 end) as sold
       from movements group by variant_id
     ), kept as (
       select line->>'variantId' as variant_id,
         coalesce(sum((line->>'quantity')::int) filter (where status = 'held'), 0) as held,
         coalesce(sum((line->>'quantity')::int) filter (where status = 'committed'), 0) as sold
       from holds, jsonb_array_elements(lines) as line group by 1
     )
     select variant_id from variants
     full join moved using (variant_id) full join kept using (variant_id)
     where (coalesce(variants.available, 0), coalesce(variants.held, 0), coalesce(variants.sold, 0))
        is distinct from (coalesce(moved.available, 0), coalesce(moved.held, 0), coalesce(moved.sold, 0))
        or (coalesce(variants.held, 0), coalesce(variants.sold, 0))
        is distinct from (coalesce(kept.held, 0), coalesce(kept.sold, 0))`,
  );
  return counted.map((row) => `the units of ${row.variant_id} are not those of its movements and holds`);
}

export async function auditPoints({ query }: System): Promise<string[]> {
  const counted = await query<{ member_id: string }>(
    "member",
    `with moved as (
       select member_id,
         sum(case when credited = 'available' then points when debited = 'available' then -points else 0 end) as available,
         sum(case when credited = 'held' then points when debited = 'held' then -points else 0 end) as held,
         sum(case when credited = 'spent' then points when debited = 'spent' then -points else 0 end) as spent
       from transfers group by member_id
     ), kept as (
       select member_id,
         coalesce(sum(points) filter (where status = 'held'), 0) as held,
         coalesce(sum(points) filter (where status = 'spent'), 0) as spent
       from holds group by member_id
     )
     select member_id from members
     full join moved using (member_id) full join kept using (member_id)
     where (coalesce(members.available, 0), coalesce(members.held, 0), coalesce(members.spent, 0))
        is distinct from (coalesce(moved.available, 0), coalesce(moved.held, 0), coalesce(moved.spent, 0))
        or (coalesce(members.held, 0), coalesce(members.spent, 0))
        is distinct from (coalesce(kept.held, 0), coalesce(kept.spent, 0))`,
  );
  return counted.map(
    (row) => `the points of member ${row.member_id} are not those of their transfers and holds`,
  );
}

interface OrderRow {
  readonly order_id: string;
  readonly status: string;
  readonly points: string;
  readonly lines: readonly { readonly variantId: string; readonly quantity: number }[];
}

/** What a confirmed order sold is what product sold and member spent for it; no other order keeps anything. */
export async function auditHolds({ query }: System): Promise<string[]> {
  const orders = await query<OrderRow>("order", "select order_id, status, points, lines from orders");
  const stock = new Map(
    (await query<OrderRow>("product", "select order_id, status, lines from holds")).map((it) => [
      it.order_id,
      it,
    ]),
  );
  const benefits = new Map(
    (await query<OrderRow>("member", "select order_id, status, points from holds")).map((it) => [
      it.order_id,
      it,
    ]),
  );
  const unitsOf = (row: OrderRow | undefined) =>
    JSON.stringify((row?.lines ?? []).map(({ variantId, quantity }) => [variantId, quantity]).sort());
  const found: string[] = [];
  for (const order of orders) {
    const [held, spent] = [stock.get(order.order_id), benefits.get(order.order_id)];
    const isSold = held?.status === "committed" && unitsOf(held) === unitsOf(order);
    const isSpent =
      order.points === "0" ? spent === undefined : spent?.status === "spent" && spent.points === order.points;
    const keepsNothing =
      !["held", "committed"].includes(held?.status ?? "") && !["held", "spent"].includes(spent?.status ?? "");
    if (order.status === "confirmed" && !isSold)
      found.push(`order ${order.order_id} is confirmed, its stock is not sold`);
    if (order.status === "confirmed" && !isSpent)
      found.push(`order ${order.order_id} is confirmed, its points are not spent`);
    if (order.status === "cancelled" && !keepsNothing)
      found.push(`order ${order.order_id} is cancelled and keeps something`);
  }
  const known = new Set(orders.map((order) => order.order_id));
  for (const id of [...stock.keys(), ...benefits.keys()])
    if (!known.has(id)) found.push(`something is held for ${id}, which is no order`);
  return found;
}

/** Every fact was published, and those of one aggregate are numbered from 1 without a gap. */
async function auditOutboxes(system: System): Promise<string[]> {
  const found = await unpublished(system);
  for (const service of services) {
    const gaps = await system.query<{ id: string }>(
      service,
      `select coalesce(told.aggregate_id, kept.order_id) as id
       from (select aggregate_id, count(*) as facts, count(distinct aggregate_version) as numbers,
               min(aggregate_version) as first, max(aggregate_version) as last from outbox group by aggregate_id) as told
       full join ${tables[service]} as kept on kept.order_id = told.aggregate_id
       where (told.facts, told.numbers, told.first, told.last) is distinct from (told.last::bigint, told.last::bigint, 1, kept.version)`,
    );
    found.push(
      ...gaps.map((row) => `${service} does not number the facts of ${row.id} from 1 without a gap`),
    );
    const parked = await system.query<{ fact_id: string; error: string }>(
      service,
      "select fact_id, error from parked",
    );
    found.push(...parked.map((row) => `${service} parked ${row.fact_id}: ${row.error}`));
  }
  return found;
}

async function unpublished({ query }: System): Promise<string[]> {
  const found: string[] = [];
  for (const service of services) {
    const rows = await query<{ id: string }>(service, "select id from outbox where published_at is null");
    found.push(...rows.map((row) => `${service} did not publish ${row.id}`));
    const twice = await query<{ seq: string }>(
      service,
      "select seq from outbox where seq is not null group by seq having count(*) > 1",
    );
    found.push(...twice.map((row) => `${service} has two facts at ${row.seq} of its stream`));
  }
  return found;
}

/**
 * Each fact stands in the inbox of every service that hears it, and nothing else does. The inboxes are read first: what
 * is told while this goes on is then found unheard. The other way round a fact told after its teller's outbox was read
 * would be missed, and facts on their way would look like facts at rest.
 */
async function auditInboxes({ query }: System): Promise<string[]> {
  const inboxes = new Map<Service, Set<string>>();
  for (const hearer of services) {
    const rows = await query<{ fact_id: string }>(hearer, "select fact_id from inbox");
    inboxes.set(hearer, new Set(rows.map((row) => row.fact_id)));
  }
  const told: { id: string; type: string; teller: Service }[] = [];
  for (const teller of services) {
    const rows = await query<{ id: string; type: string }>(teller, "select id, type from outbox");
    told.push(...rows.map((row) => ({ ...row, teller })));
  }
  const heardBy = new Map<string, readonly Service[]>(
    Object.values(events).map((kind) => [kind.type, kind.heardBy]),
  );
  const found: string[] = [];
  for (const [hearer, heard] of inboxes) {
    for (const fact of told) {
      const isDue = heardBy.get(fact.type)?.includes(hearer) ?? false;
      if (isDue && !heard.has(fact.id)) found.push(`${hearer} did not hear ${fact.type} ${fact.id}`);
      if (isDue) heard.delete(fact.id);
    }
    for (const id of heard) found.push(`${hearer} heard ${id}, which nobody told`);
  }
  return found;
}
