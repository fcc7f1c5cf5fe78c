// The style of this house as functions of a file: each answers with one line for each fault.
import { anyTest, bans, coreInstead, coreNever } from "./import-law.ts";
import { importsOf, lineAt, type SourceFile, withoutComments } from "./source-file.ts";

export type Rule = (file: SourceFile) => readonly string[];

const linesMax = 500;

/** Fault lines look like `path:line: what is wrong: what to do instead`. */
const fault = (file: SourceFile, line: number, what: string) => `${file.path}:${line}: ${what}`;

const isTest = (path: string) => anyTest.test(path);
const isCode = (path: string) => /\.(ts|mjs|cjs|js)$/.test(path) && !path.includes("/src/gen/");

export const importLaw: Rule = (file) =>
  bans
    .filter(({ files, except }) => files.test(file.path) && !except?.test(file.path))
    .flatMap(({ never, typesAllowed, instead }) =>
      importsOf(file)
        .filter(({ from, isTypeOnly }) => never.test(from) && !(typesAllowed && isTypeOnly))
        .map(({ written, line }) => fault(file, line, `may not import ${written}: ${instead}`)),
    );

/**
 * The files that decide: a noun with a store or an rpc beside it, its decisions, and all they import.
 * They wait for nothing, read no clock and roll no die, so a test can ask them everything.
 */
export function coresOf(files: readonly SourceFile[]): readonly SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const isNoun = (path: string) => {
    const [, noun, part] = /^(services\/[^/]+\/src\/[\w-]+)(\.decisions)?\.ts$/.exec(path) ?? [];
    return (
      noun !== undefined &&
      (part !== undefined || [".store.ts", ".rpc.ts"].some((end) => byPath.has(noun + end)))
    );
  };
  const cores = new Set(files.filter(({ path }) => isNoun(path)));
  for (const core of cores) {
    for (const { from, isTypeOnly } of importsOf(core)) {
      const imported = byPath.get(from);
      if (imported !== undefined && !isTypeOnly) cores.add(imported); // The loop comes by there as well.
    }
  }
  return [...cores];
}

export const coreLaw: Rule = (file) => {
  const imports = importsOf(file).flatMap(({ from, written, isTypeOnly, line }) => {
    if (coreNever.test(from)) return [fault(file, line, `a core may not import ${written}: ${coreInstead}`)];
    const isValueOfContract = from.startsWith("@quadrille/contracts") && !isTypeOnly;
    return isValueOfContract
      ? [fault(file, line, `a core imports types alone from ${written}: ${coreInstead}`)]
      : [];
  });
  const waits = matches(
    file,
    /\b(?:await|async)\b|\bPromise\b/g,
    (word) => `a core may not wait (${word}): ${coreInstead}`,
  );
  return [...imports, ...waits, ...timeAndChance(file)];
};

// Where time and chance enter; everywhere else they are parameters.
const ports = [
  "packages/bus/src/ports.ts",
  "packages/outbox/src/ports.ts",
  "services/payment/src/toss-wire.ts", // How long a socket may stay silent is real time.
];
const timed = /^(services|packages\/(bus|outbox|decider))\//;

/** Stores and cores, the packages they stand on: the simulation turns their clock and rolls their dice. */
export const portsOnly: Rule = (file) =>
  timed.test(file.path) && !isTest(file.path) && !file.path.endsWith("/main.ts") && !ports.includes(file.path)
    ? timeAndChance(file)
    : [];

function timeAndChance(file: SourceFile): readonly string[] {
  const words = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval)\(/g;
  return matches(
    file,
    words,
    (word) => `${word}) outside the ports: take a clock, an id or a wait as a parameter`,
  );
}

