import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";

// A clone in small, with an npm that installs nothing but the Node this test runs on, and writes down that it was asked.
let clone: string;
const fakeNpm = `#!/bin/sh
echo "$@" >> npm-was-asked
sleep 0.3
[ -e fail ] && { echo "npm error: no such package"; exit 7; }
rm -rf node_modules
mkdir -p "node_modules/node-${process.platform}-${process.arch}/bin"
ln -s "${process.execPath}" "node_modules/node-${process.platform}-${process.arch}/bin/node"
`;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "quadrille-bootstrap-"));
  mkdirSync(join(clone, "scripts"));
  mkdirSync(join(clone, "bin"));
  cpSync(join(import.meta.dirname, "bootstrap.mjs"), join(clone, "scripts", "bootstrap.mjs"));
  writeFileSync(join(clone, "bin", "npm"), fakeNpm);
  chmodSync(join(clone, "bin", "npm"), 0o755);
  writeFileSync(join(clone, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(clone, "package-lock.json"),
    '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}',
  );
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function script(text: string): string {
  writeFileSync(join(clone, "script.ts"), text);
  return "script.ts";
}

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, PATH: `${join(clone, "bin")}:/usr/bin:/bin` };
  return spawn(process.execPath, [join(clone, "scripts", "bootstrap.mjs"), ...args], { cwd: clone, env });
}

async function end(child: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    err += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}

const run = (...args: string[]) => end(start(...args));
const timesAsked = () => readFileSync(join(clone, "npm-was-asked"), "utf8").trim().split("\n").length;

test("installs once, then runs the script with its arguments and its exit code", async () => {
  const path = script(
    "const n: number = 3; console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = n;",
  );
  const first = await run(path, "a", "b c");
  expect(first).toMatchObject({ code: 3, out: '["a","b c"]\n' });
  expect(first.err).toMatch(/^Installing the 2 locked packages with npm ci … done in \d+ s\n$/);
  expect(readFileSync(join(clone, "npm-was-asked"), "utf8")).toContain("ci --ignore-scripts");
  expect(await run(path)).toEqual({ code: 3, out: "[]\n", err: "" });
  expect(timesAsked()).toBe(1);
});

test("installs again when the lockfile or a dependency changed, not for another script", async () => {
  const path = script("");
  await run(path);
  writeFileSync(join(clone, "package.json"), '{"type":"module","scripts":{"a":"b"}}');
  await run(path);
  expect(timesAsked()).toBe(1);
  writeFileSync(join(clone, "package.json"), '{"type":"module","dependencies":{"a":"1"}}');
  await run(path);
  expect(timesAsked()).toBe(2);
});

test("an install by hand that agrees with the lockfile is left alone, another is not", async () => {
  const nodeHome = join(clone, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
  mkdirSync(nodeHome, { recursive: true });
  symlinkSync(process.execPath, join(nodeHome, "node"));
  const record = join(clone, "node_modules", ".package-lock.json");
  writeFileSync(record, '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
  expect((await run(script(""))).code).toBe(0);
  expect(existsSync(join(clone, "npm-was-asked"))).toBe(false);
  writeFileSync(record, '{"packages":{"node_modules/a":{"version":"0.9.0"}}}');
  rmSync(join(clone, "node_modules", ".quadrille-installed"));
  await run(script(""));
  expect(timesAsked()).toBe(1);
});

test("shows npm's own words when it fails, and runs nothing", async () => {
  writeFileSync(join(clone, "fail"), "");
  const { code, out, err } = await run(script("console.log('ran')"));
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain("npm error: no such package");
});

test("two at once install once, and the lock of a dead one is broken", async () => {
  mkdirSync(join(clone, ".cache"));
  writeFileSync(join(clone, ".cache", "bootstrap.lock"), String(2 ** 30));
  const path = script("console.log('ran')");
  const both = await Promise.all([run(path), run(path)]);
  expect(both.map(({ code, out }) => [code, out])).toEqual([
    [0, "ran\n"],
    [0, "ran\n"],
  ]);
  expect(timesAsked()).toBe(1);
  expect(existsSync(join(clone, ".cache", "bootstrap.lock"))).toBe(false);
});

const listens = `
  let heard = 0;
  const timer = setInterval(() => {}, 1000);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => { heard += 1; setTimeout(() => { console.log(signal, heard); process.exit(5); }, 300); });
  }
  console.log("up", process.pid);`;

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s reaches the script once, however often it is sent",
  async (signal) => {
    const child = start(script(listens));
    const ended = end(child);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    for (let times = 0; times < 3; times += 1) child.kill(signal);
    expect(await ended).toMatchObject({ code: 5, out: expect.stringContaining(`${signal} 1\n`) });
  },
);

test("when the bootstrap is killed, the script is asked to end", async () => {
  const child = start(script(listens));
  const ended = end(child);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  child.kill("SIGKILL");
  expect((await ended).out).toContain("SIGTERM 1\n"); // Its output closes only when the script has ended too.
});

test("when the npm that started it is killed, the script is asked to end", async () => {
  await run(script("")); // Installed before: an npm that ends earlier ends an install.
  const env = { ...process.env, npm_lifecycle_event: "start" };
  const command = `"${process.execPath}" scripts/bootstrap.mjs ${script(listens)}; true`;
  const npm = spawn("/bin/sh", ["-c", command], { cwd: clone, env });
  const ended = end(npm);
  await once(npm.stdout, "data");
  npm.kill("SIGKILL");
  expect((await ended).out).toContain("SIGTERM 1\n");
});

test("says how it is used", async () => {
  expect(await run()).toMatchObject({ code: 1, err: expect.stringContaining("Usage: ") });
});
