// What `npm start` promises a person: stories with timelines, data that stays, clear words when it cannot, nothing left running.
import { execFile } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Service } from "@quadrille/contracts/events";
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { startNats, startPostgres } from "@quadrille/embedded";
import { client } from "@quadrille/rpc";
import pg from "pg";
import { auditCommand } from "./auditing.ts";
import {
  copyRepository,
  freeRow,
  places,
  type Run,
  repository,
  runStart,
  takenPorts,
} from "./start-script.ts";
import { temporaryFolder } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(120_000);

let folder: string;
let dataDir: string;
let portBase: number;

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder, "data");
  portBase = await freeRow();
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** The end of a run, with what it printed and what it left. */
async function ended(run: Run, base = portBase) {
  const how = await run.child.exited;
  return { how, left: run.processes(), taken: await takenPorts(base), text: run.text() };
}

const told = [
  "order    placed",
  "product  stock_held",
  "member   benefits_held",
  "order    payable",
  "payment  opened",
  "payment  approved",
  "order    confirmed",
  "product  stock_committed",
  "member   benefits_spent",
];

/** What each story says of its end, and the order in which they are told. */
const ends = [
  [
    "a",
    [
      /^ +POST \/v1\/cart\/lines \{"productId":"sku-0001","quantity":2\} → 200$/m,
      /^ +POST \/v1\/orders \{"cart":true,.*\} → 201$/m,
      /^ +GET \/v1\/orders\/\S+\/events → 200$/m,
      /^ +POST \/v1\/orders\/\S+\/payment\/confirm \{.*\} → 200$/m,
      /order \S+ is CONFIRMED$/m,
    ],
  ],
  [
    "b",
    [
      /^ +POST \/v1\/orders \{.*\} → 409 OUT_OF_STOCK$/m,
      /refused OUT_OF_STOCK at the door$/m,
      /both orders were accepted \(race \d+\)$/m,
      /product {2}stock_rejected \(OUT_OF_STOCK\)$/m,
      /member {3}benefits_released \(CANCELLED\)$/m,
      /order \S+ is CANCELLED \(STOCK_REJECTED\)$/m,
      /order \S+ is CONFIRMED$/m,
      /before: 1 in stock, 500 points; after: 0 in stock, 500 points$/m,
    ],
  ],
  [
    "c",
    [
      /refused NOT_ENOUGH_POINTS at the door$/m,
      /before: 1 in stock, 300 points; after: 1 in stock, 300 points$/m,
    ],
  ],
  [
    "d",
    [
      /^ +POST \/v1\/orders\/\S+\/payment\/confirm \{.*\} → \d+ PAYMENT_DECLINED$/m,
      /payment {2}declined \(REJECT_CARD_PAYMENT\)$/m,
      ...allBack("PAYMENT_DECLINED"),
    ],
  ],
  ["e", [/[3-9]\d{3} ms {2}payment {2}voided \(EXPIRED\)$/m, ...allBack("PAYMENT_EXPIRED")]],
  [
    "f",
    [
      /after [3-9]\d{3} ms the payment is UNKNOWN$/m,
      /refused PAYMENT_IN_DOUBT/,
      /order \S+ is CONFIRMED$/m,
      /ledger: 1 capture, 2000 taken, 0 given back$/m,
    ],
  ],
  [
    "g",
    [
      /the cart is still shown, after \d+ ms, its line PRODUCT_UNAVAILABLE$/m,
      /the breaker is open: refused in \d+ ms$/m,
      /the breaker closed \d+ ms after product was back$/m,
      /order \S+ is CONFIRMED$/m,
    ],
  ],
] as const;

function allBack(reason: string): RegExp[] {
  return [
    /product {2}stock_released \(CANCELLED\)$/m,
    /member {3}benefits_released \(CANCELLED\)$/m,
    new RegExp(`order \\S+ is CANCELLED \\(${reason}\\)$`, "m"),
    /before: 1 in stock, 500 points; after: 1 in stock, 500 points$/m,
  ];
}

