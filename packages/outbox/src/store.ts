// What a service holds of its store, whatever keeps it: a group in front, committed facts behind, and a list of those who listen.
import type { Parked } from "@quadrille/contracts/envelope";
import type { Decider, Fact } from "@quadrille/decider";
import { v7 } from "uuid";
import { type Answer, type Cause, type Committed, Group, type OwnCause } from "./group.ts";
import type { LeaseTable } from "./leases.ts";
import type { OutboxTable } from "./outbox-table.ts";
import type { ParkedTable } from "./parked.ts";
import type { ServicePlaces } from "./places.ts";
import { TransactionFailed, type Transactions } from "./transaction.ts";

export interface DecisionOptions<Tables, Input, F extends Fact, Entry> {
  readonly decider: Decider<Tables, Input, F, Entry>;
  /** The table whose rows tell facts; a fact's aggregate id is a key of it. */
  readonly aggregates: keyof Tables & string;
  /** Inputs per transaction, at most; 256. */
  readonly most?: number;
  /** Inputs waiting, at most; 10,000. Beyond it callers are refused with OVERLOADED. */
  readonly queueMost?: number;
  /** UUIDv7s for facts, rising within this process. */
  readonly newId?: (() => string) | undefined;
}

/** Committed facts on their way out: handed over from memory, and in the table when memory had no room or was lost. */
export interface Outbox extends OutboxTable {
  onCommit(listener: (committed: Committed) => void): () => void;
}

export interface Store<Tables, Input> extends AsyncDisposable {
  /** Decides one input and answers once it is committed; see `Group.handle`. */
  handle(input: Input, cause: Cause): Promise<void>;
  /** The answer is not kept: the decision itself recognises a repetition. */
  handle<A>(input: Input, cause: OwnCause, answer: Pick<Answer<Tables, A>, "of">): Promise<A>;
  handle<A>(input: Input, cause: Cause, answer: Answer<Tables, A>): Promise<A>;
  /** What the relay takes. */
  readonly outbox: Outbox;
  readonly parked: ParkedTable;
  /** Where the broker is remembered to keep what was told and heard; the bus compares it with what the broker has. */
  readonly places: ServicePlaces;
  /** Sets a fact aside for good, once per durable and fact. */
  park(parked: Parked): Promise<void>;
  /** Listeners hear of every commit of this process, after it. Returns what ends it. */
  onCommit(listener: (committed: Committed) => void): () => void;
  /**
   * Whether this store has the lease of that name for the next so many ms, newly or again. One store at a time has it;
   * one that is disposed gives it up, one that dies loses it when the time is over.
   */
  lease(name: string, ms: number): Promise<boolean>;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
  /** Inputs that wait for their transaction. */
  readonly queued: number;
  /** Repetitions recognised since the start. */
  readonly duplicates: number;
}

/** What a store stands on. */
export interface Ground<Tables, Entry> {
  readonly transactions: Transactions<Tables, Entry>;
  readonly outbox: OutboxTable;
  readonly parked: ParkedTable;
  readonly leases: LeaseTable;
  readonly places: ServicePlaces;
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

export function storeOn<Tables, Input, F extends Fact, Entry>(
  ground: Ground<Tables, Entry>,
  options: DecisionOptions<Tables, Input, F, Entry>,
): Store<Tables, Input> {
  const listeners = new Set<(committed: Committed) => void>();
  const newId = options.newId ?? (() => v7());
  let duplicates = 0;
  let holder: string | undefined;
  const group = new Group(options.decider, ground.transactions, {
    aggregates: options.aggregates,
    most: options.most ?? 256,
    queueMost: options.queueMost ?? 10_000,
    newId,
    onCommit: (committed) => {
      for (const listener of listeners) listener(committed);
    },
    onDuplicate: () => {
      duplicates += 1;
    },
  });
  const onCommit = (listener: (committed: Committed) => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
  return {
    handle: group.handle.bind(group),
    outbox: { ...ground.outbox, onCommit },
    parked: ground.parked,
    places: ground.places,
    park: (parked) => ground.parked.park(parked),
    onCommit,
    lease(name, ms) {
      holder ??= newId();
      return ground.leases.take(name, holder, ms);
    },
    isReady: () => ground.isReady(),
    get queued() {
      return group.queued;
    },
    get duplicates() {
      return duplicates;
    },
    async [Symbol.asyncDispose]() {
      await group[Symbol.asyncDispose]();
      try {
        if (holder !== undefined) await ground.leases.release(holder);
      } catch (error) {
        if (!(error instanceof TransactionFailed)) throw error; // A database that is gone keeps a lease no longer than it lasts.
      } finally {
        await ground.close();
      }
    },
  };
}
