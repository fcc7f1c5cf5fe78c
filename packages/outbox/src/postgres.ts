// A group's transaction on PostgreSQL: inbox, locks, remembered requests and the clock, then everything decided in one statement.
//
// READ COMMITTED. The order of locks is the same for everyone: inbox rows by fact id, then each table in its declared
// order by key, then request keys. A row that is not there cannot be locked, so it is inserted first, in its initial
// state; ON CONFLICT DO NOTHING waits for a transaction that is inserting the same. Remembered requests and the
// clock are read after all locks: what they say is then true until the commit.
import type { Decider, Fact, Instant, Rows } from "@quadrille/decider";
import { encode } from "./columns.ts";
import { decodeState, encodeState, type Kept, type Layout, type TableSql } from "./layout.ts";
import type { Session, Sessions } from "./session.ts";
import {
  type Asked,
  type Claim,
  type GroupTransaction,
  type Opened,
  type Remembered,
  type RequestKey,
  requestKeyOf,
  type Transactions,
  type Written,
} from "./transaction.ts";
import { Writing } from "./writing.ts";

type Initial<Tables> = Decider<Tables, never, Fact>["initial"];

export class PostgresTransactions<Tables, Entry> implements Transactions<Tables, Entry> {
  readonly #sessions: Sessions;
  readonly #layout: Layout<Tables, Entry>;
  readonly #initial: Initial<Tables>;

  constructor(sessions: Sessions, layout: Layout<Tables, Entry>, initial: Initial<Tables>) {
    this.#sessions = sessions;
    this.#layout = layout;
    this.#initial = initial;
  }

