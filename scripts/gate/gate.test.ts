import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { differences } from "./generated.ts";
import { endProcesses, leftovers, markName } from "./leftovers.ts";

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
