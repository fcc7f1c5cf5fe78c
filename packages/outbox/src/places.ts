// Where the broker keeps what this service told and heard, as its outbox and inbox say.
import type { HeardPlaces, KnownStream, Place, Places, ToldPlaces } from "@quadrille/contracts/places";
import type { Sessions } from "./session.ts";

/** Both sides of a service's memory of its broker. */
export interface ServicePlaces {
  readonly told: ToldPlaces;
  readonly heard: HeardPlaces;
}

/** How long a replica has for making good what a stream lost, before another may begin. */
export const epochMs = 30_000;

/** Rows per statement: a store that was wiped makes all of them mean nothing, and no statement may take long. */
const forgottenAtOnce = 5_000;

const placeSql = {
  told: `select seq, id as fact_id, null::timestamptz as stored_at from outbox
    where stream = $1 and seq is not null order by seq desc limit 1 offset $2`,
  // Each side is read by its index before they are put together.
  heard: `select seq, fact_id, stored_at from (
      (select seq, fact_id, stored_at from inbox where stream = $1 and seq > 0 order by seq desc limit $2::int + 1)
      union all
      (select seen_seq, seen_id, seen_at from streams where name = $1 and seen_seq is not null)
    ) as remembered order by seq desc limit 1 offset $2`,
};

const forgetSql = {
  // Not published any more, so the sweep finds it; and nobody has claimed it.
  told: `update outbox set published_at = null, stream = null, seq = null, claimed_until = null
    where id in (
      select id from outbox where stream = $1 and seq > $2 order by seq limit ${forgottenAtOnce}
    ) and stream = $1 and seq > $2
    returning 1`,
  // Handled all the same; only its place is unknown now.
  heard: `update inbox set seq = 0, stored_at = null
    where fact_id in (
      select fact_id from inbox where stream = $1 and seq > $2 order by seq limit ${forgottenAtOnce}
    ) and stream = $1 and seq > $2
    returning 1`,
};

// What was published later was stored later, so one place that is old speaks for all below it. Usually the very highest
// is old: then one row of an index is read.
const youngSql = `
  select coalesce(
    (select seq from outbox where stream = $1 and seq < $2
       and published_at <= clock_timestamp() - $3 * interval '1 millisecond'
     order by seq desc limit 1), 0) as above
  where (select published_at from outbox where stream = $1 and seq < $2 order by seq desc limit 1)
    > clock_timestamp() - $3 * interval '1 millisecond'`;

const forgetCutSql = `
  update outbox set
    claimed_until = least(published_at + 2 * $4 * interval '1 millisecond', clock_timestamp() + $4 * interval '1 millisecond'),
    published_at = null, stream = null, seq = null
  where id in (
    select id from outbox where stream = $1 and seq > $2 and seq < $3 order by seq limit ${forgottenAtOnce}
  ) and stream = $1 and seq > $2 and seq < $3
  returning 1`;

const sawSql = `
  insert into streams (name, seen_seq, seen_id, seen_at) values ($1, $2, $3, $4)
  on conflict (name) do update
    set seen_seq = excluded.seen_seq, seen_id = excluded.seen_id, seen_at = excluded.seen_at
    where streams.seen_seq is null or streams.seen_seq < excluded.seen_seq`;

export function openPlaces(sessions: Sessions): ServicePlaces {
  return {
    told: { ...placesIn(sessions, "told"), ...cutIn(sessions) },
    heard: { ...placesIn(sessions, "heard"), ...seenIn(sessions) },
  };
}

function cutIn(sessions: Sessions): Pick<ToldPlaces, "youngBelow" | "forgetCut"> {
  return {
    async youngBelow(stream, first, youngMs) {
      const [row] = await sessions.query(youngSql, [stream, String(first), youngMs]);
      return row && { above: BigInt(row.above as string), below: first };
    },

    async forgetCut(stream, { above, below }, windowMs) {
      await inPieces(sessions, forgetCutSql, [stream, String(above), String(below), windowMs]);
    },
  };
}

function seenIn(sessions: Sessions): Pick<HeardPlaces, "saw" | "forget"> {
  return {
    async saw(stream, { seq, factId, storedAt }) {
      await sessions.query(sawSql, [stream, String(seq), factId, storedAt]);
    },

    async forget(stream, above) {
      await inPieces(sessions, forgetSql.heard, [stream, String(above)]);
      await sessions.query(
        "update streams set seen_seq = null, seen_id = null, seen_at = null where name = $1 and seen_seq > $2",
        [stream, String(above)],
      );
    },
  };
}

/** Repeats a statement until it finds less than it may. */
async function inPieces(sessions: Sessions, sql: string, parameters: unknown[]): Promise<void> {
  let rows: readonly unknown[];
  do rows = await sessions.query(sql, parameters);
  while (rows.length === forgottenAtOnce);
}

function placesIn(sessions: Sessions, side: "told" | "heard"): Places {
  return {
    async known(stream) {
      const [row] = await sessions.query(
        "select created, server, epoch from streams where name = $1 and created is not null",
        [stream],
      );
      return row && knownOf(row);
    },

    async place(stream, back) {
      const [row] = await sessions.query(placeSql[side], [stream, back]);
      return row && placeOf(row);
    },

    async begin(stream) {
      const begun = await sessions.query(
        `insert into streams (name, epoch, ends_by)
         values ($1, 1, clock_timestamp() + $2 * interval '1 millisecond')
         on conflict (name) do update
           set epoch = streams.epoch + 1, ends_by = clock_timestamp() + $2 * interval '1 millisecond'
           where streams.ends_by is null or streams.ends_by <= clock_timestamp()
         returning epoch`,
        [stream, epochMs],
      );
      return begun.length === 1;
    },

    async forget(stream, above) {
      await inPieces(sessions, forgetSql[side], [stream, String(above)]);
    },

    async end(stream, { created, server }) {
      const [row = {}] = await sessions.query(
        `insert into streams (name, created, server, epoch) values ($1, $2, $3, 0)
         on conflict (name) do update set created = excluded.created, server = excluded.server, ends_by = null
         returning created, server, epoch`,
        [stream, created, server],
      );
      return knownOf(row);
    },

    async abandon(stream) {
      await sessions.query("update streams set ends_by = null where name = $1", [stream]);
    },
  };
}

function knownOf({ created, server, epoch }: Record<string, unknown>): KnownStream {
  return { created: created as string, server: server as string, epoch: epoch as number };
}

function placeOf({ seq, fact_id: factId, stored_at: storedAt }: Record<string, unknown>): Place {
  return {
    seq: BigInt(seq as string),
    factId: (factId as string | null) ?? undefined,
    storedAt: storedAt === null ? undefined : new Date(storedAt as string),
  };
}
