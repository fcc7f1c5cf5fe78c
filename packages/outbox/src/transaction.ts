// What a group of decisions needs of a database: open with everything it may see, write everything it decided, commit.
import type { Envelope } from "@quadrille/contracts/envelope";
import type { Instant, Keys, Rows } from "@quadrille/decider";

/** What identifies a request for ever: who asked, which method, and the id they gave it. */
export interface RequestKey {
  readonly caller: string;
  readonly method: string;
  readonly requestId: string;
}

/** A heard fact's place in the broker, kept in the inbox beside its id. */
export interface Claim {
  readonly factId: string;
  readonly stream: string;
  readonly seq: bigint;
  /** When the broker stored it; undefined where nobody said. */
  readonly storedAt?: Date | undefined;
  /** Which delivery of it this is. */
  readonly deliveries: number;
}

/** An answer that was given, with the hash of the request it answered. */
export interface Remembered {
  readonly hash: string;
  readonly answer: Uint8Array;
}

/** Everything a group asks for at once. Keys may repeat; fact ids and request keys do not. */
export interface Asked<Tables> {
  readonly claims: readonly Claim[];
  readonly keys: Keys<Tables>;
  readonly requests: readonly RequestKey[];
}

/** What a group sees. All rows it asked for are locked until the transaction ends. */
export interface Opened<Tables> {
  /** Fact ids that were not in the inbox before; they are now. */
  readonly fresh: ReadonlySet<string>;
  /** Every key asked for; an absent one in the decider's initial state. */
  readonly rows: Rows<Tables>;
  /** Facts told so far by each aggregate among the rows, by its key; 0 for an absent one. */
  readonly versions: ReadonlyMap<string, number>;
  /** By `requestKeyOf`. Read after the rows were locked. */
  readonly remembered: ReadonlyMap<string, Remembered>;
  /** The database's clock, read once after the rows were locked. */
  readonly now: Instant;
}

/** Everything a group decided. */
export interface Written<Tables, Entry> {
  /** The rows that changed, with the state they have now. */
  readonly rows: { readonly [T in keyof Tables]?: ReadonlyMap<string, Tables[T]> };
  /** New fact counts of the aggregates that told something, by key. */
  readonly versions: ReadonlyMap<string, number>;
  readonly entries: readonly Entry[];
  readonly envelopes: readonly Envelope[];
  readonly answers: readonly (RequestKey & Remembered)[];
  /** Claims whose input failed alone: they must not count as handled. */
  readonly unclaimed: readonly string[];
}

/** Opened once, then written once, even if nothing was decided: rows that were born to be locked go with the write. */
export interface GroupTransaction<Tables, Entry> {
  open(asked: Asked<Tables>): Promise<Opened<Tables>>;
  write(written: Written<Tables, Entry>): Promise<void>;
}

/** Runs work in one transaction: commits when it returns, rolls back when it throws. Fails only with `TransactionFailed`, or with what the work threw. */
export interface Transactions<Tables, Entry> {
  run<Result>(work: (transaction: GroupTransaction<Tables, Entry>) => Promise<Result>): Promise<Result>;
}

/**
 * Why a transaction did not commit, as far as what to do next depends on it.
 * - `conflict`: another transaction was in the way (40001, 40P01, 23505 on a key we lock): run the whole group again.
 * - `busy`: a lock was not to be had in time (55P03): smaller groups.
 * - `lost`: the connection broke or the commit's outcome is unknown: nobody may assume anything.
 * - `data`: one of the inputs cannot be stored: find it.
 */
export type FailureKind = "conflict" | "busy" | "lost" | "data";

export class TransactionFailed extends Error {
  override readonly name = "TransactionFailed";
  readonly kind: FailureKind;
  constructor(kind: FailureKind, cause: unknown) {
    super(`transaction failed: ${kind}`, { cause });
    this.kind = kind;
  }
}

/** A request key as one string; no two keys share one, whatever their parts hold. */
export function requestKeyOf({ caller, method, requestId }: RequestKey): string {
  return JSON.stringify([caller, method, requestId]);
}
