// What one service's outbox, inbox, requests and parked facts know of one aggregate, read in one snapshot.
import type { EntityManager } from "@mikro-orm/postgresql";
import type { ParkedState } from "./parked.ts";

/** A fact of this aggregate, as it stands in the outbox. */
export interface ToldFact {
  readonly id: string;
  readonly type: string;
  readonly causationId: string;
  readonly at: Date;
  readonly payload: Uint8Array;
  /** Where the broker has it; undefined while it has not. */
  readonly published: { readonly at: Date; readonly stream: string; readonly seq: string } | undefined;
}

/** A fact this service heard. */
export interface HeardFact {
  readonly id: string;
  readonly stream: string;
  readonly seq: string;
  readonly at: Date;
  readonly deliveries: number;
}

export interface ParkedFact {
  readonly id: string;
  readonly durable: string;
  /** Full protobuf name, as the message had it. */
  readonly messageName: string;
  readonly error: string;
  readonly state: ParkedState;
  readonly at: Date;
}

/** A request that made one of the facts above be told. */
export interface Request {
  readonly caller: string;
  readonly method: string;
  readonly requestId: string;
}

export interface Trail {
  /** In the order they were told. */
  readonly told: readonly ToldFact[];
  readonly heard: readonly HeardFact[];
  readonly parked: readonly ParkedFact[];
  readonly requests: readonly Request[];
}

export interface TrailOf {
  readonly aggregateId: string;
  /** Facts that others told, or that ours name as causes: which of them were heard? */
  readonly factIds: readonly string[];
  /** Who may have asked for something, besides operators. */
  readonly callers: readonly string[];
}

/** An order asks again and again while it is in doubt; what is older than so many facts is left out. */
const toldMost = 1_000;
const parkedMost = 100;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export async function readTrail(
  em: EntityManager,
  { aggregateId, factIds, callers }: TrailOf,
): Promise<Trail> {
  const told = (await em.execute<Row[]>(toldSql, [aggregateId, toldMost])).map(toldOf).reverse();
  const causes = new Set(told.map(({ causationId }) => causationId));
  const mayBeHeard = [...new Set([...factIds, ...causes])].filter((id) => uuid.test(id));
  const heard = await em.execute<Row[]>(heardSql, [`{${mayBeHeard.join(",")}}`]);
  const parked = await em.execute<Row[]>(parkedSql, [aggregateId, JSON.stringify(factIds), parkedMost]);
  const causesJson = JSON.stringify([...causes]);
  const requests = await em.execute<Row[]>(requestsSql, [JSON.stringify(callers), causesJson, causesJson]);
  return {
    told,
    heard: heard.map(heardOf),
    parked: parked.map(parkedOf).reverse(),
    requests: requests.map(({ caller, method, request_id: requestId }) => {
      return { caller, method, requestId } as Request;
    }),
  };
}

type Row = Readonly<Record<string, unknown>>;

const toldSql = `
  select id, type, causation_id, occurred_at, payload, published_at, stream, seq from outbox
  where aggregate_id = ? order by aggregate_version desc limit ?`;

const heardSql = `
  select fact_id, stream, seq, handled_at, deliveries from inbox where fact_id = any(?::uuid[])`;

// What is parked is little, and may be too broken for anything but its headers to tell what it is about.
const parkedSql = `
  select durable, fact_id, headers->>'ce-type' as message_name, error, state, parked_at from parked
  where headers->>'ce-subject' = ? or fact_id in (select jsonb_array_elements_text(?::jsonb))
  order by parked_at desc limit ?`;

// Requests are found by who made them: an operator's by all that operators asked for.
const requestsSql = `
  select caller, method, request_id from requests
  where caller in (select jsonb_array_elements_text(?::jsonb))
    and request_id in (select jsonb_array_elements_text(?::jsonb))
  union all
  select caller, method, request_id from requests
  where caller like 'operator:%' and request_id in (select jsonb_array_elements_text(?::jsonb))`;

function toldOf(row: Row): ToldFact {
  const { published_at: publishedAt } = row;
  return {
    id: row.id as string,
    type: row.type as string,
    causationId: row.causation_id as string,
    at: new Date(row.occurred_at as string),
    payload: row.payload as Uint8Array,
    published:
      publishedAt === null
        ? undefined
        : { at: new Date(publishedAt as string), stream: row.stream as string, seq: String(row.seq) },
  };
}

function heardOf(row: Row): HeardFact {
  return {
    id: row.fact_id as string,
    stream: row.stream as string,
    seq: String(row.seq),
    at: new Date(row.handled_at as string),
    deliveries: row.deliveries as number,
  };
}

function parkedOf(row: Row): ParkedFact {
  return {
    id: row.fact_id as string,
    durable: row.durable as string,
    messageName: (row.message_name as string | null) ?? "",
    error: row.error as string,
    state: row.state as ParkedState,
    at: new Date(row.parked_at as string),
  };
}
