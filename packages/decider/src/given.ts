// Given what happened, when this comes, then these facts: how tests read, over any decider.
//
// It also holds every decision to the decider's promises, in whatever test it is used: the input's keys name all that
// is read or written, the same question twice gives the same answer, and nothing that was handed in is changed.
import assert from "node:assert/strict";
import { type Changes, type Decider, type Fact, type Instant, Refusal, type Rows } from "./decider.ts";

/** Rows as a test writes them down: by table and key, absent ones left out. */
export type Some<Tables> = { readonly [T in keyof Tables]?: Readonly<Record<string, Tables[T]>> };

/** Starts from facts that were told, or from rows as they are. `now` is the time of all that has no other. */
export function given<Tables, Input, F extends Fact, Entry>(
  decider: Decider<Tables, Input, F, Entry>,
  before: readonly F[] | Some<Tables> = [],
  now: Instant = new Date(0),
): Past<Tables, Input, F, Entry> {
  if (!Array.isArray(before)) return new Past(decider, rowsOf(decider, before as Some<Tables>), now);
  return new Past(decider, rowsOf(decider, {}), now).and(before);
}

/** Everything a service knows at one moment. It never changes: what comes next is another past. */
export class Past<Tables, Input, F extends Fact, Entry> {
  readonly #decider: Decider<Tables, Input, F, Entry>;
  /** Rows that were ever written. */
  readonly rows: Rows<Tables>;
  readonly now: Instant;

  constructor(decider: Decider<Tables, Input, F, Entry>, rows: Rows<Tables>, now: Instant) {
    this.#decider = decider;
    this.rows = rows;
    this.now = now;
  }

  /** One row; an absent one in its initial state. */
  state<T extends keyof Tables>(table: T, key: string): Tables[T] {
    return this.rows[table].get(key) ?? this.#decider.initial[table](key);
  }

  at(now: Instant): Past<Tables, Input, F, Entry> {
    return new Past(this.#decider, this.rows, now);
  }

  /** The same with facts that were told meanwhile, whoever decided them. */
  and(facts: readonly F[]): Past<Tables, Input, F, Entry> {
    const rows = mapped(this.rows, (table) => new InitialMap(this.rows[table], this.#decider.initial[table]));
    return new Past(this.#decider, this.#evolved(rows, facts), this.now);
  }

  /** Asks the decider. A refusal is kept in the outcome; any other error is thrown. */
  when(input: Input, now: Instant = this.now): Outcome<Tables, Input, F, Entry> {
    deeplyFrozen(input);
    const named = this.#decider.keys(input);
    const seen = mapped(this.rows, (table) => {
      const keys = named[table] ?? [];
      return new Map(keys.map((key) => [key, deeplyFrozen(this.state(table, key))]));
    });
    try {
      const facts = this.#decider.decide(seen, input, now);
      assert.deepEqual(this.#decider.decide(seen, input, now), facts, "asked twice, it answered differently");
      const past = new Past(this.#decider, this.#evolved(seen, facts, now), now);
      return new Outcome(past, facts, undefined);
    } catch (error) {
      if (error instanceof Refusal) return new Outcome(this.at(now), [], error);
      throw error;
    }
  }

  /** `seen` are the rows a fact may touch; a change of any other is an error. */
  #evolved(seen: Rows<Tables>, facts: readonly F[], now = this.now): Rows<Tables> {
    let after = this.rows;
    for (const fact of facts) {
      const changes = this.#decider.evolve(seen, deeplyFrozen(fact), now);
      seen = merged(seen, changes, (table, key) => {
        assert(
          seen[table].has(key),
          `${fact.type} writes ${String(table)} ${key}, which the keys do not name`,
        );
      });
      after = merged(after, changes);
    }
    return after;
  }
}

/** What came of one input: facts, nothing, or a refusal. */
export class Outcome<Tables, Input, F extends Fact, Entry> {
  /** Everything as it is afterwards; after a refusal, as it was. */
  readonly after: Past<Tables, Input, F, Entry>;
  readonly facts: readonly F[];
  readonly refusal: Refusal | undefined;

  constructor(after: Past<Tables, Input, F, Entry>, facts: readonly F[], refusal: Refusal | undefined) {
    this.after = after;
    this.facts = facts;
    this.refusal = refusal;
  }

  // None of these is called `then`: what has a method of that name is taken for a promise.

  /** It acts: exactly these facts, in this order. Gives what is known afterwards, to go on from. */
  thenFacts(facts: readonly F[]): Past<Tables, Input, F, Entry> {
    assert.equal(this.refusal, undefined);
    assert.deepEqual(this.facts, facts);
    return this.after;
  }

  /** It says no to the caller, and nobody else hears of it. */
  thenRefuses(code: string): Past<Tables, Input, F, Entry> {
    assert.equal(this.refusal?.code, code);
    return this.after;
  }

  /** It stays quiet. */
  thenNothing(): Past<Tables, Input, F, Entry> {
    return this.thenFacts([]);
  }
}

/** Rows of which every absent one is there in its initial state. */
class InitialMap<State> extends Map<string, State> {
  readonly #initial: (key: string) => State;
  constructor(rows: ReadonlyMap<string, State>, initial: (key: string) => State) {
    super();
    this.#initial = initial;
    for (const [key, state] of rows) this.set(key, state);
  }
  override get(key: string): State {
    return super.get(key) ?? this.#initial(key);
  }
  override has(): boolean {
    return true;
  }
}

function rowsOf<Tables>(
  { initial }: { readonly initial: { readonly [T in keyof Tables]: unknown } },
  some: Some<Tables>,
): Rows<Tables> {
  return mapped<Tables>(initial, (table) => new Map(Object.entries(some[table] ?? {}) as never));
}

function mapped<Tables>(
  tables: { readonly [T in keyof Tables]: unknown },
  to: <T extends keyof Tables>(table: T) => ReadonlyMap<string, Tables[T]>,
): Rows<Tables> {
  const names = Object.keys(tables) as (keyof Tables)[];
  return Object.fromEntries(names.map((table) => [table, to(table)])) as Rows<Tables>;
}

function merged<Tables>(
  rows: Rows<Tables>,
  changes: Changes<Tables>,
  onWrite: (table: keyof Tables, key: string) => void = () => {},
): Rows<Tables> {
  return mapped(rows, (table) => {
    const changed = changes[table];
    if (changed === undefined || changed.size === 0) return rows[table];
    const after = rows[table] instanceof InitialMap ? rows[table] : new Map(rows[table]);
    for (const [key, state] of changed) {
      onWrite(table, key);
      (after as Map<string, unknown>).set(key, deeplyFrozen(state));
    }
    return after;
  });
}

/** Freezes plain data all the way down, so that whoever changes what is not theirs is thrown at. */
function deeplyFrozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deeplyFrozen(part);
  return Object.freeze(value);
}
