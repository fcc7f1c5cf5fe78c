// npm run bench: how many checkouts a second, how long each takes, what it costs, and how far that is from the floor.
//
// Everything runs on a system of its own in a temporary folder, which is gone afterwards. The product and the floors
// stand on the same PostgreSQL and the same nats-server, and take turns at every level: what one is measured with, the
// others were measured with a moment ago.
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Stack, startStack } from "@quadrille/stack";
import { type Footprint, faultsOf, footprintOf } from "./durable.ts";
import { type Flags, readFlags, usage } from "./flags.ts";
import { startFloor } from "./floor.ts";
import { auditOf } from "./lawful.ts";
import { makeMarket } from "./market.ts";
import {
  type Entrant,
  floorEntrant,
  type Length,
  type Measurement,
  measure,
  productEntrant,
} from "./measure.ts";
import { startRemoteLoad } from "./remote-load.ts";
import { cpuTable, floorFaults, footprintFaults, footprintTable, speedTable } from "./report.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
/** Before the first level everything runs this often as long as a warm-up, so that no level pays for the compilers. */
const warmUpsFirst = 2;
const warmUpBuyers = 64;
const settledMsMax = 20_000;
/** Where the grouped floor must show what groups are good for. */
const highConcurrency = { buyersFrom: 64, factor: 3 };

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());

process.exitCode = 1;
const flags = flagsOrUsage();
if (flags !== undefined) {
  const faults = await run(flags);
  for (const fault of faults) say(`FAULT: ${fault}`);
  if (faults.length === 0) process.exitCode = 0;
}

function flagsOrUsage(): Flags | undefined {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return undefined;
  }
}

/** Answers with what was wrong, a sentence each. */
async function run(flags: Flags): Promise<readonly string[]> {
  await using open = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "quadrille-bench-"));
  open.defer(() => rm(dataDir, { recursive: true, force: true }));
  if (flags.profileDir !== undefined) await mkdir(flags.profileDir, { recursive: true });
  const log = createWriteStream(join(dataDir, "services.log"));
  const profile =
    flags.profileDir === undefined ? "" : ` --cpu-prof --cpu-prof-dir=${resolve(flags.profileDir)}`;
  const stack = open.use(
    await startStack({
      dataDir,
      env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""}${profile}` },
      log: (name, line) => log.write(`${name} ${line}\n`),
    }),
  );
  const entrants = await makeEntrants(flags, stack, open);
  const all: Measurement[] = [];
  const checkouts = new Map<Entrant, number>();
  const { signal } = stop;
  const go = async (entrant: Entrant, buyers: number, length: Omit<Length, "signal">) => {
    const measurement = await measure(entrant, buyers, { ...length, signal });
    checkouts.set(entrant, (checkouts.get(entrant) ?? 0) + measurement.checkouts);
    return measurement;
  };
  const seconds = flags.warmUpSeconds;
  for (const entrant of entrants)
    await go(entrant, warmUpBuyers, { warmUpSeconds: seconds * (warmUpsFirst - 1), seconds });
  for (const buyers of flags.levels)
    for (const entrant of entrants) {
      all.push(await go(entrant, buyers, flags));
      if (all.at(-1)?.figures.perSecond === 0) throw new Error(`${entrant.name} finished nothing in time`);
      const { perSecond, p50 } = (all.at(-1) as Measurement).figures;
      say(`${entrant.name}, ${buyers} buyers: ${perSecond.toFixed(0)} checkouts/s, p50 ${p50.toFixed(1)} ms`);
    }
  return await conclude(flags, all, checkouts, stack);
}

async function makeEntrants(flags: Flags, stack: Stack, open: AsyncDisposableStack): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  const market = await makeMarket(stack);
  if (flags.only !== "floor") {
    const load = open.use(await startRemoteLoad(join(import.meta.dirname, "driver.ts"), market));
    entrants.push(productEntrant(stack, load));
  }
  if (flags.only !== "product")
    for (const kind of ["grouped", "one message a transaction"] as const)
      entrants.push(floorEntrant(open.use(await startFloor(kind, stack.databases, stack.natsUrl))));
  return entrants;
}

/** Prints everything, and checks that every checkout was done whole. */
async function conclude(
  flags: Flags,
  all: readonly Measurement[],
  checkouts: ReadonlyMap<Entrant, number>,
  stack: Stack,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const footprints = new Map<string, Footprint>();
  for (const [{ name, databases }, count] of checkouts) {
    const found = await faultsOf(databases, count, settledMsMax);
    faults.push(...found.map((fault) => `${name}, ${fault}`));
    footprints.set(name, await footprintOf(databases, count));
    if (name === "product") faults.push(...(await lawFaults(stack)));
    say(
      `${name}: ${count} checkouts in all, ${found.length === 0 ? "each settled, every sum even" : "NOT all whole"}`,
    );
  }
  faults.push(...footprintFaults(footprints));
  faults.push(...floorFaults(all, highConcurrency.buyersFrom, highConcurrency.factor));
  say(`\n${speedTable(all)}\n\n${cpuTable(all)}\n\n${footprintTable(footprints)}\n`);
  if (flags.json !== undefined) await writeFile(flags.json, JSON.stringify(all.map(plain), null, 1));
  return faults;
}

async function lawFaults(stack: Stack): Promise<readonly string[]> {
  const { table, faults } = await auditOf(stack);
  say(`\n${table}\n`);
  return faults;
}

function plain({ figures, ...rest }: Measurement) {
  return { ...rest, ...figures, cpu: Object.fromEntries(figures.cpu) };
}
