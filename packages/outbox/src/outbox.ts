// The store of one service: its decisions on PostgreSQL, its outbox, and an EntityManager for ordinary reads.
import { type EntityManager, type EntityName, MikroORM } from "@mikro-orm/postgresql";
import type { Parked } from "@quadrille/contracts/envelope";
import type { Decider, Fact } from "@quadrille/decider";
import { v7 } from "uuid";
import { connection, type DatabaseConfig } from "./database.ts";
import { type Answer, type Cause, type Committed, Group } from "./group.ts";
import { type OutboxTable, openOutboxTable } from "./outbox-table.ts";
import { park } from "./parked.ts";
import { PostgresTransactions } from "./postgres.ts";
import type { Ledger, TablesOf } from "./tables.ts";

export type { DatabaseConfig } from "./database.ts";
export type { Answer, Cause, Committed } from "./group.ts";

export interface StoreOptions<Tables, Input, F extends Fact, Entry> {
  readonly database: DatabaseConfig;
  readonly decider: Decider<Tables, Input, F, Entry>;
  /** The table whose rows tell facts; a fact's aggregate id is a key of it. */
  readonly aggregates: keyof Tables & string;
  /** In the order in which rows are locked. */
  readonly tables: TablesOf<Tables>;
  readonly ledger?: Ledger<Entry>;
  /** Entities that are only read. */
  readonly entities?: readonly EntityName[];
  /** Inputs per transaction, at most; 256. */
  readonly most?: number;
  /** Inputs waiting, at most; 10,000. Beyond it callers are refused with OVERLOADED. */
  readonly queueMost?: number;
  /** UUIDv7s for facts, rising within this process. */
  readonly newId?: () => string;
}

export interface Store<Tables, Input> extends AsyncDisposable {
  /** Decides one input and answers once it is committed; see `Group.handle`. */
  handle(input: Input, cause: Cause): Promise<void>;
  handle<A>(input: Input, cause: Cause, answer: Answer<Tables, A>): Promise<A>;
  /** For ordinary reads; a fresh one each time. */
  em(): EntityManager;
  /** What the relay takes. */
  readonly outbox: Outbox;
  /** Sets a fact aside for good, once per durable and fact. */
  park(parked: Parked): Promise<void>;
  /** Listeners hear of every commit of this process. Returns what ends it. */
  onCommit(listener: (committed: Committed) => void): () => void;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
  /** Inputs that wait for their transaction. */
  readonly queued: number;
  /** Repetitions recognised since the start. */
  readonly duplicates: number;
}

/** Committed facts on their way out: from memory, and from the table when memory had no room or was lost. */
export interface Outbox extends OutboxTable {
  onCommit(listener: (committed: Committed) => void): () => void;
}
