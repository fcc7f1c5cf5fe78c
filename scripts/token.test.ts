import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openAuth } from "@quadrille/rpc";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";

const run = promisify(execFile);
let folder: string;
let dataDir: string;
let keys: DevKeys;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quadrille-token-"));
  dataDir = join(folder, "data");
  keys = await openDevKeys(join(dataDir, "keys"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const token = (args: readonly string[], DATA_DIR = dataDir) =>
  run(process.execPath, [join(import.meta.dirname, "token.ts"), ...args], {
    env: { ...process.env, NODE_OPTIONS: "", DATA_DIR },
  });

/** What it says when it gives no token. */
async function fault(args: readonly string[], where?: string): Promise<string> {
  const { code, stdout, stderr } = await token(args, where).then(
    (given) => ({ ...given, code: 0 }),
    (error) => error as { code: number; stdout: string; stderr: string },
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  return stderr.trimEnd();
}

describe("a token", () => {
  test.each([
    [["--member", "7"], { role: "member", memberId: "7" }],
    [["--operator", "anna@shop"], { role: "operator", subject: "anna@shop" }],
    [["--service", "order"], { role: "service", name: "order" }],
  ])("of %s is one line, taken by whoever trusts the key of that folder", async (args, caller) => {
    const { stdout, stderr } = await token(args);
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^[\w.-]+\n$/), stderr: "" });
    const auth = await openAuth(keys.auth);
    expect(await auth.authenticate(`Bearer ${stdout.trim()}`)).toMatchObject(caller);
  });

  test("is good for a day, or for as long as is asked", async () => {
    for (const [ttl, seconds] of [
      [[], 86_400],
      [["--ttl", "90s"], 90],
    ] as const) {
      const { stdout } = await token(["--member", "7", ...ttl]);
      const payload = Buffer.from(stdout.split(".")[1] as string, "base64url").toString();
      const { iat, exp } = JSON.parse(payload) as { iat: number; exp: number };
      expect(Math.abs(exp - iat - seconds)).toBeLessThanOrEqual(1); // Two looks at the clock.
    }
  });
});

describe("no token is given, and it says why,", () => {
  test.each([
    [[], "usage: "],
    [["--member", "7", "--operator", "anna"], "usage: "],
    [["--memer", "7"], "--memer"],
    [["--member", "seven of nine"], "--member: expected 1 to 64 letters, digits, _ and -"],
    [["--operator", "a".repeat(65)], "--operator: expected 1 to 64 visible characters"],
    [["--member", "7", "--ttl", "soon"], "--ttl: expected a time span"],
    [["--member", "7", "--ttl", "10ms"], "--ttl: expected a time span"],
    [["--member", "7", "--ttl", "400d"], "--ttl: expected a time span"],
  ])("for %j", async (args, words) => {
    expect(await fault(args)).toContain(words);
  });

  test("where npm start has made no keys, and none are made by asking", async () => {
    const nowhere = join(folder, "nowhere");
    expect(await fault(["--member", "7"], nowhere)).toBe(
      `there are no keys in ${nowhere}: npm start makes them, or DATA_DIR says where they are`,
    );
    expect(existsSync(nowhere)).toBe(false);
  });
});