/** What was said of each story, by its letter. */
function storiesIn(text: string): Map<string, string> {
  const parts = text.split(/^\(([a-z])\) /m).slice(1);
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? ""]] : [])));
}

test("it plays the stories once, prints who told what and when and how each ended, and leaves nothing", async () => {
  await using run = await runStart({ args: ["--once"], dataDir, portBase });
  const { how, text, left, taken } = await ended(run);
  expect({ how, left, taken, text }).toEqual({
    how: "exit code 0",
    left: [],
    taken: [],
    text: expect.stringContaining("All 7 stories ended as told."),
  });
  const stories = storiesIn(text);
  expect([...stories.keys()]).toEqual(ends.map(([letter]) => letter));
  for (const [letter, said] of ends)
    for (const each of said) expect(`(${letter}) ${stories.get(letter)}`).toMatch(each);
  const timeline = [...(stories.get("a") ?? "").matchAll(/^ +(\d+) ms {2}(.+)$/gm)].map(
    ([, ms, fact]) => [Number(ms), fact] as const,
  );
  expect(timeline.map(([, fact]) => fact).toSorted()).toEqual(told.toSorted());
  expect(timeline[0]).toEqual([0, "order    placed"]);
  expect(timeline.map(([ms]) => ms)).toEqual(
    timeline.map(([ms]) => ms).toSorted((one, other) => one - other),
  );
  expect(text).not.toContain("the end of"); // Product was killed by its story: nobody is to look for a reason.
});

/** Who the gateway takes the bearer of a token for. */
async function memberOf(gateway: string, token = ""): Promise<unknown> {
  const response = await fetch(`${gateway}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  return ((await response.json()) as { readonly memberId?: unknown }).memberId;
}

/** What `npm run token` prints, with the data of this test. */
async function tokenCommand(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(repository, "scripts/token.ts"), ...args],
    { env: { ...process.env, NODE_OPTIONS: "", DATA_DIR: dataDir } },
  );
  return stdout.trimEnd();
}

test("a second run keeps the data, serves what it prints, and Ctrl-C ends everything", async () => {
  await using run = await runStart({ dataDir, portBase });
  await run.printed("Ctrl-C ends everything.");
  expect(await takenPorts(portBase)).toEqual(Object.keys(places));
  const [gateway = ""] = /http:\S+/.exec(run.text().split("stories ended as told.")[1] ?? "") ?? [];
  expect(gateway).toBe(`http://127.0.0.1:${portBase}`); // The first of all addresses.
  const token = /token of member 1[^\n]*\n(\S+)/.exec(run.text())?.[1] ?? "";
  const [, ofThePage] = new RegExp(`^${gateway}/#token=(\\S+)$`, "m").exec(run.text()) ?? [];
  expect(await memberOf(gateway, ofThePage)).toBe("1");
  expect(await memberOf(gateway, await tokenCommand(["--member", "7"]))).toBe("7");
  const config = { address: `127.0.0.1:${portBase + places.order}`, token: () => token, deadlineMs: 5_000 };
  await using orders = await client(OrderServiceService, config);
  const { orders: kept } = await orders.listOrders({ memberId: "", pageSize: 100, pageToken: "" });
  expect(kept.map((order) => `${order.status} ${order.settled}`)).toEqual([
    "ORDER_STATUS_CONFIRMED true",
    "ORDER_STATUS_CONFIRMED true",
  ]);
  const at = (service: Service) => `127.0.0.1:${portBase + places[service]}`;
  const addresses = {
    order: at("order"),
    product: at("product"),
    member: at("member"),
    payment: at("payment"),
  };
  // A story killed product, maybe between publishing a fact and noting so: then its sweep publishes it once more.
  const look = () => auditCommand({ addresses, dataDir }, ["--at-rest"]);
  const { text } = await until("every law holds", look, (seen) => seen.ended === "exit code 0");
  expect(text).toMatch(/^I16 .* ok$/m);
  run.child.kill("SIGINT");
  const { how, left, taken } = await ended(run);
  expect({ how, left, taken }).toEqual({ how: "exit code 0", left: [], taken: [] });
});