/** Who acknowledges a message decides what becomes of it, so one file does; hear.ts only passes its verdict on. */
export const oneAcknowledger: Rule = (file) =>
  !isCode(file.path) || isTest(file.path) || /^packages\/bus\/src\/(deliver|hear)\.ts$/.test(file.path)
    ? []
    : matches(file, /\b(?:msg|message|delivery|m)\.(?:ack|ackAck|nak|term|working)\(/g, (words) => {
        return `${words}) outside packages/bus/src/deliver.ts: return or throw, and deliver answers the broker`;
      });

export const headed: Rule = (file) => {
  if (!/\/src\/.*\.ts$|^scripts\/.*\.[mc]?[jt]s$/.test(file.path) || !isCode(file.path) || isTest(file.path))
    return [];
  const comment =
    /^(?:#!.*\n)?((?:\/\/.*\n)+)/.exec(file.text)?.[1]?.split(/^\/\/\s*(?:source:.*)?\n/m)[0] ?? "";
  const sentence = comment.replaceAll(/^\/\/ ?/gm, "").trim();
  return /^\S[\s\S]*[.:?]$/.test(sentence)
    ? []
    : [fault(file, 1, "begins without a sentence that says what it is for")];
};

const emptyWords = ["util", "utils", "common", "helper", "helpers", "shared", "base", "manager", "impl"];
const emptyName =
  /^(?:export )?(?:abstract )?(?:class|interface|type|enum|function|const|let)\s+(I[A-Z][a-z]\w*|\w*(?:Utils?|Helpers?|Manager|Impl))\b/gm;

export const honestNames: Rule = (file) => {
  const words = file.path.split(/[/.]/).flatMap((part) => [part, ...part.split("-")]);
  const inPath = emptyWords.filter((word) => words.includes(word));
  // Kustomize calls a folder that.
  const found = inPath.filter((word) => !(word === "base" && file.path.startsWith("deploy/k8s/base/")));
  const names = isCode(file.path)
    ? matches(file, emptyName, (word) => `${word}: name it after what it is or does`)
    : [];
  return [
    ...found.map((word) => fault(file, 1, `"${word}" names nothing: name it after what it answers`)),
    ...names,
  ];
};

export const everyTestRuns: Rule = (file) =>
  isTest(file.path)
    ? matches(
        file,
        /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo|failing)\b|\b[xf](?:it|test|describe)\(/g,
        (word) => {
          return `${word} leaves tests out: run it or delete it`;
        },
      )
    : [];

/** Looks into comments, where they live. */
export const everyLineCounts: Rule = (file) =>
  isCode(file.path)
    ? [...file.text.matchAll(/\b(istanbul|c8|v8|node:coverage) (ignore|disable)\b/g)].map(
        ({ 0: words, index }) =>
          fault(
            file,
            lineAt(file.text, index),
            `"${words}" hides lines from coverage: test them or delete them`,
          ),
      )
    : [];

export const readableLength: Rule = (file) => {
  const lines = file.text.split("\n").length - 1;
  return isCode(file.path) && !isTest(file.path) && lines > linesMax
    ? [fault(file, lines, `longer than ${linesMax} lines: split it`)]
    : [];
};

export const realExtensions: Rule = (file) =>
  isCode(file.path)
    ? importsOf(file)
        .filter(({ written }) => written.startsWith(".") && !/\.(ts|js|cjs|mjs|json)$/.test(written))
        .map(({ written, line }) =>
          fault(file, line, `${written} has no extension: Node takes a path as it is`),
        )
    : [];

/** A lockfile or a script that names a host works only where that host is reached; clients know their registry. */
export const noRegistryHosts: Rule = (file) =>
  matches(file, /\b(?:registry\.\w+\.\w+|\w+\.debian\.org|npm\.pkg\.\w+\.\w+|pypi\.org)\b/g, (host) => {
    return `${host} is a registry's host name: leave it to the client's own configuration`;
  });

export const rules: readonly Rule[] = [
  importLaw,
  portsOnly,
  oneAcknowledger,
  headed,
  honestNames,
  everyTestRuns,
  everyLineCounts,
  readableLength,
  realExtensions,
  noRegistryHosts,
];

function matches(file: SourceFile, pattern: RegExp, say: (found: string) => string): readonly string[] {
  const code = isCode(file.path) ? withoutComments(file.text) : file.text;
  return [...code.matchAll(pattern)].map((match) =>
    fault(file, lineAt(code, match.index), say(match[1] ?? match[0])),
  );
}
