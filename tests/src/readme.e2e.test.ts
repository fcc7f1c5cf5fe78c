// What the README tells a newcomer to type works as it stands, on ports of this test.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { services } from "@quadrille/contracts/events";
import { startService } from "@quadrille/embedded";
import { type Stack, startStack } from "@quadrille/stack";
import { connectAs } from "@quadrille/stack/clients";
import { seed } from "@quadrille/stack/seed";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

let folder: string;
let stack: Stack;
let readme: string;
let token: string;

beforeAll(async () => {
  readme = await readFile(join(root, "README.md"), "utf8");
  folder = await mkdtemp(join(tmpdir(), "quadrille-readme-"));
  await chmod(folder, 0o755); // The account PostgreSQL runs as must reach it.
  stack = await startStack({ dataDir: folder, postgresSettings: { fsync: "off" } });
  await using operator = await connectAs(stack, "operator", "readme");
  await seed(operator);
  token = await stack.keys.mintToken({ sub: "1", role: "member" });
}, 60_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

/** The README's blocks in a language, in their order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "gm"))].map(
    (match) => match[1] as string,
  );
}

/** The same command on this test's ports. */
function onOurPorts(text: string): string {
  const fixed = {
    7001: stack.addresses.order,
    7002: stack.addresses.product,
    7004: stack.addresses.payment,
    7005: stack.providerUrl,
  };
  return Object.entries(fixed).reduce((moved, [port, address]) => {
    return moved.replaceAll(`127.0.0.1:${port}`, address.replace(/^ipv4:|^http:\/\//, ""));
  }, text);
}

test("the five minutes can be typed as they stand", async () => {
  const [, learn = "", place = "", pay = ""] = blocks("sh");
  const typed = onOurPorts(learn).replace("TOKEN=...", `TOKEN=${token}`);
  const [define] = typed.split("\n\n"); // Token and `call`; what is called comes after the blank line.
  const bash = async (script: string) => (await run("bash", ["-euc", script], { cwd: root })).stdout;

  expect(await bash(typed)).toContain("Oak lamp, white");

  const placeOnce = `${define}\n${onOurPorts(place)}`;
  const [first, again] = [await bash(placeOnce), await bash(placeOnce)];
  expect(again).toBe(first);
  const [, orderId] = /"orderId": "([^"]+)"/.exec(first) ?? [];
  expect(first).toContain('"amountDue": "1900"');

  const paid = await bash(`${define}\n${onOurPorts(pay).replace(/^ORDER=\S+/m, `ORDER=${orderId}`)}`);
  expect(paid).toContain("PAYMENT_STATUS_APPROVED");
  const steps = [...paid.matchAll(/"step": ?"(\w+)"/g)].map(([, step]) => step);
  expect(steps.slice(0, 1)).toEqual(["PLACED"]);
  expect(new Set(steps)).toEqual(
    new Set([
      "PLACED",
      "STOCK_HELD",
      "BENEFITS_HELD",
      "PAYABLE",
      "PAID",
      "BENEFITS_SPENT",
      "STOCK_COMMITTED",
    ]),
  );

  // The subscriber comes after the order and hears of it all the same: the stream keeps what was told.
  const [subscriber = ""] = blocks("ts");
  await mkdir(join(root, ".cache"), { recursive: true });
  const entry = join(root, ".cache", `readme-subscriber-${process.pid}.ts`);
  await writeFile(entry, subscriber);
  try {
    await using program = await startService({
      name: "subscriber",
      entry,
      env: { NATS_URL: stack.natsUrl },
      readyLine: (line) => line.includes(`${orderId} 1900n KRW`),
    });
    expect(program.tail()).toContain(orderId);
  } finally {
    await rm(entry);
  }
}, 60_000);

test("the audit can be typed as it stands, and finds nothing after that", async () => {
  const [typed = ""] = blocks("sh").filter((block) => block.includes("npm run audit"));
  const addresses = services.map((name) => [`${name.toUpperCase()}_ADDRESS`, stack.addresses[name]]);
  const env = { ...process.env, ...Object.fromEntries(addresses), DATA_DIR: folder };
  const { stdout } = await run("bash", ["-euc", typed], { cwd: root, env });
  expect(stdout.match(/^I\d+ .* ok$/gm)).toHaveLength(24);
  const shown = [...readme.matchAll(/^I\d+ +(\S.*?)(?= {2})/gm)].map(([law]) => law);
  expect(shown).toHaveLength(4);
  for (const law of shown) expect(stdout).toContain(law);
}, 60_000);
