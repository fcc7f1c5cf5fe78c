// Ten thousand requests that mean no good, over every route: each gets a clear answer, and the gateway is none the worse.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { payInWindow } from "@quadrille/stack/provider-window";
import fc, { type Arbitrary, type IAsyncProperty } from "fast-check";
import { audit, withOpenOrders } from "./audit.ts";
import { buy, enrolMember, newRequestId, place, stockVariant } from "./buying.ts";
import { forgedTokens } from "./forged-tokens.ts";
import { type HeapMeter, type Memory, openHeapMeter, withInspector } from "./heap.ts";
import { badRequests, goodRequests, strangeRequests, type Tokens } from "./hostile-requests.ts";
import { malformed } from "./malformed-http.ts";
import { type Operation, openToAll, operationsOf } from "./open-api.ts";
import { codeIn, faultOfProblem } from "./problem-checks.ts";
import { openRawClient, type RawAnswer, type RawRequest, shout } from "./raw-http.ts";
import type { Known } from "./schema-arbitraries.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(240_000);
/** Says what is sent; a failure names the seed of its batch and the path to the very request. */
const seed = Number(process.env.SEED ?? 20_260_301);
/** Per route of the document, besides those that warm the process up. */
const requestsPerRoute = 350;
const warmingPerRoute = 40;
const strangePerPath = 60;
const malformedRequests = 400;
/** Sent one after another, each batch by a seed of its own. */
const batch = 35;
const clients = 24;
/** Nothing is kept for a request: 3 MB would be 300 bytes for each of them. */
const heapGrowthMbMost = 3;
const residentGrowthMbMost = 48;

