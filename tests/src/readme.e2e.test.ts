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

beforeAll(async () => {
  readme = await readFile(join(root, "README.md"), "utf8");
  folder = await mkdtemp(join(tmpdir(), "quadrille-readme-"));
  await chmod(folder, 0o755); // The account PostgreSQL runs as must reach it.
  stack = await startStack({ dataDir: folder, postgresSettings: { fsync: "off" } });
  await using operator = await connectAs(stack, "operator", "readme");
  await seed(operator);
}, 60_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

/** The blocks of a part of the README in a language, in their order; an empty language is that of plain text. */
function blocks(heading: string, language: string): string[] {
  const part = readme.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  const found = [...part.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].filter(([, name]) => name === language);
  expect(found).not.toEqual([]);
  return found.map(([, , text]) => text as string);
}

/** The same command on this test's ports. */
function onOurPorts(text: string): string {
  const fixed = {
    7000: stack.gatewayUrl,
    7001: stack.addresses.order,
    7002: stack.addresses.product,
    7004: stack.addresses.payment,
    7005: stack.providerUrl,
  };
  return Object.entries(fixed).reduce((moved, [port, address]) => {
    return moved.replaceAll(`127.0.0.1:${port}`, address.replace(/^ipv4:|^http:\/\//, ""));
  }, text);
}

/** What a shell prints that types this, with the data of this test's system. */
async function type(script: string): Promise<string> {
  const env = { ...process.env, DATA_DIR: folder };
  return (await run("bash", ["-euc", onOurPorts(script)], { cwd: root, env })).stdout;
}

/** The lines that define a token and a command; what they are used for comes after the blank line. */
const definitionsIn = (block: string) => block.split("\n\n")[0] as string;

/** What a person sees of it, whenever it happened and whatever the provider called it. */
function timeless(json: string): unknown {
  const changing = /^(placedAt|payBy|approvedAt|at|transactionKey)$/;
  return JSON.parse(json, (name, value) => (changing.test(name) ? "…" : value));
}

const soldSteps = [
  "PLACED",
  "STOCK_HELD",
  "BENEFITS_HELD",
  "PAYABLE",
  "PAID",
  "BENEFITS_SPENT",
  "STOCK_COMMITTED",
];

test("what is bought over HTTP can be typed as it stands, and answers as it stands there", async () => {
  const [learn = "", place = "", pay = "", again = ""] = blocks("Buying over HTTP", "sh");
  const [products = "", order = "", no = ""] = blocks("Buying over HTTP", "json");
  expect(timeless(await type(learn))).toEqual(timeless(products));

  const define = definitionsIn(learn);
  const lastLine = (printed: string) => printed.trimEnd().split("\n").at(-1) as string;
  const first = lastLine(await type(`${define}\n${place}`));
  expect(timeless(first)).toEqual(timeless(order));
  expect(lastLine(await type(`${define}\n${place}`))).toBe(first);

  const paid = await type(`${define}\n${pay}`);
  expect(paid).toContain('"status":"APPROVED"');
  const [shown = ""] = blocks("Buying over HTTP", "");
  const stepsIn = (text: string) => [...text.matchAll(/"step":"(\w+)"/g)].map(([, step]) => step);
  expect(stepsIn(paid).toSorted()).toEqual(soldSteps.toSorted());
  expect(stepsIn(shown).toSorted()).toEqual(soldSteps.toSorted());
  for (const text of [paid, shown]) expect(text).toMatch(/^id: 7\nevent: change\n[\s\S]*^event: end$/m);

  expect(timeless(await type(`${define}\n${again}`))).toEqual(timeless(no));
}, 60_000);

test("what is asked of the services can be typed as it stands", async () => {
  const [learn = "", place = "", pay = ""] = blocks("The services behind it", "sh");
  expect(await type(learn)).toContain("Oak lamp, white");

  const define = definitionsIn(learn);
  const [first, again] = [await type(`${define}\n${place}`), await type(`${define}\n${place}`)];
  expect(again).toBe(first);
  const [, orderId] = /"orderId": "([^"]+)"/.exec(first) ?? [];
  expect(first).toContain('"amountDue": "1900"');

  const paid = await type(`${define}\n${pay.replace(/^ORDER=\S+/m, `ORDER=${orderId}`)}`);
  expect(paid).toContain("PAYMENT_STATUS_APPROVED");
  const steps = [...paid.matchAll(/"step": ?"(\w+)"/g)].map(([, step]) => step);
  expect(steps[0]).toBe("PLACED");
  expect(new Set(steps)).toEqual(new Set(soldSteps));

  // The subscriber comes after the order and hears of it all the same: the stream keeps what was told.
  const [subscriber = ""] = blocks("Adding a subscriber", "ts");
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
  const [typed = ""] = blocks("Is everything right?", "sh");
  const addresses = services.map((name) => [`${name.toUpperCase()}_ADDRESS`, stack.addresses[name]]);
  const env = { ...process.env, ...Object.fromEntries(addresses), DATA_DIR: folder };
  const { stdout } = await run("bash", ["-euc", typed], { cwd: root, env });
  expect(stdout.match(/^I\d+ .* ok$/gm)).toHaveLength(24);
  const shown = [...readme.matchAll(/^I\d+ +(\S.*?)(?= {2})/gm)].map(([law]) => law);
  expect(shown).toHaveLength(4);
  for (const law of shown) expect(stdout).toContain(law);
}, 60_000);
