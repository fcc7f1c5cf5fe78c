// How a decider's states are kept as rows: said once per table, in the terms of its MikroORM entity.
import { type EntityName, type InferEntity, type Opt, p } from "@mikro-orm/postgresql";
import type { Instant } from "@quadrille/decider";

/** Columns every table of a decider has. The store alone reads and writes them. */
export const guarded = {
  /** Counts the row's writes; every write names the one it read. */
  revision: p.integer().default(0),
};

/** Columns of the table whose rows tell facts. */
export const aggregate = {
  ...guarded,
  /** Facts told so far; 0 for one that has told none. */
  version: p.integer().default(0),
};

type Bookkeeping = keyof typeof aggregate;
type Plain<Value> = Value extends Opt<infer Inner> ? (unknown extends Inner ? Value : Inner) : Value;

/** An entity's columns by property name, without those of the store. */
export type RowOf<Entity> = {
  [Column in keyof InferEntity<Entity> as Column extends string
    ? Column extends Bookkeeping
      ? never
      : Column
    : never]: Plain<InferEntity<Entity>[Column]>;
};

export type Row = Readonly<Record<string, unknown>>;

/** One table of a decider. Made by `table`. */
export interface Table<State> {
  readonly entity: EntityName;
  readonly key: string;
  toRow(state: State, key: string): Row;
  fromRow(row: Row): State;
  isAbsent(state: State): boolean;
}

/**
 * Describes a table.
 * - `key` is the property a row is found and locked by: the primary key.
 * - `toRow` must also take the initial state: a row that is not there is locked by inserting it.
 * - `isAbsent` says that a state is the initial one. Its row is deleted in the transaction that locked it, unless it
 *   has told facts: then it stays, because its facts must go on being counted.
 */
export function table<Entity extends EntityName, State>(
  entity: Entity,
  about: {
    readonly key: keyof RowOf<Entity> & string;
    readonly toRow: (state: State, key: string) => RowOf<Entity>;
    readonly fromRow: (row: RowOf<Entity>) => State;
    readonly isAbsent: (state: State) => boolean;
  },
): Table<State> {
  return { entity, ...about, fromRow: (row) => about.fromRow(row as RowOf<Entity>) };
}

/** An append-only table of a decider's entries. Made by `ledger`. */
export interface Ledger<Entry> {
  readonly entity: EntityName;
  toRow(entry: Entry, now: Instant): Row;
}

/** Describes a ledger. Columns `toRow` leaves out get their defaults, such as a generated number. */
export function ledger<Entity extends EntityName, Entry>(
  entity: Entity,
  toRow: (entry: Entry, now: Instant) => Partial<RowOf<Entity>>,
): Ledger<Entry> {
  return { entity, toRow };
}

/** Every table of a decider, in the order in which their rows are locked. */
export type TablesOf<Tables> = { readonly [T in keyof Tables]: Table<Tables[T]> };
