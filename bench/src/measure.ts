// One measurement of one entrant at one level: load it, let it warm up, and look at clock and counters twice.
import { setTimeout as pause } from "node:timers/promises";
import type { Stack } from "@quadrille/stack";
import type { Load } from "./closed-loop.ts";
import { childRunning, processTimes, usedBy } from "./cpu.ts";
import { type Databases, workDone } from "./durable.ts";
import { difference, type Figures, figuresOf } from "./figures.ts";
import type { Floor } from "./floor.ts";
import type { RemoteLoad } from "./remote-load.ts";

/** Something that is measured: the product, or a floor. */
export interface Entrant {
  readonly name: string;
  readonly load: Load;
  readonly databases: Databases;
  /** What each of its processes has used so far, in seconds. */
  cpu(): ReadonlyMap<string, number>;
}

export interface Measurement {
  readonly entrant: string;
  readonly buyers: number;
  readonly figures: Figures;
  /** Checkouts from start to end, those of the warm-up included. */
  readonly checkouts: number;
  /** Requests that had to be made again. */
  readonly repeats: number;
  readonly commitsEach: number;
  readonly walKibEach: number;
}

export function productEntrant(stack: Stack, load: RemoteLoad): Entrant {
  const pids = new Map([...stack.processes].map(([name, { pid }]) => [name, pid]));
  return { name: "product", load, databases: stack.databases, cpu: cpuOf(pids, () => ownTime(load.pid)) };
}

export function floorEntrant(floor: Floor): Entrant {
  // Its buyers live in this process.
  const driver = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const { kind, load, databases, pids } = floor;
  return { name: `floor, ${kind}`, load, databases, cpu: cpuOf(pids, driver) };
}

function ownTime(pid: number): number {
  return usedBy(pid, processTimes());
}

function cpuOf(pids: ReadonlyMap<string, number>, driver: () => number) {
  return () => {
    const times = processTimes();
    const servers = [
      ["nats", childRunning("nats-server", times)],
      ["postgres", childRunning("postgres", times)],
    ] as const;
    const all = [...pids, ...servers].map(([name, pid]) => [name, usedBy(pid, times)] as const);
    return new Map([...all, ["driver", driver()] as const]);
  };
}

export interface Length {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Ends it early, with an error. */
  readonly signal: AbortSignal;
}

/** Rejects when a checkout failed. */
export async function measure(entrant: Entrant, buyers: number, length: Length): Promise<Measurement> {
  const { name, load, databases } = entrant;
  await load.start(buyers);
  await pause(length.warmUpSeconds * 1_000, undefined, { signal: length.signal });
  const workBefore = await workDone(databases);
  const cpuBefore = entrant.cpu();
  await load.mark();
  await pause(length.seconds * 1_000, undefined, { signal: length.signal });
  const measured = await load.read();
  const cpu = difference(cpuBefore, entrant.cpu());
  const work = await workDone(databases);
  const checkouts = await load.stop();
  return {
    entrant: name,
    buyers,
    figures: figuresOf(measured, cpu),
    checkouts,
    repeats: measured.repeats,
    commitsEach: (work.commits - workBefore.commits) / measured.count,
    walKibEach: (work.walBytes - workBefore.walBytes) / 1024 / measured.count,
  };
}