test("Ctrl-C while it starts ends everything as well", async () => {
  await using run = await runStart({ dataDir, portBase });
  await run.printed("starting PostgreSQL");
  run.child.kill("SIGINT");
  const { left, taken } = await ended(run);
  expect({ left, taken }).toEqual({ left: [], taken: [] });
});

test("--fresh forgets what earlier runs kept", async () => {
  await using run = await runStart({ args: ["--once", "--fresh"], dataDir, portBase });
  const { how, left } = await ended(run);
  expect({ how, left }).toEqual({ how: "exit code 0", left: [] });
  expect(run.text()).toContain("All 7 stories ended as told.");
  const log = await readFile(join(dataDir, "services.log"), "utf8");
  expect(log.match(/"msg":"ready"/g)).toHaveLength(7); // Four services, the gateway and the provider, of this run alone; product twice.
});

// Processes of ours, and a server that tells of it itself.
test.each(
  Object.entries(places).filter(([name]) => ["gateway", "product", "provider", "postgres"].includes(name)),
)("a taken port, that of %s, is said with its number", async (_name, place) => {
  const port = portBase + place;
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen({ port, host: "127.0.0.1" }, resolve));
  await using run = await runStart({ args: ["--once"], dataDir, portBase });
  const { how, text, left } = await ended(run);
  expect({ how, left }).toEqual({ how: "exit code 1", left: [] });
  expect(text).toContain(`Port ${port} on 127.0.0.1, wanted for `);
  expect(text).toContain("stop the program that has it, or choose another port.");
  expect(text).not.toMatch(/^ +at /m); // Words for a person, no stack.
});

test("given outside servers, it starts none of its own", async () => {
  await using postgres = await startPostgres({
    dataDir: join(folder, "outside-postgres"),
    settings: { fsync: "off" },
  });
  await using nats = await startNats({ storeDir: join(folder, "outside-nats") });
  const own = join(folder, "beside");
  await using run = await runStart({
    args: ["--once"],
    dataDir: own,
    portBase,
    env: { DATABASE_URL: postgres.url, NATS_URL: nats.url },
  });
  const { how, left, text } = await ended(run);
  expect({ how, left, text }).toEqual({
    how: "exit code 0",
    left: [],
    text: expect.stringContaining("All 7 stories ended as told."),
  });
  expect((await readdir(own)).toSorted()).toEqual(["keys", "provider", "services.log"]);
  const database = new pg.Client({ connectionString: `${postgres.url}quadrille_order` });
  await database.connect();
  const { rows } = await database.query("select distinct reason from orders order by reason nulls first");
  await database.end();
  const reasons = rows.map(({ reason }) => reason);
  expect(reasons).toEqual(
    expect.arrayContaining([null, "PAYMENT_DECLINED", "PAYMENT_EXPIRED", "STOCK_REJECTED"]),
  );
});

test("with product's subscriptions taken out, it ends with 1 and says what it waits for", async () => {
  const root = join(folder, "without-subscriptions");
  await copyRepository(root);
  const file = join(root, "services/product/src/subscriptions.ts");
  const text = await readFile(file, "utf8");
  const spoilt = text
    .replace(/=> \[[\s\S]*\];/, "=> (void store, []);")
    .replace(/^import \{ (on|events) \}.*\n/gm, "");
  expect(spoilt).not.toBe(text);
  await writeFile(file, spoilt);

  await using run = await runStart({ root, args: ["--once"], dataDir, portBase });
  const { how, text: said, left, taken } = await ended(run);
  expect({ how, left, taken }).toEqual({ how: "exit code 1", left: [], taken: [] });
  expect(said).toMatch(/^ +0 ms {2}order {4}placed$/m);
  expect(said).toMatch(/ms {2}member {3}benefits_held$/m);
  expect(said).not.toContain("product  stock_held");
  expect(said).toMatch(/still waiting for product\.stock_held, order\.payable/);
  expect(said).toContain("NOT ended as told: (a).");
  expect([...storiesIn(said).keys()]).toEqual(["a"]); // Where nothing is sold the others would only wait.
});
