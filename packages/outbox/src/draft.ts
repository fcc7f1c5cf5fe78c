// The rows of a group while it is being decided: each input sees what those before it did, and a failed one leaves no trace.
import type { Changes, Keys, Rows } from "@quadrille/decider";

export class Draft<Tables> {
  readonly #rows: { [T in keyof Tables]: Map<string, Tables[T]> };
  readonly #kept = new Map<keyof Tables, Set<string>>();
  #undo: (() => void)[] = [];
  #touched: [keyof Tables, string][] = [];

  constructor(rows: Rows<Tables>) {
    this.#rows = {} as { [T in keyof Tables]: Map<string, Tables[T]> };
    for (const table of Object.keys(rows) as (keyof Tables)[]) this.#rows[table] = new Map(rows[table]);
  }

  get rows(): Rows<Tables> {
    return this.#rows;
  }

  /** Takes over a fact's changes. A row the input did not name is a defect of the decider, and nothing of it is kept. */
  apply(changes: Changes<Tables>, named: Keys<Tables>): void {
    for (const table of Object.keys(changes) as (keyof Tables)[]) {
      for (const [key, state] of changes[table] ?? []) {
        if (!named[table]?.includes(key))
          throw new Error(`evolve changed ${String(table)} ${key}, which the input does not name`);
        const rows = this.#rows[table];
        const before = rows.get(key) as Tables[typeof table];
        this.#undo.push(() => rows.set(key, before));
        this.#touched.push([table, key]);
        rows.set(key, state);
      }
    }
  }

  /** The input succeeded. */
  keep(): void {
    for (const [table, key] of this.#touched) {
      const kept = this.#kept.get(table) ?? new Set();
      this.#kept.set(table, kept.add(key));
    }
    this.#undo = [];
    this.#touched = [];
  }

  /** The input failed: everything is as it was before it. */
  discard(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.#touched = [];
  }

  /** The rows that kept inputs changed, with the state they have now. */
  changed(): { readonly [T in keyof Tables]?: ReadonlyMap<string, Tables[T]> } {
    const changed: { [T in keyof Tables]?: Map<string, Tables[T]> } = {};
    for (const [table, keys] of this.#kept) {
      changed[table] = new Map(
        [...keys].map((key) => [key, this.#rows[table].get(key) as Tables[typeof table]]),
      );
    }
    return changed;
  }
}