  async run<Result>(
    work: (transaction: GroupTransaction<Tables, Entry>) => Promise<Result>,
  ): Promise<Result> {
    const session = await this.#sessions.open();
    let committed = false;
    try {
      await session.query("begin isolation level read committed");
      const result = await work(new PostgresTransaction(session, this.#layout, this.#initial));
      await session.commit();
      committed = true;
      return result;
    } finally {
      await session.end(committed);
    }
  }
}

interface Locked<State> {
  readonly rows: Map<string, State>;
  readonly kept: Map<string, Kept<State>>;
  readonly born: ReadonlySet<string>;
}

class PostgresTransaction<Tables, Entry> implements GroupTransaction<Tables, Entry> {
  readonly #session: Session;
  readonly #layout: Layout<Tables, Entry>;
  readonly #initial: Initial<Tables>;
  readonly #locked = new Map<keyof Tables & string, Locked<Tables[keyof Tables]>>();
  #now: Instant = new Date(Number.NaN);

  constructor(session: Session, layout: Layout<Tables, Entry>, initial: Initial<Tables>) {
    this.#session = session;
    this.#layout = layout;
    this.#initial = initial;
  }

  async open(asked: Asked<Tables>): Promise<Opened<Tables>> {
    const fresh = await this.#claim(asked.claims);
    const rows: Partial<Record<keyof Tables, ReadonlyMap<string, unknown>>> = {};
    let versions: ReadonlyMap<string, number> = new Map();
    for (const [name, sql] of this.#layout.tables) {
      const locked = await this.#lock(name, sql, [...new Set(asked.keys[name])]);
      this.#locked.set(name, locked);
      rows[name] = locked.rows;
      if (sql.counts) versions = new Map([...locked.kept].map(([key, { version }]) => [key, version]));
    }
    const remembered = await this.#remember(asked.requests);
    return { fresh, rows: rows as Rows<Tables>, versions, remembered, now: this.#now };
  }

  async #claim(claims: readonly Claim[]): Promise<ReadonlySet<string>> {
    if (claims.length === 0) return new Set();
    const inserted = await this.#session.query(
      `insert into inbox (fact_id, stream, seq, stored_at, deliveries)
       select fact_id, stream, seq, stored_at, deliveries from json_populate_recordset(null::inbox, $1) order by fact_id
       on conflict (fact_id) do nothing
       returning fact_id`,
      [rowsOf(claims)],
    );
    const fresh = new Set(inserted.map((row) => row.fact_id as string));
    await this.#move(claims.filter(({ factId }) => !fresh.has(factId)));
    return fresh;
  }

  /** A fact that comes again at a higher place is remembered there, because it leaves no other trace. */
  async #move(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    await this.#session.query(
      `with moved as (
         select inbox.fact_id, again.seq, again.stored_at
         from inbox join json_populate_recordset(null::inbox, $1) as again using (fact_id, stream)
         where again.seq > inbox.seq order by inbox.fact_id for update of inbox
       )
       update inbox set seq = moved.seq, stored_at = moved.stored_at from moved where inbox.fact_id = moved.fact_id`,
      [rowsOf(claims)],
    );
  }

  async #lock(
    name: keyof Tables & string,
    sql: TableSql<Tables[keyof Tables]>,
    keys: readonly string[],
  ): Promise<Locked<Tables[keyof Tables]>> {
    const rows = new Map<string, Tables[keyof Tables]>();
    const kept = new Map<string, Kept<Tables[keyof Tables]>>();
    if (keys.length === 0) return { rows, kept, born: new Set() };
    const initial = keys.map((key) =>
      encodeState(sql, key, this.#initial[name](key), { revision: 0, version: 0 }),
    );
    const born = await this.#session.query(sql.born, [JSON.stringify(initial)]);
    for (const stored of await this.#session.query(sql.lock, [keys])) {
      const state = decodeState(sql, stored);
      kept.set(state.key, state);
      rows.set(state.key, state.state);
    }
    for (const key of keys) {
      if (!rows.has(key)) throw new Error(`${name} ${key} was locked under another spelling of its key`);
    }
    return { rows, kept, born: new Set(born.map((row) => String(row[sql.keyColumn]))) };
  }

  async #remember(requests: readonly RequestKey[]): Promise<ReadonlyMap<string, Remembered>> {
    const keys = requests.map(({ caller, method, requestId }) => ({ caller, method, request_id: requestId }));
    const found = await this.#session.query(
      `select clock.now, known.*
       from (select clock_timestamp() as now) as clock left join (
         select requests.caller, requests.method, requests.request_id, requests.hash, requests.answer
         from requests join json_populate_recordset(null::requests, $1) as asked
           using (caller, method, request_id)
       ) as known on true`,
      [JSON.stringify(keys)],
    );
    this.#now = new Date(found[0]?.now as string);
    const remembered = new Map<string, Remembered>();
    for (const { caller, method, request_id, hash, answer } of found) {
      if (hash === null) continue; // The row that carries the time alone.
      const key = { caller, method, requestId: request_id } as RequestKey;
      remembered.set(requestKeyOf(key), { hash: hash as string, answer: answer as Uint8Array });
    }
    return remembered;
  }

  async write(written: Written<Tables, Entry>): Promise<void> {
    const writing = new Writing();
    for (const [name, sql] of this.#layout.tables) this.#writeTable(writing, name, sql, written);
    if (written.entries.length > 0) {
      const lines = written.entries.map((entry) => this.#layout.encodeEntry(entry, this.#now));
      writing.add(lines.length, JSON.stringify(lines), (parameter) => this.#layout.append(parameter, lines));
    }
    writing.addEnvelopes(written.envelopes);
    writing.addAnswers(written.answers);
    writing.addUnclaimed(written.unclaimed);
    await writing.run(this.#session);
  }

  /** Every row this transaction saw is left changed, as it was, or, if it is still not there, deleted. */
  #writeTable(
    writing: Writing,
    name: keyof Tables & string,
    sql: TableSql<Tables[keyof Tables]>,
    written: Written<Tables, Entry>,
  ): void {
    const locked = this.#locked.get(name);
    const changed: ReadonlyMap<string, Tables[keyof Tables]> = written.rows[name] ?? new Map();
    const told: ReadonlyMap<string, number> = sql.counts ? written.versions : new Map();
    const change: Record<string, unknown>[] = [];
    const remove = new Set(locked?.born);
    const guards = () =>
      [...remove].map((key) => ({ [sql.keyColumn]: key, revision: locked?.kept.get(key)?.revision }));
    for (const key of new Set([...changed.keys(), ...told.keys()])) {
      const before = locked?.kept.get(key);
      if (before === undefined) throw new Error(`${name} ${key} was changed without being locked`);
      const state = changed.get(key) ?? before.state;
      const version = told.get(key) ?? before.version;
      if (version === 0 && sql.about.isAbsent(state)) {
        remove.add(key);
        continue;
      }
      remove.delete(key);
      change.push(encodeState(sql, key, state, { revision: before.revision, version }));
    }
    if (change.length > 0) writing.add(change.length, JSON.stringify(change), sql.change, "conflict");
    if (remove.size > 0) writing.add(remove.size, JSON.stringify(guards()), sql.remove, "conflict");
  }
}

/** Claims as rows of the inbox. */
function rowsOf(claims: readonly Claim[]): string {
  return JSON.stringify(
    claims.map(({ factId, stream, seq, storedAt, deliveries }) => ({
      fact_id: factId,
      stream,
      seq: encode(seq),
      stored_at: storedAt,
      deliveries,
    })),
  );
}
