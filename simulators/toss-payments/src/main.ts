// main.ts: closed in reverse order of opening.
import { readConfig } from "./config.ts";
import { jsonLog } from "./log.ts";
import { startSimulator } from "./server.ts";

const log = jsonLog((line) => process.stdout.write(line), Date.now);
try {
  const config = readConfig(process.env);
  await using simulator = await startSimulator(config, { now: Date.now, log });
  const signalled = new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"]) process.once(name, resolve);
  });
  log("ready", { address: simulator.address, seed: config.seed, dataDir: config.dataDir ?? null });
  log("closing", { signal: await signalled });
} catch (error) {
  log("failed", { error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
