// The outbox after the commit: which facts nobody has published yet, and where the broker put those that are.
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { encode } from "./columns.ts";
import type { Sessions } from "./session.ts";

/** A fact the broker has. */
export interface Published {
  readonly id: string;
  readonly placement: Placement;
}

export interface OutboxTable {
  /** The oldest unpublished facts nobody has claimed, claimed for 30 s; facts younger than 5 s are on their way. */
  claim(most: number): Promise<readonly Envelope[]>;
  /** Gives up claims on facts that were not published after all, so that the next sweep has them. */
  release(ids: readonly string[]): Promise<void>;
  mark(published: readonly Published[]): Promise<void>;
  /** Facts that are not published, counted up to 100,000. */
  backlog(): Promise<number>;
}

// The bounds keep partitions of other days out of the plan. A fact that is marked already stays as it is, and one that
// was published in an epoch that is over is not marked: the broker may have lost it. The lock lets no epoch begin
// between that look and the commit. A mark that is lost with the server only makes the fact be published twice, so no commit waits for the disk.
export const markSql = `
  update outbox set published_at = clock_timestamp(), stream = placed.stream, seq = placed.seq
  from unnest($1::uuid[], $2::text[], $3::bigint[], $6::integer[]) as placed (id, stream, seq, epoch)
  left join (select name, epoch from streams where name = any($2::text[]) for share) as known
    on known.name = placed.stream
  where outbox.id = placed.id and outbox.published_at is null
    and (placed.epoch is null or placed.epoch = coalesce(known.epoch, 0))
    and outbox.id >= $4::uuid and outbox.id <= $5::uuid
    and (select set_config('synchronous_commit', 'off', true)) is not null`;

export function openOutboxTable(sessions: Sessions): OutboxTable {
  return {
    async claim(most) {
      const rows = await sessions.query(
        `update outbox set claimed_until = clock_timestamp() + interval '30 seconds'
         where id in (
           select id from outbox
           where published_at is null
             and occurred_at < clock_timestamp() - interval '5 seconds'
             and (claimed_until is null or claimed_until < clock_timestamp())
           order by id
           limit $1
           for update skip locked
         )
         returning id, type, aggregate_id, aggregate_version, occurred_at, causation_id, traceparent, payload`,
        [most],
      );
      // RETURNING has no order; ids have the order in which facts were told.
      return rows.map(envelopeOf).sort((one, other) => (one.id < other.id ? -1 : 1));
    },

    async release(ids) {
      if (ids.length === 0) return;
      await sessions.query(
        "update outbox set claimed_until = null where id = any($1::uuid[]) and published_at is null",
        [ids],
      );
    },

    async mark(published) {
      if (published.length === 0) return;
      const ids = published.map(({ id }) => id).sort();
      await sessions.query(markSql, [
        published.map(({ id }) => id),
        published.map(({ placement }) => placement.stream),
        published.map(({ placement }) => encode(placement.seq)),
        ids[0],
        ids.at(-1),
        published.map(({ placement }) => placement.epoch ?? null),
      ]);
    },

    async backlog() {
      const [row] = await sessions.query(
        `select count(*)::int as waiting
         from (select from outbox where published_at is null limit 100000) as unpublished`,
      );
      return row?.waiting as number;
    },
  };
}

function envelopeOf(row: Record<string, unknown>): Envelope {
  return {
    id: row.id as string,
    type: row.type as string,
    aggregateId: row.aggregate_id as string,
    aggregateVersion: row.aggregate_version as number,
    occurredAt: new Date(row.occurred_at as string),
    causationId: row.causation_id as string,
    traceparent: (row.traceparent as string | null) ?? undefined,
    payload: row.payload as Uint8Array,
  };
}
