import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { bans } from "./import-law.ts";
import { importsOf, type SourceFile } from "./source-file.ts";
import * as tidy from "./tidy.ts";
import * as tree from "./tidy-tree.ts";

const root = join(import.meta.dirname, "..", "..");
const passedBy = new Set(["node_modules", ".git", ".cache", ".data", "coverage"]);
const isText = (name: string) =>
  /\.(ts|mjs|cjs|js|json|md|proto|ya?ml|sql|txt|html)$|^[^.]+$|^\.\w+$/.test(name);

function read(folder: string): readonly SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return passedBy.has(entry.name) ? [] : read(path);
    return [
      { path, text: entry.isFile() && isText(entry.name) ? readFileSync(join(root, path), "utf8") : "" },
    ];
  });
}

describe("this repository", () => {
  const files = read("");
  const byPath = new Map(files.map((file) => [file.path, file]));

  test.each(tidy.rules.map((rule) => [rule.name, rule] as const))("%s", (_, rule) => {
    expect(files.flatMap(rule)).toEqual([]);
  });

  test("the cores of the services wait for nothing, read no clock, roll no die", () => {
    const cores = tidy.coresOf(files);
    expect(cores.map(({ path }) => path)).toContain("services/order/src/order.ts");
    expect(cores.flatMap(tidy.coreLaw)).toEqual([]);
  });

  test("links in the docs lead somewhere", () => expect(tree.brokenLinks(byPath)).toEqual([]));
  test("a package does one thing for at least two", () => expect(tree.unfitPackages(byPath)).toEqual([]));
  test("what is imported is declared", () => expect(tree.undeclaredImports(byPath)).toEqual([]));
});

interface Example {
  readonly rule: tidy.Rule;
  readonly path: string;
  readonly bad: string;
  /** What the fault says after the path. */
  readonly says: string;
  /** The same done right, in the same file. */
  readonly good: string;
}

const { importLaw, portsOnly, oneAcknowledger, headed, honestNames, everyTestRuns } = tidy;
const { everyLineCounts, readableLength, realExtensions, noRegistryHosts, coreLaw } = tidy;
// Put together, so that this file itself is in order.
const host = ["registry", "example", "org"].join(".");
const ignoring = (tool: string) => `/* ${tool} ${"ignore"} next */`;