/** What the gateway says by itself. A no with another code came from a service; so did every yes below /v1. */
const ownCodes: ReadonlySet<string> = new Set<RefusalCode>([
  ...(["INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "ROUTE_UNKNOWN", "HTTP_METHOD_UNKNOWN"] as const),
  ...(["NOT_ACCEPTABLE", "MEDIA_TYPE_UNSUPPORTED", "REQUEST_TOO_LARGE", "HEADERS_TOO_LARGE"] as const),
  ...([
    "REQUEST_TIMEOUT",
    "RATE_LIMITED",
    "OVERLOADED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
  ] as const),
]);

let system: System;
let port: number;
let tokens: Tokens;
let known: Known;
let operations: readonly Operation[];
let meter: HeapMeter;
/** By route: how often each answer came, and how often a service gave it. */
const histogram = new Map<string, { readonly answers: Map<string, number>; sent: number; reached: number }>();

beforeAll(async () => {
  const unlimited = {
    RATE_PER_ADDRESS: "0",
    RATE_PER_CALLER: "0",
    STREAMS_PER_MEMBER: "2000",
    EVENT_LOOP_DELAY_MOST: "0ms",
  };
  system = await openSystem({
    env: { ...unlimited, ...withInspector, REQUEST_TIMEOUT: "5s", CALL_DEADLINE: "15s" },
  });
  const { operator, stack } = system;
  port = Number(new URL(stack.gatewayUrl).port);
  await Promise.all([
    stockVariant(operator, "mug-white", { price: 4_800n, units: 1_000_000 }), // What the document's examples speak of.
    stockVariant(operator, "sold-out", { price: 500n, units: 0 }),
    enrolMember(operator, "7", 1_000_000n),
    enrolMember(operator, "8", 5_000n),
  ]);
  const [seven, eight] = await Promise.all([system.as("7"), system.as("8")]);
  const wish = { lines: { "mug-white": 2 }, due: 9_600n };
  const bought = await buy(system, seven, wish);
  const foreign = await place(eight, wish);
  const payable = await Promise.all(Array.from({ length: 3 }, () => place(seven, wish)));
  const keys = payable.map(({ orderId }) => payInWindow(stack.providerUrl, orderId, 9_600n));
  const cancelled: Order[] = [];
  for (let times = 0; times < 4; times += 1) {
    const order = await place(seven, wish);
    cancelled.push(order); // Most of them before they were payable.
    await seven.orders.cancelOrder({ requestId: newRequestId(), orderId: order.orderId, memberId: "" });
  }
  const { nextPageToken } = await seven.orders.listOrders({ memberId: "", pageSize: 1, pageToken: "" });
  known = {
    orderId: [bought, foreign, ...cancelled, ...payable].map(({ orderId }) => orderId),
    paymentKey: (await Promise.all(keys)).map(({ paymentKey }) => paymentKey),
    productId: ["mug-white", "sold-out", "nothing"],
    memberId: ["7", "8", "nobody"],
    pageToken: [nextPageToken],
    lastEventId: ["0", "1"],
    "last-event-id": ["0", "1"],
    quantity: [1, 2],
    expectedAmountDue: [4_800, 9_600, 9_599, 0],
    "Idempotency-Key": ["the-same-key", "another-key-for-all"],
  };
  const byRole = {
    member: seven.token,
    operator: operator.token,
    service: await stack.keys.mintToken({ sub: "order", role: "service" }),
  };
  tokens = { byRole, bad: Object.values(await forgedTokens(stack.keys, "7")) };
  operations = await operationsOf(stack.gatewayUrl);
  meter = await openHeapMeter(system, "gateway");
});
afterAll(async () => {
  meter?.[Symbol.dispose]();
  await system?.[Symbol.asyncDispose]();
});

function count(route: string, { status, ...answer }: RawAnswer): void {
  const code = codeIn({ status, ...answer });
  const told = code === undefined ? `${status}` : `${status} ${code}`;
  const row = histogram.get(route) ?? { answers: new Map<string, number>(), sent: 0, reached: 0 };
  row.answers.set(told, (row.answers.get(told) ?? 0) + 1);
  row.sent += 1;
  if (route.includes(" /v1") && (code === undefined ? status < 400 : !ownCodes.has(code))) row.reached += 1;
  histogram.set(route, row);
}

/** No defect, and every no in the words of the catalogue. */
function expectClear(answer: RawAnswer, method: string): void {
  const { status, body } = answer;
  if (status >= 500) throw new Error(`answered ${status}: ${body}`);
  if (status < 400) return;
  const fault = faultOfProblem(answer, method);
  if (fault !== undefined) throw new Error(`${fault}: ${body}`);
}

/** Sends what is made, batch by batch. A failure names the least request that fails, and the seed that makes it again. */
function sending(route: string, requests: Arbitrary<RawRequest>, numRuns: number): (() => Promise<void>)[] {
  return Array.from({ length: Math.ceil(numRuns / batch) }, (_, index) => {
    return () =>
      send(route, requests, {
        numRuns: Math.min(batch, numRuns - index * batch),
        seed: seedOf(route, numRuns, index),
      });
  });
}

/** Of its own for each wave, route and batch, so that no two send the same. */
function seedOf(...what: readonly unknown[]): number {
  return createHash("sha256")
    .update([seed, ...what].join())
    .digest()
    .readInt32BE();
}

interface Runs {
  readonly numRuns: number;
  readonly seed: number;
}

async function send(route: string, requests: Arbitrary<RawRequest>, runs: Runs): Promise<void> {
  using client = openRawClient(port);
  const property = fc.asyncProperty(requests, async (request) => {
    const answer = await client.ask(request);
    count(route, answer);
    expectClear(answer, request.method);
  });
  await asserted(route, property, runs);
}

async function asserted(route: string, property: IAsyncProperty<[unknown]>, runs: Runs): Promise<void> {
  try {
    await fc.assert(property, runs);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`${route}: ${(cause as Error | undefined)?.message}\n${message}`, { cause: error });
  }
}

/** A few at a time; all of them, so that one failure does not hide another. */
async function together(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...jobs];
  const failures: Error[] = [];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift())
      await job().catch((error: Error) => failures.push(error));
  };
  await Promise.all(Array.from({ length: clients }, work));
  expect(failures.map(({ message }) => message)).toEqual([]);
}

