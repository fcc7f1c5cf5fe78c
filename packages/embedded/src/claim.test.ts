import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { claimFolder } from "./claim.ts";
import { lifeOf } from "./process-table.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-claim-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (running: object) => writeFileSync(join(folder, "running.json"), JSON.stringify(running));

test("a second claim waits for the release of the first", async () => {
  const first = await claimFolder(folder, "a test");
  const second = claimFolder(folder, "a test");
  await first.release();
  await (await second).release();
  expect(readdirSync(folder)).toEqual([]);
});

test("what a dead parent left running is ended, a stranger with its pid is not", async () => {
  const leftover = spawn("sleep", ["600"]);
  const stranger = spawn("sleep", ["600"]);
  const ended = once(leftover, "exit");
  const dead = { pid: process.pid, life: "of another time" };
  record({ parent: dead, child: { pid: leftover.pid, life: lifeOf(leftover.pid as number) } });
  await (await claimFolder(folder, "a test")).release();
  expect(await ended).toEqual([null, "SIGINT"]);

  record({ parent: dead, child: { pid: stranger.pid, life: "of another time" } });
  await (await claimFolder(folder, "a test")).release();
  expect(lifeOf(stranger.pid as number)).toBeDefined();
  stranger.kill();
  await once(stranger, "exit");
});