const examples: readonly Example[] = [
  {
    rule: importLaw,
    path: "services/order/src/order.store.ts",
    bad: 'import {\n  connect,\n} from "@quadrille/bus";',
    says: "3: may not import @quadrille/bus: say it as a fact in the outbox",
    good: 'import { openStore } from "@quadrille/outbox";',
  },
  {
    rule: importLaw,
    path: "services/order/src/order.rpc.ts",
    bad: 'import { sql } from "@mikro-orm/postgresql";',
    says: "1: may not import @mikro-orm/postgresql: ask the store",
    good: 'import { service } from "@quadrille/rpc";',
  },
  {
    rule: importLaw,
    path: "services/order/src/order.rpc.ts",
    bad: 'import { type OrderStore, openOrderStore } from "./order.store.ts";',
    says: "import the store's type",
    good: 'import type { OrderStore } from "./order.store.ts";',
  },
  {
    rule: importLaw,
    path: "services/order/src/subscriptions.ts",
    bad: 'import { client } from "@quadrille/rpc";',
    says: "hand the input to the store",
    good: 'import { on } from "@quadrille/bus";',
  },
  {
    rule: importLaw,
    path: "services/order/src/main.ts",
    bad: 'import { holdOf } from "@quadrille/product/stock";',
    says: "by their contracts alone",
    good: 'import { connectBus } from "@quadrille/bus";',
  },
  {
    rule: importLaw,
    path: "packages/process/src/log.ts",
    bad: 'export { decide } from "../../../services/order/src/order.ts";',
    says: "a package serves every service",
    good: 'import pino from "pino";',
  },
  {
    rule: importLaw,
    path: "simulators/toss-payments/src/desk.ts",
    bad: 'import type { Answer } from "../../../services/payment/src/toss.ts";',
    says: "shares nothing with what is tested",
    good: 'import { createServer } from "node:http";',
  },
  {
    rule: importLaw,
    path: "packages/decider/src/decider.ts",
    bad: 'import { z } from "zod";',
    says: "depends on nothing",
    good: 'import { row } from "./table.ts";',
  },
  {
    rule: importLaw,
    path: "packages/contracts/src/events.ts",
    bad: 'import { on } from "@quadrille/bus";',
    says: "what others build on",
    good: 'import { StockHeld } from "./gen/quadrille/product/v1/facts.ts";',
  },
  {
    rule: importLaw,
    path: "packages/outbox/src/relay.ts",
    bad: 'const bus = await import("@quadrille/bus");',
    says: "the relay takes a `publish` function",
    good: 'import { sql } from "kysely";',
  },
  {
    rule: importLaw,
    path: "packages/bus/src/bus.ts",
    bad: 'import pg from "pg";',
    says: "calls the handler it was given",
    good: 'import { connect } from "@nats-io/transport-node";',
  },
  {
    rule: importLaw,
    path: "packages/rpc/src/serve.ts",
    bad: 'import { openStore } from "@quadrille/outbox";',
    says: "a method calls the function",
    good: 'import { Server } from "@grpc/grpc-js";',
  },
  {
    rule: importLaw,
    path: "packages/stack/src/timeline.ts",
    bad: 'import { jetstream } from "@nats-io/jetstream";',
    says: "the only one that knows NATS",
    good: 'import { connectBus } from "@quadrille/bus";',
  },
  {
    rule: importLaw,
    path: "packages/rpc/src/call.ts",
    bad: 'import CircuitBreaker from "opossum";',
    says: "the only one that knows opossum",
    good: 'import { breaker } from "./breaker.ts";',
  },
  {
    rule: coreLaw,
    path: "services/order/src/order.ts",
    bad: 'import { createHash } from "node:crypto";',
    says: "a core may not import node:crypto",
    good: 'import { Refusal } from "@quadrille/decider";',
  },
  {
    rule: coreLaw,
    path: "services/order/src/order.ts",
    bad: 'import { events } from "@quadrille/contracts/events";',
    says: "imports types alone",
    good: 'import type { OrderPlaced } from "@quadrille/contracts/events";',
  },
  {
    rule: coreLaw,
    path: "services/order/src/order.ts",
    bad: "export async function decide() {}",
    says: "a core may not wait (async)",
    good: "export function decide() {} // Nothing to await here.",
  },
  {
    rule: coreLaw,
    path: "services/order/src/order.ts",
    bad: "const now = new Date();",
    says: "outside the ports",
    good: "const at = new Date(now);",
  },
  {
    rule: portsOnly,
    path: "packages/outbox/src/relay.ts",
    bad: "\nif (Math.random() < 0.5) return;",
    says: "2: Math.random() outside the ports",
    good: "if (ports.random() < 0.5) return; // Not Math.random().",
  },
  {
    rule: oneAcknowledger,
    path: "packages/bus/src/subscription.ts",
    bad: "message.nak(100);",
    says: "outside packages/bus/src/deliver.ts",
    good: "return deliver(message);",
  },
  {
    rule: headed,
    path: "packages/bus/src/bus.ts",
    bad: 'import { a } from "./a.ts";\n// A bus.',
    says: "begins without a sentence",
    good: "// Carries facts: from who tells them\n// to who hears them.\n\nconst a = 1;",
  },
  {
    rule: honestNames,
    path: "packages/bus/src/string-utils.ts",
    bad: "",
    says: '"utils" names nothing',
    good: "interface Index {}",
  },
  {
    rule: honestNames,
    path: "packages/bus/src/bus.ts",
    bad: "export interface IBus {}",
    says: "IBus: name it after",
    good: "export interface Bus {}",
  },
  {
    rule: everyTestRuns,
    path: "packages/bus/src/bus.test.ts",
    bad: `test.${"skip"}("a", () => {});`,
    says: `test.${"skip"} leaves tests out`,
    good: 'test.each([1])("%s", () => { process.exit(0); });',
  },
  {
    rule: everyLineCounts,
    path: "packages/bus/src/bus.ts",
    bad: ignoring("istanbul"),
    says: "hides lines from coverage",
    good: "// We ignore what v8 says.",
  },
  {
    rule: readableLength,
    path: "packages/bus/src/bus.ts",
    bad: "\n".repeat(501),
    says: "longer than 500 lines",
    good: "\n".repeat(500),
  },
  {
    rule: realExtensions,
    path: "packages/bus/src/bus.ts",
    bad: 'import { a } from "./a";',
    says: "./a has no extension",
    good: 'import { a } from "./a.ts";',
  },
  {
    rule: noRegistryHosts,
    path: "package-lock.json",
    bad: `{ "resolved": "https://${host}/a.tgz" }`,
    says: `${host} is a registry's host name`,
    good: '{ "integrity": "sha512-x" }',
  },
];

