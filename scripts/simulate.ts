// npm run simulate: the whole checkout in one process, on a virtual clock, with everything going wrong that may; see --help.
//
// Each seed is a run of its own: other faults, other buyers, another order of events. A seed that breaks a law is made as
// small as can be, and what to type to see it is printed.
import { runAll } from "../tests/simulation/crew.ts";
import { type Flags, readFlags, usage } from "../tests/simulation/flags.ts";
import { run } from "../tests/simulation/run.ts";
import { commandOf, shrink } from "../tests/simulation/shrink.ts";
import {
  add,
  count,
  emptyTally,
  type Failure,
  factsTable,
  hashOf,
  swarmTable,
  type Tally,
} from "../tests/simulation/tally.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
/** Of a seed when the command does not say. */
const usualOrders = 10;
const progressEveryMs = 10_000;

process.exitCode = 1;
const flags = flagsOrUsage();
if (flags !== undefined) {
  const started = performance.now();
  const tally =
    flags.isTraced || flags.runs === 1 ? await runHere(flags) : await runInThreads(flags, started);
  if (flags.runs > 1) for (const line of [...swarmTable(tally), "", ...factsTable(tally)]) say(line);
  if (flags.runs > 1 && flags.isHashed) say(`sha-256 of all ${hashOf(tally)}`);
  for (const failure of tally.failures.slice(0, flags.failuresMost)) await explain(failure, flags);
  say(`${tally.runs} seeds, ${verdictOf(tally)}, ${countsOf(tally)}`);
  // Beside what a seed decides, which is the same each time.
  process.stderr.write(`${speed(tally, flags, started)}\n`);
  if (tally.failures.length === 0) process.exitCode = 0;
}

function flagsOrUsage(): Flags | undefined {
  const args = process.argv.slice(2);
  try {
    if (!args.includes("--help")) return readFlags(args);
    process.exitCode = 0;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
  say(usage);
  return undefined;
}

async function runHere({ seed: first, runs, faults, orders, isTraced, isHashed }: Flags): Promise<Tally> {
  const tally = emptyTally();
  for (let seed = first; seed < first + runs; seed += 1) {
    const outcome = await run({ seed, faults, orders, isTraced: isHashed });
    count(tally, outcome);
    if (isTraced) for (const line of outcome.trace) say(line);
    say(`seed ${seed}: ${outcome.enabled.join(", ") || "no faults"}`);
    say(`sha-256 ${outcome.hash}`);
  }
  return tally;
}

async function runInThreads(asked: Flags, started: number): Promise<Tally> {
  let saidAt = started;
  const onProgress = (sum: Tally) => {
    if (performance.now() - saidAt < progressEveryMs) return;
    saidAt = performance.now();
    say(`${sum.runs} seeds, ${verdictOf(sum)}, ${countsOf(sum)}; ${speed(sum, asked, started)}`);
  };
  const tally = emptyTally();
  add(tally, await runAll({ ...asked, onProgress }));
  return tally;
}

function verdictOf({ failures }: Tally): string {
  return failures.length === 0 ? "0 breaches" : `${failures.length} FAILED`;
}

function countsOf({ orders, accepted }: Tally): string {
  return `${orders} orders asked for, ${accepted} accepted`;
}

function speed({ orders }: Tally, { jobs, runs }: Flags, started: number): string {
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage();
  const perThread = orders / seconds / (runs === 1 ? 1 : jobs);
  // Whoever shares the machine makes the first figure smaller, and the second only a little.
  const perCore = orders / ((user + system) / 1_000_000);
  return `${seconds.toFixed(1)} s: ${perThread.toFixed(0)} orders/s per thread, ${perCore.toFixed(0)} per second of a core`;
}

async function explain({ seed, enabled, breaches }: Failure, { orders, faults }: Flags): Promise<void> {
  const isOwn = faults === undefined && orders.length === usualOrders;
  const replay = isOwn
    ? `npm run simulate -- --seed ${seed} --trace`
    : commandOf({ seed, faults: enabled, orders });
  say(`\nseed ${seed} fails; replay it: ${replay}`);
  for (const breach of breaches.slice(0, 5)) say(`  ${breach}`);
  const smallest = await shrink({ seed, faults: enabled, orders });
  const which = smallest.isSmallest ? "the smallest" : "the smallest that was found in time";
  say(`${which} that fails the same way: ${commandOf(smallest)}`);
  for (const breach of smallest.breaches.slice(0, 3)) say(`  ${breach}`);
}
