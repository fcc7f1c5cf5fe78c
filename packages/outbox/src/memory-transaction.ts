// One transaction on a memory database: what it locked, what it saw, what its commit will change.
import type { Instant, Rows } from "@quadrille/decider";
import type { MemoryDatabase } from "./memory.ts";
import type { Holder } from "./memory-locks.ts";
import {
  type Asked,
  type Claim,
  type GroupTransaction,
  type Opened,
  type Remembered,
  type RequestKey,
  requestKeyOf,
  TransactionFailed,
  type Written,
} from "./transaction.ts";

export type Point = "begin" | "open" | "write" | "commit";

export class MemoryTransaction<Tables, Entry> implements GroupTransaction<Tables, Entry>, Holder {
  readonly #database: MemoryDatabase<Tables, Entry>;
  readonly #at: (point: Point) => Promise<void> | undefined;
  readonly #seen = new Map<string, number>();
  #claimed: Asked<Tables>["claims"] = [];
  readonly #moved: Claim[] = [];
  #now: Instant = new Date(Number.NaN);
  #written: Written<Tables, Entry> | undefined;
  waiting: Holder["waiting"];
  readonly held: string[] = [];
  ended = false;

  constructor(database: MemoryDatabase<Tables, Entry>, at: (point: Point) => Promise<void> | undefined) {
    this.#database = database;
    this.#at = at;
  }

  async open(asked: Asked<Tables>): Promise<Opened<Tables>> {
    await this.#at("open");
    const fresh = await this.#claim(asked.claims);
    const rows: { [T in keyof Tables]?: Map<string, Tables[T]> } = {};
    const versions = new Map<string, number>();
    for (const table of this.#database.tables) rows[table] = await this.#lock(table, asked, versions);
    const remembered = new Map<string, Remembered>();
    for (const request of asked.requests) {
      const found = this.#database.requests.get(requestKeyOf(request));
      if (found !== undefined) remembered.set(requestKeyOf(request), found);
    }
    this.#now = this.#database.now();
    return { fresh, rows: rows as Rows<Tables>, versions, remembered, now: this.#now };
  }

  async write(written: Written<Tables, Entry>): Promise<void> {
    await this.#at("write");
    const { aggregates, checks } = this.#database.options;
    for (const table of this.#database.tables) {
      for (const [key, state] of written.rows[table] ?? []) {
        this.#assertLocked(table, key);
        if (checks?.[table]?.(state) === false)
          throw new TransactionFailed("data", new Error(`${table} ${key} breaks a check`));
      }
    }
    for (const key of written.versions.keys()) this.#assertLocked(aggregates, key);
    const answers = [...written.answers].sort((one, other) =>
      compare(requestKeyOf(one), requestKeyOf(other)),
    );
    for (const answer of answers) await this.#insertAnswer(answer);
    this.#written = written;
  }

  /** Makes everything written visible; nothing here waits, so nobody sees a part of it. */
  apply(): void {
    const written = this.#written;
    if (written !== undefined) this.#refuseOvertaken(written);
    const handled = new Set(this.#claimed.map(({ factId }) => factId));
    for (const factId of written?.unclaimed ?? []) handled.delete(factId);
    for (const claim of this.#claimed) {
      if (handled.has(claim.factId)) this.#database.inbox.set(claim.factId, claim);
    }
    for (const { factId, stream, seq, storedAt } of this.#moved) {
      const there = this.#database.inbox.get(factId);
      if (there?.stream === stream && there.seq < seq)
        this.#database.inbox.set(factId, { ...there, seq, storedAt });
    }
    if (written === undefined) return;
    this.#applyRows(written);
    for (const entry of written.entries) this.#database.entries.push({ entry, at: this.#now });
    for (const envelope of written.envelopes) this.#database.outbox.insert(envelope);
    for (const answer of written.answers) this.#database.requests.set(requestKeyOf(answer), answer);
  }

  /** An uncommitted equal fact id is waited for: the other transaction's end says whether this one is fresh. */
  async #claim(claims: Asked<Tables>["claims"]): Promise<ReadonlySet<string>> {
    const { locks } = this.#database;
    const sorted = [...claims].sort((one, other) => compare(one.factId, other.factId));
    const fresh = new Map<string, Asked<Tables>["claims"][number]>();
    for (const claim of sorted) {
      if (this.#isRepeated(claim)) continue;
      await locks.take(this, `inbox ${claim.factId}`);
      if (this.#isRepeated(claim)) locks.release(this, `inbox ${claim.factId}`);
      else fresh.set(claim.factId, claim);
    }
    this.#claimed = [...fresh.values()];
    return new Set(fresh.keys());
  }

  /** A fact that comes again at a higher place is remembered there, because it leaves no other trace. */
  #isRepeated(claim: Claim): boolean {
    const there = this.#database.inbox.get(claim.factId);
    if (there?.stream === claim.stream && there.seq < claim.seq) this.#moved.push(claim);
    return there !== undefined;
  }

  async #lock<T extends keyof Tables & string>(
    table: T,
    asked: Asked<Tables>,
    versions: Map<string, number>,
  ): Promise<Map<string, Tables[T]>> {
    const { locks, options } = this.#database;
    const rows = new Map<string, Tables[T]>();
    for (const key of [...new Set(asked.keys[table])].sort(compare)) {
      await locks.take(this, `${table} ${key}`);
      const row = this.#database.rowOf(table, key);
      rows.set(key, row?.state ?? options.initial[table](key));
      this.#seen.set(`${table} ${key}`, row?.revision ?? 0);
      if (table === options.aggregates) versions.set(key, row?.version ?? 0);
    }
    return rows;
  }

  async #insertAnswer(answer: RequestKey & Remembered): Promise<void> {
    const key = requestKeyOf(answer);
    await this.#database.locks.take(this, `requests ${key}`);
    if (this.#database.requests.has(key))
      throw new TransactionFailed("conflict", new Error(`request ${key} was answered by another`));
  }

  #applyRows(written: Written<Tables, Entry>): void {
    const { aggregates, isAbsent } = this.#database.options;
    for (const table of this.#database.tables) {
      const told = table === aggregates ? written.versions : new Map<string, number>();
      const changed = written.rows[table] ?? new Map<string, Tables[typeof table]>();
      for (const key of new Set([...changed.keys(), ...told.keys()])) {
        const before = this.#database.rowOf(table, key);
        const state = changed.get(key) ?? before?.state ?? this.#database.options.initial[table](key);
        const version = told.get(key) ?? before?.version ?? 0;
        const row = { state, version, revision: (before?.revision ?? 0) + 1 };
        if (version === 0 && isAbsent[table](state)) this.#database.rows[table].delete(key);
        else this.#database.rows[table].set(key, row);
      }
    }
  }

  /** Before anything is applied, so that a refused transaction leaves nothing. */
  #refuseOvertaken(written: Written<Tables, Entry>): void {
    const { aggregates } = this.#database.options;
    for (const table of this.#database.tables) {
      const told = table === aggregates ? written.versions : new Map<string, number>();
      for (const key of [...(written.rows[table]?.keys() ?? []), ...told.keys()]) {
        if ((this.#database.rowOf(table, key)?.revision ?? 0) !== this.#seen.get(`${table} ${key}`))
          throw new TransactionFailed("conflict", new Error(`${table} ${key} was changed under its lock`));
      }
    }
  }

  #assertLocked(table: string, key: string): void {
    if (!this.#seen.has(`${table} ${key}`))
      throw new Error(`${table} ${key} was changed without being locked`);
  }
}

export function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
