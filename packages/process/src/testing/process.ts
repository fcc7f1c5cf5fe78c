// A small process that lives as a service does, for tests that send it signals and look at how it ends.

import { openLog } from "../log.ts";
import { exitOnFault, untilSignalled } from "../shutdown.ts";

const log = openLog({ service: "test" });
using _fault = exitOnFault(log);
const behaviour = process.argv[2];
await using open = new AsyncDisposableStack();
const work = setInterval(() => {}, 1_000);
open.defer(() => clearInterval(work));
open.defer(() => {
  log.info({}, "closed");
});
if (behaviour === "hang") open.defer(() => new Promise<void>(() => {}));
const ended = untilSignalled({ log, closeMsMax: 300 }); // Listening before it says so.
log.info({}, "ready");
if (behaviour === "throw") setTimeout(() => JSON.parse("{"), 10);
if (behaviour === "reject") setTimeout(() => void Promise.reject(new Error("nobody cared")), 10);
await ended;
