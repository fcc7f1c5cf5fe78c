// Has inputs decided whose time has come: by one replica at a time, and no row keeps another from its turn.
import { isTransientRefusal } from "@quadrille/contracts/refusals";
import type { Store } from "./store.ts";

export interface SweepLog {
  error(about: object, message: string): void;
}

export interface Sweep<Input> {
  /** Names the lease, and the cause of what is decided. */
  readonly name: string;
  /** Inputs whose time has come, the longest waiting first, so many at most. */
  due(most: number): Promise<readonly Input[]>;
  readonly log: SweepLog;
}

/** How long a service waits between two sweeps. */
export const sweepEveryMs = 1_000;
/** Longer than that wait, so that the holder keeps it; a holder that died is missed for so long. */
const leaseMs = 5 * sweepEveryMs;
const inputsMost = 500;

/**
 * Sweeps once, if this replica has the lease. What is due is only found here: its decision looks at the time again, under
 * its lock. An input that fails is logged, and the others go on; rejects when the database cannot be asked.
 */
export async function sweepDue<Tables, Input>(
  store: Store<Tables, Input>,
  { name, due, log }: Sweep<Input>,
): Promise<void> {
  if (!(await store.lease(name, leaseMs))) return;
  const inputs = await due(inputsMost);
  const outcomes = await Promise.allSettled(
    inputs.map((input) => store.handle(input, { kind: "own", id: name })),
  );
  const failed = outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected" ? [{ err: outcome.reason as unknown, input: inputs[index] }] : [],
  );
  const lost = failed.find(({ err }) => isTransientRefusal(err));
  for (const each of failed)
    if (!isTransientRefusal(each.err)) log.error({ sweep: name, ...each }, "not swept");
  if (lost !== undefined) throw lost.err; // Told once: it says the same of every input.
}
