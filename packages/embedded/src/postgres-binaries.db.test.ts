import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { postgresPrograms, reachableFolder } from "./postgres-binaries.ts";

// A native folder in small; what matters here is where its files end up.
let folder: string;
let native: { folder: string; version: string };
let temporary: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-binaries-"));
  chmodSync(folder, 0o755);
});
beforeEach(() => {
  const home = mkdtempSync(join(folder, "case-"));
  chmodSync(home, 0o755);
  temporary = join(home, "tmp");
  native = { folder: join(home, "native"), version: "18.0.0" };
  mkdirSync(temporary);
  mkdirSync(join(native.folder, "bin"), { recursive: true });
  mkdirSync(join(native.folder, "lib"));
  for (const program of ["initdb", "postgres"]) {
    writeFileSync(join(native.folder, "bin", program), `#!/bin/sh\necho ${program}\n`, { mode: 0o755 });
  }
  writeFileSync(join(native.folder, "lib", "a.so.1"), "");
  const links = [{ source: "native/lib/a.so.1", target: "native/lib/a.so" }];
  writeFileSync(join(native.folder, "pg-symlinks.json"), JSON.stringify(links));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const anotherAccount = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
// Not to be run, as an install under a strict umask looks to any other account.
const putOutOfReach = () => chmodSync(join(native.folder, "bin", "postgres"), 0o600);
const cached = () => readdirSync(reachableFolder(temporary)).sort();

test("the package's own folder is used where it can be reached, with the links its install script would make", async () => {
  const { initdb } = await postgresPrograms(anotherAccount, native, temporary);
  expect(initdb).toBe(join(native.folder, "bin", "initdb"));
  expect(readlinkSync(join(native.folder, "lib", "a.so"))).toBe("a.so.1");
  await postgresPrograms(anotherAccount, native, temporary);
  expect(readdirSync(temporary)).toEqual([]);
});

test("out of reach, it is copied once, open for reading and closed for writing", async () => {
  putOutOfReach();
  const both = await Promise.all([
    postgresPrograms(anotherAccount, native, temporary),
    postgresPrograms(anotherAccount, native, temporary),
  ]);
  expect(both[0]).toEqual(both[1]);
  const { postgres } = both[0];
  expect(execFileSync(postgres, { ...anotherAccount, cwd: "/", encoding: "utf8" })).toBe("postgres\n");
  expect(cached()).toEqual([native.version]);
  expect(lstatSync(join(postgres, "..", "..")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(reachableFolder(temporary), native.version, "lib", "a.so"))).toBe("a.so.1");

  const { ino } = lstatSync(postgres);
  await postgresPrograms(anotherAccount, native, temporary);
  expect(lstatSync(postgres).ino).toBe(ino);
});

test("a copy with a hole and a draft of a dead process are replaced", async () => {
  putOutOfReach();
  const { initdb } = await postgresPrograms(anotherAccount, native, temporary);
  rmSync(join(initdb, "..", "postgres"));
  mkdirSync(join(reachableFolder(temporary), `${native.version}.${2 ** 30}.abandoned.draft`));
  const { postgres } = await postgresPrograms(anotherAccount, native, temporary);
  expect(execFileSync(postgres, { encoding: "utf8" })).toBe("postgres\n");
  expect(cached()).toEqual([native.version]);
});

test("a folder that others may write to is not trusted", () => {
  chmodSync(reachableFolder(temporary), 0o777);
  expect(() => reachableFolder(temporary)).toThrow("others may write to it");
});
