import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { apiFaults } from "./api-lint.ts";
import { apiDocument, differences } from "./generated.ts";
import { endProcesses, leftovers, markName } from "./leftovers.ts";

/** The parts of our document that the tests break. */
interface ApiDocument {
  readonly info: { license?: object };
  servers?: object;
  readonly tags: { description?: string }[];
  readonly paths: Record<string, { readonly get?: { summary?: string; operationId?: string } }>;
  readonly components: {
    securitySchemes?: object;
    readonly schemas: {
      readonly Money: { readonly properties: { readonly amount: { readonly examples: unknown[] } } };
    };
    readonly examples: Record<string, { readonly value: { code?: string } }>;
  };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-gate-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("generated code that was changed, added or not committed is told", () => {
  const [committed, fresh] = [join(folder, "committed"), join(folder, "fresh")];
  for (const side of [committed, fresh]) {
    mkdirSync(join(side, "v1"), { recursive: true });
    writeFileSync(join(side, "v1", "same.ts"), "same");
    writeFileSync(join(side, "changed.ts"), side);
  }
  writeFileSync(join(committed, "old.ts"), "");
  writeFileSync(join(fresh, "v1", "new.ts"), "");
  expect(differences(committed, fresh)).toEqual([
    "changed.ts is not what its source says",
    "old.ts has no source any more",
    "v1/new.ts is missing",
  ]);
});

test("a single generated file is told of alike, and so is one that was never committed", () => {
  const [committed, fresh] = [join(folder, "committed.json"), join(folder, "fresh.json")];
  writeFileSync(fresh, "{}");
  expect(differences(committed, fresh)).toEqual(["fresh.json is missing"]);
});

describe("the OpenAPI document", () => {
  const ours = join(import.meta.dirname, "..", "..", apiDocument);
  const changed = (change: (document: ApiDocument) => void) => {
    const document = JSON.parse(readFileSync(ours, "utf8")) as ApiDocument;
    change(document);
    const path = join(folder, "openapi.json");
    writeFileSync(path, JSON.stringify(document));
    return apiFaults(path);
  };

  test.each<[string, (document: ApiDocument) => void]>([
    ["info-license", ({ info }) => delete info.license],
    ["no-empty-servers", (document) => delete document.servers],
    ["tag-description", ({ tags }) => delete tags[0]?.description],
    ["operation-summary", ({ paths }) => delete paths["/v1/cart"]?.get?.summary],
    ["operation-operationId", ({ paths }) => delete paths["/v1/cart"]?.get?.operationId],
    ["operation-tag-defined", ({ tags }) => tags.shift()],
    ["security-defined", ({ components }) => delete components.securitySchemes],
    [
      "no-invalid-schema-examples",
      ({ components }) => components.schemas.Money.properties.amount.examples.push("1"),
    ],
    ["no-invalid-media-type-examples", ({ components }) => delete components.examples.INTERNAL?.value.code],
  ])("is told of what breaks %s", async (rule, change) => {
    expect(await changed(change)).toEqual(expect.arrayContaining([expect.stringContaining(`(${rule})`)]));
  });
});

const onLinux = process.platform === "linux";

test("a file and a process of the run are left over, those of others are not", async () => {
  const env = { ...process.env, [markName]: folder };
  const [ours, title, theirs] = [
    spawn("sleep", ["600"], { env }),
    spawn("sleep", ["601"], { cwd: folder, env: {} }), // As PostgreSQL, whose title covers its environment.
    spawn("sleep", ["602"], { env: { ...process.env, [markName]: "another run" } }),
  ];
  writeFileSync(join(folder, "forgotten"), "");
  const found = await leftovers(folder, folder);
  expect(found).toContain(`file ${join(folder, "forgotten")} was left`);
  const processes = found.filter((line) => line.startsWith("process"));
  if (onLinux)
    expect(processes).toEqual([expect.stringMatching("sleep 600$"), expect.stringMatching("sleep 601$")]);
  if (onLinux) await endProcesses(folder, folder);
  expect([ours.signalCode, title.signalCode, theirs.signalCode]).toEqual(
    onLinux ? ["SIGKILL", "SIGKILL", null] : [null, null, null],
  );
  for (const child of [ours, title, theirs].filter(({ signalCode }) => signalCode === null)) {
    child.kill();
    await once(child, "exit");
  }
  rmSync(join(folder, "forgotten"));
  expect(await leftovers(folder, folder)).toEqual([]);
});
