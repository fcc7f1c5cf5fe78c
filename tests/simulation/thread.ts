// A thread of a simulation: runs the seeds it is given, one after the other, and tells what they came to.
import { parentPort } from "node:worker_threads";
import type { Shift } from "./crew.ts";
import { run } from "./run.ts";
import { count, emptyTally } from "./tally.ts";

// Nobody reads the stacks of the errors that are thrown by the thousand here; whoever replays a seed gets them.
Error.stackTraceLimit = 0;

let running: number | undefined;
process.on("unhandledRejection", (error) => {
  throw new Error(`seed ${running}: a promise was rejected and nobody heard`, { cause: error });
});

parentPort?.on("message", async ({ first, end, faults, orders, isHashed }: Shift) => {
  const tally = emptyTally();
  for (let seed = first; seed < end; seed += 1) {
    running = seed;
    count(tally, await run({ seed, faults, orders, isTraced: isHashed }));
  }
  parentPort?.postMessage(tally);
});
