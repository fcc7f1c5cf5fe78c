// A service's books: everything its database remembers, out of one snapshot, in pages, for whoever compares services.
//
// The SQL here and in the services' own `*.books.ts` is a second opinion: it shares no code with what wrote the rows.
// One transaction, REPEATABLE READ and READ ONLY, on a connection of its own; a page is fetched when the last one is
// gone, so a slow reader costs the service a cursor and no memory.
import type { MikroORM } from "@mikro-orm/postgresql";
import type { ReadBooksResponse } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { Refusal } from "@quadrille/decider";
import { closeOrm, type DatabaseConfig, limits, openOrm } from "./database.ts";
import type { Row } from "./tables.ts";

export type BookPage = Partial<ReadBooksResponse>;

/** One kind of entry: where its rows come from, and what a row says. */
export interface Chapter {
  readonly sql: string;
  page(rows: readonly Row[]): BookPage;
}

/** `kind` is the field of the page in which the entries go. */
export function chapter<Kind extends keyof BookPage & keyof Entries>(
  kind: Kind,
  sql: string,
  entryOf: (row: Row) => Entries[Kind],
): Chapter {
  return { sql, page: (rows) => ({ [kind]: rows.map(entryOf) }) };
}
type Entries = {
  [Kind in keyof ReadBooksResponse]: ReadBooksResponse[Kind] extends (infer Entry)[] ? Entry : never;
};

const entriesPerPage = 500;
const second = 1_000;
/** One question over everything may take its time; a reader who went away without a word may not. */
const statementMs = 60 * second;
const idleMs = 30 * second;

/** Reads the service's own chapters and then what its outbox and inbox say. Throws Refusal UNAVAILABLE when the database cannot be asked. */
export async function* readBooks(
  service: string,
  database: DatabaseConfig,
  chapters: readonly Chapter[],
): AsyncGenerator<BookPage> {
  const orm = await openOrm(database, [], {
    driverOptions: {
      max: 1,
      connectionTimeoutMillis: limits.connectionWaitMs,
      statement_timeout: statementMs,
      query_timeout: statementMs + second,
      idle_in_transaction_session_timeout: idleMs,
      application_name: `${service} books`,
      allowExitOnIdle: true,
    },
  });
  try {
    yield* snapshot(service, orm, [...chapters, ...messages]);
  } finally {
    await closeOrm(orm);
  }
}

async function* snapshot(
  service: string,
  orm: MikroORM,
  chapters: readonly Chapter[],
): AsyncGenerator<BookPage> {
  const pool = await orm.driver.getConnection().getNativeClient();
  const client = await pool.connect().catch(unavailable);
  client.on("error", () => {}); // The next question tells that the connection is gone.
  const ask = async (sql: string) => (await client.query(sql).catch(unavailable)).rows as Row[];
  try {
    await ask("begin isolation level repeatable read read only");
    const [taken = {}] = await ask(takenSql);
    const { taken_at: takenAt, told_since: toldSince, heard_since: heardSince } = taken;
    const since = { toldSince: dateOf(toldSince), heardSince: dateOf(heardSince) };
    yield { snapshot: { service, takenAt: dateOf(takenAt), ...since } };
    for (const { sql, page } of chapters) {
      // All of it will be read: a plan for the first few rows would be the wrong one.
      await ask("set local cursor_tuple_fraction = 1");
      await ask(`declare chapter no scroll cursor for ${sql}`);
      for (;;) {
        const rows = await ask(`fetch ${entriesPerPage} from chapter`);
        if (rows.length > 0) yield page(rows);
        if (rows.length < entriesPerPage) break;
      }
      await ask("close chapter");
    }
  } finally {
    client.release(true); // Closing the connection ends the transaction, wherever it stood.
  }
}

/** A server that cannot be asked is no fault of ours; an error in what it was asked is, and goes on as it is. */
function unavailable(error: unknown): never {
  const { code } = error as { readonly code?: unknown };
  const isOurs = typeof code === "string" && /^(?!08|53|57)[0-9A-Z]{5}$/.test(code);
  throw isOurs ? error : new Refusal("UNAVAILABLE", { cause: error });
}

