// One figure for lines that ran, summed over every process of a run: test workers, their servers, the services.
//
// V8 counts by offsets into the text it ran. Types are replaced by spaces before, so an offset there is an offset
// in the source file, for Jest's modules as for a service run by Node itself. No source maps, no instrumentation.
// What counts as a line is what is left of it in JavaScript: no types, comments, blank lines or lone brackets.
import { globSync, readdirSync, readFileSync } from "node:fs";
import { SourceMap, stripTypeScriptTypes } from "node:module";
import { join, matchesGlob } from "node:path";
import { pathToFileURL } from "node:url";

export interface V8Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** One script in one process, as Node writes it to NODE_V8_COVERAGE. */
export interface V8Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly V8Range[] }[];
}

export interface FileCoverage {
  readonly path: string;
  readonly lines: number;
  readonly uncovered: readonly number[];
}

/** The coverage of each file the patterns name, relative to the root; a file that nothing loaded is uncovered. */
export function measure(
  root: string,
  patterns: readonly string[],
  rawFolder: string,
): readonly FileCoverage[] {
  const [out, names] = [
    patterns.filter((each) => each.startsWith("!")),
    patterns.filter((each) => !each.startsWith("!")),
  ];
  const paths = globSync(names, { cwd: root }).filter(
    (path) => !out.some((each) => matchesGlob(path, each.slice(1))),
  );
  const files = new Map(
    paths.sort().map((path) => [pathToFileURL(join(root, path)).href, openFile(root, path)]),
  );
  for (const name of readdirSync(rawFolder)) {
    const { result } = JSON.parse(readFileSync(join(rawFolder, name), "utf8")) as {
      result: readonly V8Script[];
    };
    for (const script of result) files.get(script.url)?.add(script);
  }
  return [...files.values()].map((file) => file.close());
}

export function openFile(root: string, path: string) {
  const source = readFileSync(join(root, path), "utf8");
  const wanted = codeLines(source);
  const ran = new Set<number>();
  const add = (script: V8Script) => {
    for (const line of linesThatRan(source, script)) ran.add(line);
  };
  const close = (): FileCoverage => {
    return { path, lines: wanted.length, uncovered: wanted.filter((line) => !ran.has(line)) };
  };
  return { add, close };
}

/** The numbers of the lines that hold something to run. */
export function codeLines(source: string): readonly number[] {
  const javascript = stripTypeScriptTypes(source, {
    mode: "transform",
    sourceMap: true,
    sourceUrl: "source.ts",
  });
  const [code = "", encoded = ""] = javascript.split("//# sourceMappingURL=data:application/json;base64,");
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString()));
  const found = new Set<number>();
  code.split("\n").forEach((text, line) => {
    for (const { index } of text.matchAll(/\S+/g)) {
      const entry = map.findEntry(line, index);
      if ("originalLine" in entry) found.add(entry.originalLine + 1);
    }
  });
  const lines = source.split("\n");
  const says = (line: number) => /[\w"'`]/.test(lines[line - 1]?.replace(/\/\/.*|\/\*.*?\*\//, "") ?? "");
  return [...found].filter(says).sort((a, b) => a - b);
}

/** A line ran when any character of it did: V8 marks what did not, from outer blocks to inner ones. */
function linesThatRan(source: string, script: V8Script): readonly number[] {
  const ran = new Uint8Array(source.length);
  for (const { ranges } of script.functions) {
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  }
  const found: number[] = [];
  let start = 0;
  source.split("\n").forEach((text, index) => {
    const indent = text.length - text.trimStart().length;
    if (ran.subarray(start + indent, start + text.trimEnd().length).includes(1)) found.push(index + 1);
    start += text.length + 1;
  });
  return found;
}