describe("each rule can fail", () => {
  test.each(examples)("$rule.name in $path: $says", ({ rule, path, bad, says, good }) => {
    expect(rule({ path, text: bad })).toEqual([expect.stringContaining(says)]);
    expect(rule({ path, text: good })).toEqual(path.includes("utils") ? [expect.any(String)] : []);
  });

  test("and none is left without an example", () => {
    expect(tidy.rules.filter((rule) => !examples.some((example) => example.rule === rule))).toEqual([]);
    const faults = examples.flatMap(({ path, bad }) => importLaw({ path, text: bad })).join("\n");
    expect(bans.filter(({ instead }) => !faults.includes(instead))).toEqual([]);
  });

  test("a core is what has a store or an rpc beside it, with all it imports", () => {
    const files = [
      {
        path: "services/a/src/thing.ts",
        text: 'import { b } from "./part.ts"; import type { C } from "./wire.ts";',
      },
      { path: "services/a/src/thing.store.ts", text: "" },
      { path: "services/a/src/part.ts", text: "" },
      { path: "services/a/src/wire.ts", text: "" },
    ];
    expect(tidy.coresOf(files).map(({ path }) => path)).toEqual([
      "services/a/src/thing.ts",
      "services/a/src/part.ts",
    ]);
  });

  test("imports are found however they are written", () => {
    const text =
      'import "a";\nimport type { B } from "b";\nimport {\n  type C,\n} from "./c.ts";\n// import "d";\nexport * from "../e.ts";';
    expect(importsOf({ path: "x/y/z.ts", text })).toEqual([
      { from: "a", written: "a", isTypeOnly: false, line: 1 },
      { from: "b", written: "b", isTypeOnly: true, line: 2 },
      { from: "x/y/c.ts", written: "./c.ts", isTypeOnly: true, line: 5 },
      { from: "x/e.ts", written: "../e.ts", isTypeOnly: false, line: 7 },
    ]);
  });
});

describe("each check of the whole tree can fail", () => {
  const of = (files: Record<string, string>) =>
    new Map(Object.entries(files).map(([path, text]) => [path, { path, text }]));

  test("links", () => {
    const docs = of({
      "README.md":
        "# A title, and more\n[a](docs/b.md) [b](docs) [c](#a-title-and-more) [d](https://x.y) `[e](f)`",
      "docs/b.md": "[up](../README.md#nothing) [gone](c.md) [good](../README.md)",
    });
    expect(tree.brokenLinks(docs)).toEqual(["docs/b.md: ../README.md#nothing", "docs/b.md: c.md"]);
  });

  test("packages", () => {
    const packages = of({
      "packages/a/package.json": '{"name":"@quadrille/a"}',
      "packages/a/README.md": "# A\n\nSends things and\nhears them. And more.",
      "packages/b/package.json": '{"name":"@quadrille/b"}',
      "packages/a/src/a.ts": 'import "@quadrille/b/x";',
      "services/c/src/c.ts": 'import "@quadrille/b";',
    });
    expect(tree.unfitPackages(packages)).toEqual([
      'packages/a/README.md: the first sentence has an "and": Sends things and hears them.',
      "packages/a has fewer than two importers: none",
      "packages/b has no README.md with a first sentence",
    ]);
  });

  test("declarations", () => {
    const service = of({
      "services/a/package.json": '{"dependencies":{"pg":"1"}}',
      "services/a/src/a.ts": 'import "pg";\nimport "node:fs";\nimport "@scope/name/part";\nimport "./b.ts";',
      "services/a/src/a.test.ts": 'import "@jest/globals";',
    });
    expect(tree.undeclaredImports(service)).toEqual([
      "services/a/src/a.ts: @scope/name is not a dependency in services/a/package.json",
    ]);
  });
});