/** A payment is waited for up to two seconds, in case its order is about to become payable. */
const slowestFirst = (all: readonly Operation[]) =>
  all.toSorted((a, b) => Number(b.path.endsWith("/confirm")) - Number(a.path.endsWith("/confirm")));

/** More than half as the document has it, at its edges above all; the rest with something wrong. */
const wave = (perRoute: number, perPath: number) => [
  ...slowestFirst(operations).flatMap((operation) => {
    const good = goodRequests(operation, known, tokens);
    const bad = badRequests(operation, known, tokens);
    const mixed = fc.oneof({ weight: 11, arbitrary: good }, { weight: 9, arbitrary: bad });
    return sending(operation.name, mixed, perRoute);
  }),
  ...[...openToAll, "/problems/out-of-stock", "/nothing"].flatMap((path) =>
    sending(`GET ${path}`, strangeRequests(path, tokens), perPath),
  ),
];

function histogramLines(): string {
  return [...histogram]
    .map(([route, { answers, sent, reached }]) => {
      const told = [...answers]
        .sort(([, a], [, b]) => b - a)
        .map(([answer, times]) => `${answer} × ${times}`);
      return `${route}: ${sent} sent, ${reached} reached a service\n    ${told.join(", ")}`;
    })
    .join("\n");
}

const total = (of: "sent" | "reached") => [...histogram.values()].reduce((sum, row) => sum + row[of], 0);

test("every one of more than 10,000 hostile requests gets a clear answer, and nothing of them stays", async () => {
  const pid = system.stack.processes.get("gateway")?.pid;
  await together(wave(warmingPerRoute, 10));
  const warm = await meter.read();
  const startedAt = Date.now();
  await together(wave(requestsPerRoute, strangePerPath));
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  await together([() => shoutAll()]);
  const after = await meter.read();
  const share = total("reached") / total("sent");
  console.info(
    `seed ${seed}: ${total("sent")} requests, ${Math.round(share * 100)} % reached a service, in ${seconds} s after warming up; ` +
      `heap ${warm.heapMb} → ${after.heapMb} MB, resident ${warm.residentMb} → ${after.residentMb} MB\n${histogramLines()}`,
  );
  expect(total("sent")).toBeGreaterThanOrEqual(10_000);
  expect(share).toBeGreaterThanOrEqual(0.3);
  expectNoGrowth(warm, after);
  expect(system.stack.processes.get("gateway")?.pid).toBe(pid);
  expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).toContain("gateway");
  expect(complaints()).toEqual([]);
  expect(await audit(system, withOpenOrders)).toEqual([]);
});

/** What is no HTTP: the connection ends, after an answer in the same words where there is somebody to hear it. */
async function shoutAll(): Promise<void> {
  const property = fc.asyncProperty(malformed(tokens), async (bytes) => {
    const t = performance.now();
    const answers = await shout(port, bytes);
    const ms = performance.now() - t;
    if (ms > 1000)
      console.error("SLOWSHOUT", Math.round(ms), JSON.stringify(bytes.toString("latin1")).slice(0, 600));
    for (const answer of answers) {
      count("no HTTP", answer);
      expectClear(answer, "GET");
    }
  });
  await asserted("no HTTP", property, { numRuns: malformedRequests, seed });
}

function expectNoGrowth(warm: Memory, after: Memory): void {
  expect(after.heapMb - warm.heapMb).toBeLessThan(heapGrowthMbMost);
  expect(after.residentMb - warm.residentMb).toBeLessThan(residentGrowthMbMost);
}

/**
 * Lines in which a process of ours says that something is wrong with itself. One is left out: to the payment service a
 * provider that refuses a key of another order looks like one that refuses our own.
 */
function complaints(): readonly string[] {
  const isOne = (text: string) => text.includes('"level":"error"') || text.includes('"level":"fatal"');
  return system.log
    .filter(({ text }) => isOne(text) && !text.includes("the payment provider refuses our key"))
    .map(({ process, text }) => `${process}: ${text}`);
}
