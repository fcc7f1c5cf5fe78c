// For tests of a service's store: facts heard as often as the run says, and rows held to what the decider alone would know.
import assert from "node:assert/strict";
import type { FactCause } from "@quadrille/contracts/envelope";
import { type Decider, type Fact, type Keys, Refusal, type Rows } from "@quadrille/decider";
import { v7 } from "uuid";
import type { Store } from "../store.ts";

/** With QUADRILLE_DELIVER_TWICE=1 every fact is heard twice, as after a lost acknowledgement. */
const deliveries = process.env.QUADRILLE_DELIVER_TWICE === "1" ? 2 : 1;

export const factCause = (id: string = v7()): FactCause => {
  const place = { stream: "QUADRILLE_TEST", seq: 1n, deliveries: 1 };
  return { kind: "fact", id, ...place, traceparent: undefined, alone: false };
};

/** Hears one fact, as often as this run says; the inbox must have counted every repetition. */
export async function hear<Tables, Input>(
  store: Store<Tables, Input>,
  input: Input,
  cause: FactCause = factCause(),
): Promise<void> {
  for (let delivery = 1; delivery <= deliveries; delivery += 1) {
    const before = store.duplicates;
    await store.handle(input, cause);
    if (delivery > 1) assert.equal(store.duplicates, before + 1, "the inbox did not recognise a repetition");
  }
}

/** What one input came to: what was told, and the rows it named as they are afterwards. */
interface Seen<Tables> {
  readonly facts: readonly Fact[];
  readonly rows: { readonly [T in keyof Tables]: readonly (readonly [string, unknown])[] };
  readonly now: Date;
}

/**
 * Gives the inputs to the store, one after the other, and to the decider alone, which forgets nothing. The store
 * reads each row back for the next input, so any state that does not survive its row makes the two differ.
 * A pair is an input with its cause; otherwise it is heard as a fact. Gives the rows as the decider knows them.
 */
export async function sameAsDecider<Tables, Input, F extends Fact, Entry>(
  store: Store<Tables, Input>,
  decider: Decider<Tables, Input, F, Entry>,
  inputs: readonly Input[],
): Promise<Rows<Tables>> {
  const model = mapped(decider.initial, () => new Map<string, unknown>()) as unknown as {
    [T in keyof Tables]: Map<string, Tables[T]>;
  };
  let now = new Date();
  for (const input of inputs) {
    const keys = decider.keys(input);
    const rows = mapped(decider.initial, (table) => {
      const named = keys[table] ?? [];
      return new Map(named.map((key) => [key, model[table].get(key) ?? decider.initial[table](key)]));
    }) as { [T in keyof Tables]: Map<string, Tables[T]> };
    const said = await told(store, input, keys);
    if (!(said instanceof Refusal)) now = said.now;
    const expected = alone(decider, rows, input, now);
    if (said instanceof Refusal) {
      assert(expected instanceof Refusal, `the store refused ${said.code}, the decider did not`);
      assert.equal(said.code, expected.code);
      continue;
    }
    assert(!(expected instanceof Refusal), "the decider refused, the store did not");
    assert.deepStrictEqual(said.facts, expected);
    assert.deepStrictEqual(
      said.rows,
      mapped(decider.initial, (table) => [...rows[table]]),
    );
    for (const table of Object.keys(rows) as (keyof Tables)[])
      for (const [key, state] of rows[table]) model[table].set(key, state);
  }
  return model;
}

async function told<Tables, Input>(store: Store<Tables, Input>, input: Input, keys: Keys<Tables>) {
  try {
    return await store.handle(
      input,
      { kind: "own", id: v7() },
      {
        of: (rows, facts, now): Seen<Tables> => ({
          facts,
          rows: mapped(rows, (table) =>
            (keys[table] ?? []).map((key) => [key, rows[table].get(key)] as const),
          ),
          now,
        }),
      },
    );
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Decides without any store; the rows are then as they are after it. */
function alone<Tables, Input, F extends Fact, Entry>(
  decider: Decider<Tables, Input, F, Entry>,
  rows: { [T in keyof Tables]: Map<string, Tables[T]> },
  input: Input,
  now: Date,
): readonly F[] | Refusal {
  try {
    const facts = decider.decide(rows, input, now);
    for (const fact of facts) {
      const changes = decider.evolve(rows, fact, now);
      for (const table of Object.keys(changes) as (keyof Tables)[])
        for (const [key, state] of changes[table] ?? []) rows[table].set(key, state);
    }
    return facts;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function mapped<Tables, Value>(
  tables: { readonly [T in keyof Tables]: unknown },
  to: (table: keyof Tables) => Value,
): { readonly [T in keyof Tables]: Value } {
  const names = Object.keys(tables) as (keyof Tables)[];
  return Object.fromEntries(names.map((table) => [table, to(table)])) as { [T in keyof Tables]: Value };
}
