// The gate, the same here and in CI: every check and every test, then one line that says how many held.
//
//   npm test            everything, with real servers and processes
//   npm run check       the part that needs no server
//
// A step that fails prints its output; the gate goes on, so that one run shows every fault.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiFaults } from "./gate/api-lint.ts";
import { measure } from "./gate/coverage.ts";
import { apiDocument, drift } from "./gate/generated.ts";
import { endProcesses, leftovers, markName } from "./gate/leftovers.ts";
import { missedRules } from "./gate/missed-rules.ts";
import { simulated } from "./gate/simulated.ts";
import { check, command, type Outcome, type Step, tests, timed, type Workshop } from "./gate/step.ts";

const coveredPercentMin = 95;
const root = join(import.meta.dirname, "..");
const withServers = !process.argv.includes("--check");

const folder = mkdtempSync(join(realpathSync(tmpdir()), "quadrille-gate-"));
chmodSync(folder, 0o711); // PostgreSQL may run as another account, which must pass through.
const [own, temporary, raw] = ["own", "tmp", "coverage"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
for (const each of [own, temporary, raw]) mkdirSync(each);
chmodSync(temporary, 0o711);

// What the last release promised. Before the first one nothing is promised to anybody.
const baseline = join(root, "proto", "baseline.binpb");

const env = {
  ...process.env,
  TMPDIR: temporary,
  [markName]: folder,
  CI: "true",
  // It would lie in the temporary folder, and what comes out of it is counted less exactly.
  NODE_DISABLE_COMPILE_CACHE: "1",
};
const shop: Workshop = { root, folder: own, env, open: new Set() };
const counted = { NODE_V8_COVERAGE: raw };
const twice = { QUADRILLE_DELIVER_TWICE: "1" };
// Its histories say themselves what is delivered how often, so the second run would be the first once more.
const bridge = "/tests/simulation/bridge\\.db\\.test\\.ts$";

// What is static runs side by side; what measures time or needs a server has the machine to itself.
const statics: readonly Step[] = [
  command(shop, "format and lint", "biome", "ci", "--colors=off", "."),
  command(shop, "types", "tsc", "--noEmit", "--pretty", "false"),
  command(shop, "types of the page", "tsc", "-p", "services/gateway/src/page", "--pretty", "false"),
  command(shop, "buf lint", "buf", "lint"),
  ...(existsSync(baseline) ? [command(shop, "buf breaking", "buf", "breaking", "--against", baseline)] : []),
  check("generated files", drift),
  check("OpenAPI lint", () => apiFaults(join(root, apiDocument))),
];
const plain = [
  tests(shop, "import law and style", ["tidy"]),
  tests(shop, "unit", ["unit"], counted),
  check("simulation", simulated),
];
const served = [
  check("safety rules taken out", () => missedRules(root)),
  tests(shop, "db", ["db"], counted),
  tests(shop, "nats", ["nats"], counted),
  tests(shop, "db, each message twice", ["db"], twice, [bridge]),
  tests(shop, "nats, each message twice", ["nats"], twice),
  tests(shop, "e2e", ["e2e"], counted),
  timed("coverage", coverage),
];
const last = check("nothing left behind", () => leftovers(temporary, folder));

let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => void interrupt(signal));

const started = performance.now();
const outcomes: Outcome[] = [];
await Promise.all(statics.map(report));
for (const step of [...plain, ...(withServers ? served : []), last]) await report(step);
await endProcesses(temporary, folder);
rmSync(folder, { recursive: true, force: true });
conclude();

async function report(step: Step): Promise<void> {
  if (interrupted) return;
  const outcome = await step.run();
  outcomes.push(outcome);
  console.log(line(outcome));
  if (outcome.failed > 0) console.log(`${outcome.output.replaceAll(/^/gm, "    ")}\n`);
}

function line({ name, passed, failed, seconds, note }: Outcome): string {
  const figures =
    note ?? (passed + failed > 1 ? `${passed} passed${failed > 0 ? `, ${failed} FAILED` : ""}` : "");
  return `${failed === 0 ? "ok    " : "FAILED"} ${name.padEnd(26)} ${seconds.toFixed(1).padStart(6)} s  ${figures}`.trimEnd();
}

/** Of the files that Jest's configuration names, so that both mean the same. */
async function coverage(): Promise<Omit<Outcome, "name" | "seconds">> {
  const { default: config } = (await import(join(root, "jest.config.js"))) as {
    default: { collectCoverageFrom: readonly string[] };
  };
  const files = measure(root, config.collectCoverageFrom, raw);
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const uncovered = files.reduce((sum, file) => sum + file.uncovered.length, 0);
  const percent = lines === 0 ? 0 : (1 - uncovered / lines) * 100;
  const enough = percent >= coveredPercentMin;
  const holes = files
    .filter((file) => file.uncovered.length > 0)
    .sort((a, b) => b.uncovered.length - a.uncovered.length)
    .map(
      (file) =>
        `${String(file.uncovered.length).padStart(4)} of ${file.lines} lines in ${file.path}: ${file.uncovered}`,
    );
  return {
    passed: enough ? 1 : 0,
    failed: enough ? 0 : 1,
    note: `${percent.toFixed(2)} % of ${lines} lines, ${coveredPercentMin} wanted`,
    output: holes.join("\n"),
  };
}

/** A second signal changes nothing: what runs is already ending. */
async function interrupt(signal: NodeJS.Signals): Promise<void> {
  if (interrupted) return;
  interrupted = true;
  console.log(`\nEnding on ${signal}.`);
  await Promise.all([...shop.open].map((child) => child[Symbol.asyncDispose]()));
}

function conclude(): void {
  const sum = (pick: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `\n${outcomes.map(line).join("\n")}\n${" ".repeat(33)} ${seconds.toFixed(1).padStart(6)} s in all\n`,
  );
  if (interrupted) console.log("Not every step ran.");
  console.log(`${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`);
  process.exitCode = interrupted || sum(({ failed }) => failed) > 0 ? 1 : 0;
}
