// The shape every decision in this system has: what it may see, what it may answer, how it says no.

/** A moment on the deciding service's own database clock. */
export type Instant = Date;

export function later(moment: Instant, seconds: number): Instant {
  return new Date(moment.getTime() + seconds * 1000);
}

export function earliest(one: Instant | undefined, other: Instant): Instant {
  return one !== undefined && one < other ? one : other;
}

/** The states one decision may look at, by table and key. Every key the input named is present, absent ones in their initial state. */
export type Rows<Tables> = { readonly [T in keyof Tables]: ReadonlyMap<string, Tables[T]> };

/** The rows an input touches, by table. What is not named here can be neither read nor written. */
export type Keys<Tables> = { readonly [T in keyof Tables]?: readonly string[] };

/** The rows a fact changes, by table and key. */
export type Changes<Tables> = { readonly [T in keyof Tables]?: ReadonlyMap<string, Tables[T]> };

/** Something that happened. Facts whose type stands in the catalogue are published; the others stay inside. */
export interface Fact {
  readonly type: string;
}

/**
 * One service's decisions. All of it is pure: the same rows, input and moment give the same facts.
 *
 * - `keys` names the rows, before anything is read.
 * - `decide` answers with facts, stays quiet with `[]`, or throws a `Refusal` that only the caller hears.
 * - `evolve` gives the rows a fact changes; it may change only rows the input named.
 * - `entries` gives the lines a fact adds to append-only ledgers.
 * - `notes` gives the lines an input adds to them, whatever is decided about it; none when it is refused.
 */
export interface Decider<Tables, Input, F extends Fact, Entry = never> {
  readonly initial: { readonly [T in keyof Tables]: (key: string) => Tables[T] };
  keys(input: Input): Keys<Tables>;
  decide(rows: Rows<Tables>, input: Input, now: Instant): readonly F[];
  evolve(rows: Rows<Tables>, fact: F, now: Instant): Changes<Tables>;
  entries?(fact: F): readonly Entry[];
  notes?(input: Input): readonly Entry[];
}

/** A field of a request that is wrong, and why, in the terms of the request. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** A "no" that only the caller must hear. The code is one of the catalogue of refusals. */
export class Refusal<Code extends string = string> extends Error {
  readonly code: Code;
  readonly violations: readonly Violation[];
  /** Facts about this case that help the caller, such as the amount we computed. Never secret. */
  readonly details: Readonly<Record<string, string>>;

  constructor(
    code: Code,
    about: {
      violations?: readonly Violation[];
      details?: Readonly<Record<string, string>>;
      cause?: unknown;
    } = {},
  ) {
    super(code, about.cause === undefined ? {} : { cause: about.cause });
    this.name = "Refusal";
    this.code = code;
    this.violations = about.violations ?? [];
    this.details = about.details ?? {};
  }
}

/** The row of a key that the input named; to ask for any other is a defect of `keys`. */
export function row<State>(rows: ReadonlyMap<string, State>, key: string): State {
  const state = rows.get(key);
  if (state === undefined) throw new Error(`row ${key} was not named by the input's keys`);
  return state;
}

/** Marks what the compiler has proven cannot happen. Names the value and shows nothing else of it: it may hold secrets. */
export function unreachable(value: never): never {
  const { type, status } = Object(value) as { readonly type?: unknown; readonly status?: unknown };
  throw new Error(`unreachable: ${String(type ?? status ?? value)}`);
}
