// A database in memory with the transactions of a real one, for simulations: the same locks, the same visibility, the same failures.
//
// Deterministic: it asks no clock and no die but those it is given, and between two waits nothing else runs. What a
// transaction does is seen by others at its commit, all at once. Rows are locked until then, in the order everyone
// uses. A lock on a row that is not there is a lock on its key. States are kept as they are given: nobody may change
// one in place.
import type { Decider, Fact, Instant } from "@quadrille/decider";
import { MemoryConnection } from "./memory-connection.ts";
import type { MemoryLease } from "./memory-leases.ts";
import { Locks } from "./memory-locks.ts";
import { MemoryOutbox } from "./memory-outbox.ts";
import { MemoryEpochs } from "./memory-places.ts";
import type { Point } from "./memory-transaction.ts";
import type { ParkedRow } from "./parked.ts";
import type { Clock } from "./ports.ts";
import type { Claim, FailureKind, Remembered, RequestKey } from "./transaction.ts";

/**
 * What may go wrong at a point of a transaction. After `lost` and `crash` nothing of it is kept; after
 * `lost_after` and `crash_after`, which only a commit knows, all of it is. A crash ends the whole replica.
 */
export type Fault = FailureKind | "lost_after" | "crash" | "crash_after";

export interface MemoryOptions<Tables> {
  readonly initial: Decider<Tables, never, Fact>["initial"];
  readonly isAbsent: { readonly [T in keyof Tables]: (state: Tables[T]) => boolean };
  readonly aggregates: keyof Tables & string;
  /** What a database would CHECK; false is a data error. */
  readonly checks?: { readonly [T in keyof Tables]?: (state: Tables[T]) => boolean };
  /** The database's own clock; it also ends waits for locks. */
  readonly clock: Clock;
  /** Asked at each point of each transaction. */
  readonly fault?: (point: Point, replica: string) => Fault | undefined;
  /** Milliseconds that each point takes; none unless told otherwise. */
  readonly latencyMs?: (point: Point, replica: string) => number;
  readonly lockWaitMs?: number;
}

export interface MemoryRow<State> {
  readonly state: State;
  /** Facts told so far. */
  readonly version: number;
  readonly revision: number;
}

export class MemoryDatabase<Tables, Entry = never> {
  readonly options: MemoryOptions<Tables>;
  /** In the order in which they are locked: that of `initial`. */
  readonly tables: readonly (keyof Tables & string)[];
  readonly locks: Locks;
  readonly rows: { readonly [T in keyof Tables]: Map<string, MemoryRow<Tables[T]>> };
  readonly entries: { readonly entry: Entry; readonly at: Instant }[] = [];
  readonly inbox = new Map<string, Claim>();
  readonly requests = new Map<string, RequestKey & Remembered>();
  readonly outbox: MemoryOutbox;
  readonly epochs: MemoryEpochs;
  readonly parked = new Map<string, ParkedRow>();
  readonly leases = new Map<string, MemoryLease>();

  constructor(options: MemoryOptions<Tables>) {
    this.options = options;
    this.tables = Object.keys(options.initial) as (keyof Tables & string)[];
    this.locks = new Locks(options.clock, options.lockWaitMs ?? 2_000);
    this.epochs = new MemoryEpochs(options.clock);
    this.outbox = new MemoryOutbox(options.clock, this.epochs);
    this.rows = Object.fromEntries(this.tables.map((table) => [table, new Map()])) as never;
  }

  now(): Instant {
    return new Date(this.options.clock.now());
  }

  rowOf<T extends keyof Tables>(table: T, key: string): MemoryRow<Tables[T]> | undefined {
    return this.rows[table].get(key);
  }

  /** A committed state; the initial one if there is no row. */
  read<T extends keyof Tables>(table: T, key: string): Tables[T] {
    return this.rowOf(table, key)?.state ?? this.options.initial[table](key);
  }

  /** A replica's connection: what its store stands on. */
  connect(replica: string): MemoryConnection<Tables, Entry> {
    return new MemoryConnection(this, replica);
  }
}
