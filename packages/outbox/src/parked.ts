// Facts that cannot be handled: set aside once per durable and fact, listed, and ended by an operator.
import type { Parked } from "@quadrille/contracts/envelope";
import { encode } from "./columns.ts";
import type { Sessions } from "./session.ts";

export type ParkedState = "PARKED" | "REPLAYED" | "DISCARDED";

export interface ParkedRow extends Parked {
  readonly parkedAt: Date;
  readonly state: ParkedState;
}

/** What names a parked fact. */
export type ParkedKey = Pick<Parked, "durable" | "factId">;

export interface ParkedTable {
  /** Parks a fact; parked again, it stays as it was. */
  park(parked: Parked): Promise<void>;
  /** The oldest that wait for an operator. */
  list(most: number): Promise<readonly ParkedRow[]>;
  /**
   * Hands a waiting fact to `handle` and remembers that it was replayed once that succeeded. False if none waits
   * under that key. `handle` goes through the inbox, so replaying twice is as safe as hearing twice.
   */
  replay(key: ParkedKey, handle: (parked: ParkedRow) => Promise<void>): Promise<boolean>;
  /** Ends a waiting fact without handling it. False if none waits under that key. */
  discard(key: ParkedKey): Promise<boolean>;
}

const errorLengthMost = 8_000;

/** Text as PostgreSQL can keep it: what stands in a broken message may hold what no text column takes. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

export function openParkedTable(sessions: Sessions): ParkedTable {
  const waiting = async (key: ParkedKey) => {
    const rows = await sessions.query(
      "select * from parked where durable = $1 and fact_id = $2 and state = 'PARKED'",
      [key.durable, storable(key.factId)],
    );
    return rows.map(parkedOf)[0];
  };
  const end = async (key: ParkedKey, state: ParkedState) => {
    const rows = await sessions.query(
      `update parked set state = $3 where durable = $1 and fact_id = $2 and state = 'PARKED' returning state`,
      [key.durable, storable(key.factId), state],
    );
    return rows.length === 1;
  };
  return {
    async park(parked) {
      const headers = Object.entries(parked.headers).map(([name, value]) => [
        storable(name),
        storable(value),
      ]);
      await sessions.query(
        `insert into parked (durable, fact_id, stream, seq, subject, headers, payload, error)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (durable, fact_id) do nothing`,
        [
          parked.durable,
          storable(parked.factId),
          parked.stream,
          encode(parked.seq),
          storable(parked.subject),
          JSON.stringify(Object.fromEntries(headers)),
          Buffer.from(parked.payload),
          storable(parked.error).slice(0, errorLengthMost),
        ],
      );
    },

    async list(most) {
      const rows = await sessions.query(
        "select * from parked where state = 'PARKED' order by parked_at, durable, fact_id limit $1",
        [most],
      );
      return rows.map(parkedOf);
    },

    async replay(key, handle) {
      const parked = await waiting(key);
      if (parked === undefined) return false;
      await handle(parked);
      return await end(key, "REPLAYED");
    },

    discard: (key) => end(key, "DISCARDED"),
  };
}

function parkedOf(row: Record<string, unknown>): ParkedRow {
  return {
    factId: row.fact_id as string,
    durable: row.durable as string,
    stream: row.stream as string,
    seq: BigInt(row.seq as string),
    subject: row.subject as string,
    headers: row.headers as Record<string, string>,
    payload: row.payload as Uint8Array,
    error: row.error as string,
    parkedAt: new Date(row.parked_at as string),
    state: row.state as ParkedState,
  };
}
