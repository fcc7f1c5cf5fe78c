// Runs many seeds on several threads. Each thread asks for the next few seeds when it is done with its own.
import { Worker } from "node:worker_threads";
import type { Flags } from "./flags.ts";
import { add, emptyTally, type Tally } from "./tally.ts";

/** Seeds one thread is given. */
export interface Shift extends Pick<Flags, "faults" | "orders" | "isHashed"> {
  readonly first: number;
  readonly end: number;
}

const seedsPerShift = 25;
/** What dies young should not be carried about: a run leaves nothing behind. */
const youngMegabytes = 96;

export interface CrewOptions
  extends Pick<Flags, "seed" | "runs" | "faults" | "orders" | "isHashed" | "jobs"> {
  /** No further seed is begun after so many failed. */
  readonly failuresMost: number;
  /** Called after each shift. */
  readonly onProgress?: (sum: Tally) => void;
}

export async function runAll(options: CrewOptions): Promise<Tally> {
  const { seed, runs, faults, orders, isHashed, jobs, failuresMost, onProgress } = options;
  const sum = emptyTally();
  let next = seed;
  const shift = (): Shift | undefined => {
    if (next >= seed + runs || sum.failures.length >= failuresMost) return undefined;
    const first = next;
    next = Math.min(seed + runs, first + seedsPerShift);
    return { first, end: next, faults, orders, isHashed };
  };
  const threads = Math.min(jobs, Math.ceil(runs / seedsPerShift));
  const work = () =>
    runThread(shift, (part) => {
      add(sum, part);
      onProgress?.(sum);
    });
  await Promise.all(Array.from({ length: threads }, work));
  sum.failures.sort((one, other) => one.seed - other.seed);
  return sum;
}

async function runThread(shift: () => Shift | undefined, onDone: (part: Tally) => void): Promise<void> {
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const give = () => {
    const next = shift();
    if (next === undefined) resolve();
    else worker.postMessage(next);
  };
  worker.on("message", (part: Tally) => {
    onDone(part);
    give();
  });
  worker.on("error", reject);
  give();
  try {
    await promise;
  } finally {
    await worker.terminate();
  }
}
