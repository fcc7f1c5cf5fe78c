// Looks for a rule that was taken out: simulates seed after seed over the copy until one breaks a law, or runs the tests that only the database can fail.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "@quadrille/embedded/child";
import { copyWith } from "./copy.ts";
import type { HuntingTest, Mutant } from "./rules.ts";

export interface Hunt {
  readonly isFound: boolean;
  readonly seconds: number;
  /** The first seed that failed, and the smallest story that fails the same way; or the tests that failed; or whatever was printed instead. */
  readonly lines: readonly string[];
}

interface Hunter {
  readonly name: string;
  readonly args: readonly string[];
  /** What it found, by the lines it printed; nothing when it found nothing. */
  found(printed: readonly string[]): readonly string[];
}

const seedsMost = 1_000_000;
export const secondsMost = 60;

export async function hunt(root: string, { edits, test }: Mutant): Promise<Hunt> {
  using copy = copyWith(root, edits);
  const hunter = test === undefined ? simulation : testsIn(copy.folder, test);
  const startedAt = performance.now();
  const lines: string[] = [];
  await using child = await startChild({
    name: hunter.name,
    command: process.execPath,
    args: hunter.args,
    cwd: copy.folder,
    log: (line) => lines.push(line),
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), secondsMost * 1_000);
  const how = await child.exited;
  clearTimeout(timer);
  // Whatever ends without a seed or a test that failed was not found, but broken.
  const found = how === "exit code 1" ? hunter.found(lines) : [];
  const isFound = found.length > 0;
  return { isFound, seconds: (performance.now() - startedAt) / 1_000, lines: isFound ? found : lines };
}

const simulation: Hunter = {
  name: "simulation",
  args: ["scripts/simulate.ts", "--seed", "1", "--runs", `${seedsMost}`, "--failures", "1"],
  found: firstSeedIn,
};

function firstSeedIn(lines: readonly string[]): readonly string[] {
  const from = lines.findIndex((line) => /^seed \d+ fails/.test(line));
  return from < 0 ? [] : lines.slice(from, -1); // The last one counts what was run.
}

function testsIn(folder: string, { project, pathPattern }: HuntingTest): Hunter {
  const report = join(folder, "hunted.json");
  const jest = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", "--ci"];
  const wanted = ["--selectProjects", project, "--testPathPatterns", pathPattern];
  return {
    name: "jest",
    args: [...jest, "--json", `--outputFile=${report}`, ...wanted],
    found: () => failedTestsIn(JSON.parse(readFileSync(report, "utf8")) as Report),
  };
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** A suite that could not be loaded has no test that failed. */
function failedTestsIn({ testResults }: Report): readonly string[] {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "failed")
    .map(({ fullName }) => `red: ${fullName}`);
}
