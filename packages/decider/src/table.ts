// A decision table: what a decider answers to every input in every state, written down so that the compiler misses no cell.

/** It acts: these facts, by name, and the state they lead to. */
export interface Acts<Status extends string, Name extends string> {
  readonly acts: readonly Name[];
  readonly becomes: Status;
}
/** It says no to the caller. */
export interface Refuses<Code extends string> {
  readonly refuses: Code;
}
/** It was done before, or comes too late to matter. */
export type Quiet = "quiet";

export type Cell<Status extends string, Name extends string, Code extends string> =
  | Acts<Status, Name>
  | Refuses<Code>
  | Quiet;

/** A table as its readers see it: states, and in each the answer to every input. A name's part after a comma is its special case. */
export type Table = Readonly<Record<string, Readonly<Record<string, Cell<string, string, string>>>>>;

export const quiet: Quiet = "quiet";

export function acts<Status extends string, Name extends string>(
  becomes: Status,
  ...names: readonly Name[]
): Acts<Status, Name> {
  return { acts: names, becomes };
}

export function refuses<Code extends string>(code: Code): Refuses<Code> {
  return { refuses: code };
}

/** What came of an input, as a cell: to be compared with the one that was written down. */
export function cellOf<Told extends Outcome>(
  outcome: Told,
  nameOf: (fact: Told["facts"][number]) => string,
  statusOf: (after: Told["after"]) => string,
): Cell<string, string, string> {
  if (outcome.refusal !== undefined) return refuses(outcome.refusal.code);
  return outcome.facts.length === 0 ? quiet : acts(statusOf(outcome.after), ...outcome.facts.map(nameOf));
}

interface Outcome {
  readonly facts: readonly unknown[];
  readonly refusal: { readonly code: string } | undefined;
  readonly after: unknown;
}
