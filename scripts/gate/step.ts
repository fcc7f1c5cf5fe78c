// One step of the gate: a command or a function, its time, its output kept for when it fails.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "@quadrille/embedded/child";

export interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** Shown when something failed. */
  readonly output: string;
  /** Shown behind the name: "95.3 % of lines". */
  readonly note?: string | undefined;
}

export interface Step {
  readonly name: string;
  run(): Promise<Outcome>;
}

export interface Workshop {
  readonly root: string;
  /** A folder of this run alone, its TMPDIR. */
  readonly folder: string;
  /** What each command gets as its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends running commands when the gate is told to end. */
  readonly open: Set<AsyncDisposable>;
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

/** A program whose exit code is its verdict; it counts as one check. */
export function command(shop: Workshop, name: string, program: string, ...args: string[]): Step {
  const run = async () => {
    const { code, output } = await execute(
      shop,
      name,
      join(shop.root, "node_modules", ".bin", program),
      args,
    );
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output };
  };
  return timed(name, run);
}

/** A function that answers with one line for each fault; it counts as one check. */
export function check(name: string, faults: () => Promise<readonly string[]> | readonly string[]): Step {
  return timed(name, async () => {
    const found = await faults();
    return {
      passed: found.length === 0 ? 1 : 0,
      failed: found.length === 0 ? 0 : 1,
      output: found.join("\n"),
    };
  });
}

/** The tests of one or more Jest projects, each counted; but for the files at these paths. */
export function tests(
  shop: Workshop,
  name: string,
  projects: readonly string[],
  env: NodeJS.ProcessEnv = {},
  except: readonly string[] = [],
): Step {
  return timed(name, async () => {
    const report = join(shop.folder, `${name.replaceAll(/\W+/g, "-")}.json`);
    const jest = ["--experimental-vm-modules", join(shop.root, "node_modules", "jest", "bin", "jest.js")];
    const wanted = [
      "--ci",
      "--maxWorkers=2",
      "--json",
      `--outputFile=${report}`,
      "--selectProjects",
      ...projects,
      ...(except.length > 0 ? ["--testPathIgnorePatterns", "/node_modules/", ...except] : []),
    ];
    const quiet = { FORCE_COLOR: "0", NO_COLOR: "1", NODE_ENV: "test" };
    const described = { ...shop, env: { ...shop.env, ...quiet, ...env } };
    const run = await execute(described, name, process.execPath, [...jest, ...wanted]);
    return { ...count(run.code, await readReport(report)), output: failuresOf(run.output) };
  });
}

export function timed(name: string, run: () => Promise<Omit<Outcome, "name" | "seconds">>): Step {
  const runTimed = async () => {
    const started = performance.now();
    const result = await run().catch((error: unknown) => ({ passed: 0, failed: 1, output: String(error) }));
    return { ...result, name, seconds: (performance.now() - started) / 1000 };
  };
  return { name, run: runTimed };
}

/** A suite that could not even be loaded failed; so did a test that was left out, and a run without any. */
function count(code: number, report: JestReport | undefined): { passed: number; failed: number } {
  if (report === undefined) return { passed: 0, failed: 1 };
  const failed = report.numFailedTests + report.numPendingTests + report.numRuntimeErrorTestSuites;
  const silent = failed === 0 && (code !== 0 || report.numPassedTests === 0);
  return { passed: report.numPassedTests, failed: silent ? 1 : failed };
}

async function readReport(path: string): Promise<JestReport | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as JestReport;
  } catch {
    return undefined; // Jest ended before it could write one; its output says why.
  }
}

/** What failed, without what passed and without the report, which Jest prints as well. */
function failuresOf(output: string): string {
  const lines = output.split("\n");
  return lines.filter((line) => !/^(PASS |\s+✓ |\{"numFailedTestSuites")/.test(line)).join("\n");
}

async function execute(shop: Workshop, name: string, program: string, args: readonly string[]) {
  const lines: string[] = [];
  const { root: cwd, env } = shop;
  const child = await startChild({ name, command: program, args, cwd, env, log: (line) => lines.push(line) });
  shop.open.add(child);
  const how = await child.exited;
  shop.open.delete(child);
  return { code: how === "exit code 0" ? 0 : 1, output: `${lines.join("\n")}\n(${how})` };
}
