// Looks for a rule that was taken out: simulates seed after seed over the copy until one breaks a law.
import { startChild } from "@quadrille/embedded/child";
import { copyWith } from "./copy.ts";
import type { Mutant } from "./rules.ts";

export interface Hunt {
  readonly isFound: boolean;
  readonly seconds: number;
  /** The first seed that failed, and the smallest story that fails the same way; or whatever was printed instead. */
  readonly lines: readonly string[];
}

const seedsMost = 1_000_000;
export const secondsMost = 60;

export async function hunt(root: string, { edits }: Mutant): Promise<Hunt> {
  using copy = copyWith(root, edits);
  const startedAt = performance.now();
  const lines: string[] = [];
  await using child = await startChild({
    name: "simulation",
    command: process.execPath,
    args: ["scripts/simulate.ts", "--seed", "1", "--runs", `${seedsMost}`],
    cwd: copy.folder,
    log: (line) => lines.push(line),
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), secondsMost * 1_000);
  const how = await child.exited;
  clearTimeout(timer);
  const first = firstSeedIn(lines);
  // Whatever ends without a seed that failed was not found, but broken.
  const isFound = how === "exit code 1" && first.length > 0;
  return { isFound, seconds: (performance.now() - startedAt) / 1_000, lines: isFound ? first : lines };
}

function firstSeedIn(lines: readonly string[]): readonly string[] {
  const isHead = (line: string) => /^seed \d+ fails/.test(line);
  const from = lines.findIndex(isHead);
  if (from < 0) return [];
  const until = lines.findIndex((line, at) => at > from && (isHead(line) || line.trim() === ""));
  return lines.slice(from, until < 0 ? undefined : until);
}
