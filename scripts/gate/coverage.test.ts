import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { codeLines, measure } from "./coverage.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-coverage-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = `// Not a line: a comment.
import type { Stats } from "node:fs";

interface Shape {
  readonly name: string;
}

/** Neither is this. */
export function choose(
  value: number,
): string {
  if (value > 1) {
    return "many"; // Only for the many.
  }
  const never = (shape: Shape & Partial<Stats>) => {
    return shape.name;
  };
  return value === 0 ? never({ name: "none" }) : "one";
}
`;

test("types, comments, blank lines and brackets are no lines", () => {
  expect(codeLines(source)).toEqual([9, 10, 12, 13, 15, 16, 18]);
});

test("what no process ran is told by its line number, what any process ran is covered", () => {
  const [src, raw] = [join(folder, "packages/a/src"), join(folder, "raw")];
  for (const each of [src, join(src, "gen"), raw]) mkdirSync(each, { recursive: true });
  writeFileSync(join(src, "a.ts"), source);
  writeFileSync(join(src, "never.ts"), "export const a = 1;\n");
  writeFileSync(join(src, "gen", "never.ts"), "export const a = 1;\n");
  const patterns = ["packages/*/src/**/*.ts", "!**/src/gen/**"];
  const run = (value: number) => {
    const script = `import { choose } from ${JSON.stringify(join(src, "a.ts"))}; choose(${value});`;
    const env = { ...process.env, NODE_V8_COVERAGE: raw };
    execFileSync(process.execPath, ["--input-type=module", "-e", script], { env, stdio: "pipe" });
    return measure(folder, patterns, raw).map(({ path, lines, uncovered }) => [path, lines, uncovered]);
  };
  const never = ["packages/a/src/never.ts", 1, [1]];
  expect(run(1)).toEqual([["packages/a/src/a.ts", 7, [13, 16]], never]);
  expect(run(2)).toEqual([["packages/a/src/a.ts", 7, [16]], never]);
  expect(run(0)).toEqual([["packages/a/src/a.ts", 7, []], never]);
});
