// Runs some thousands of seeds of the simulation: what was never tried together is tried here, before anybody else does.
import { events } from "@quadrille/contracts/events";
import { runAll } from "../../tests/simulation/crew.ts";
import { kindNames } from "../../tests/simulation/faults.ts";
import { readFlags } from "../../tests/simulation/flags.ts";
import { kindIn, kindsPerRun } from "../../tests/simulation/tally.ts";

const runs = 3_000;
/** Of the seeds, that have each kind of fault. */
const shareLeast = 0.01;
const kindsLeast = 2;
/** The answer to money for an order that is not there any more, and no run loses a database. */
const neverTold = "order.confirmation_failed";

/** A line for each seed that breaks a law, and for whatever the swarm left out. */
export async function simulated(): Promise<readonly string[]> {
  const tally = await runAll({ ...readFlags(["--seed=1", `--runs=${runs}`]), isHashed: false });
  const found = tally.failures.map(
    ({ seed, breaches }) => `npm run simulate -- --seed ${seed} --trace: ${breaches[0]}`,
  );
  if (kindsPerRun(tally) < kindsLeast) found.push(`a seed has only ${kindsPerRun(tally)} kinds of faults`);
  for (const kind of kindNames) {
    const { enabled, strikes } = kindIn(tally, kind);
    if (enabled < tally.runs * shareLeast || strikes === 0)
      found.push(`${kind} is in ${enabled} of ${tally.runs} seeds and happened ${strikes} times`);
  }
  for (const { type } of Object.values(events))
    if (tally.told[type] === undefined && type !== neverTold)
      found.push(`no order of ${tally.orders} came by ${type}`);
  return found;
}