/**
 * Old days are dropped whole, but one with a fact nobody published stays when later ones go: everything is kept from the
 * first day of the unbroken run that today is in.
 */
const keptSince = (table: string) => `(
  with days as (
    select to_date(right(relname, 8), 'YYYYMMDD') as day
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = '${table}'::regclass and relname ~ '_[0-9]{8}$'
  )
  select max(day)::timestamp at time zone 'utc' from days
  where day <= (clock_timestamp() at time zone 'utc')::date
    and not exists (select from days as earlier where earlier.day = days.day - 1))`;

const takenSql = `select clock_timestamp() as taken_at,
  ${keptSince("outbox")} as told_since, ${keptSince("inbox")} as heard_since`;

const messages: readonly Chapter[] = [
  chapter(
    "told",
    "select id, type, aggregate_id, aggregate_version, occurred_at, published_at from outbox order by id",
    (row) => ({
      factId: textOf(row.id),
      type: textOf(row.type),
      aggregateId: textOf(row.aggregate_id),
      aggregateVersion: Number(row.aggregate_version),
      occurredAt: dateOf(row.occurred_at),
      isPublished: row.published_at !== null,
    }),
  ),
  chapter("heard", "select fact_id, stream from inbox order by fact_id", (row) => ({
    factId: textOf(row.fact_id),
    stream: textOf(row.stream),
  })),
  // Heard ones may: what was on its way out of a stream that was lost is handled after its place went to another.
  chapter(
    "toldPlaces",
    `select stream, seq, array_agg(id::text order by id) as fact_ids, max(published_at) as claimed_at
     from outbox where seq is not null group by stream, seq having count(*) > 1 order by stream, seq`,
    (row) => ({
      stream: textOf(row.stream),
      seq: unitsOf(row.seq),
      factIds: row.fact_ids as string[],
      claimedAt: dateOf(row.claimed_at),
    }),
  ),
  chapter("parked", "select fact_id, error, state from parked order by fact_id", (row) => ({
    factId: textOf(row.fact_id),
    error: textOf(row.error),
    state: textOf(row.state),
  })),
];

/** A ledger's columns: what moved, how much of it, and between which places, the last of which has a name of its own. */
export interface LedgerColumns {
  readonly table: string;
  readonly of: string;
  readonly amount: string;
  readonly from: string;
  readonly to: string;
  readonly spent: string;
}

interface SumRow {
  readonly of: string;
  readonly available: string;
  readonly held: string;
  readonly spent: string;
  readonly taken: string;
}

/** What a ledger says about each order that it names. */
export function orderLedgers({ table, of, amount, from, to, spent }: LedgerColumns): Chapter {
  const came = (place: string) =>
    `sum(${amount} * ((${to} = '${place}')::int - (${from} = '${place}')::int))`;
  return chapter(
    "orderLedgers",
    `select order_id, jsonb_agg(jsonb_build_object(
         'of', of, 'available', available, 'held', held, 'spent', spent, 'taken', taken) order by of) as sums
     from (
       select order_id, ${of} as of, ${came("available")}::text as available, ${came("held")}::text as held,
         ${came(spent)}::text as spent, sum(${amount} * (${from} = 'available')::int)::text as taken
       from ${table} where order_id is not null group by order_id, ${of}
     ) as summed group by order_id order by order_id`,
    (row) => ({
      orderId: textOf(row.order_id),
      sums: (row.sums as readonly SumRow[]).map(({ of, available, held, spent, taken }) => ({
        of,
        moved: { available: unitsOf(available), held: unitsOf(held), spent: unitsOf(spent) },
        taken: unitsOf(taken),
      })),
    }),
  );
}

export const textOf = (value: unknown): string => String(value ?? "");
export const unitsOf = (value: unknown): bigint => BigInt(textOf(value) || "0");
export const dateOf = (value: unknown): Date | undefined =>
  value === null || value === undefined ? undefined : new Date(value as string);
