// An order's progress as a browser sees it, on real servers and processes: whole, resumed, through crashes, by the thousand.
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { follow, openReader, type Reader, type SeenEvent } from "@quadrille/gateway/testing/event-reader";
import type { Clients } from "@quadrille/stack/clients";
import { enrolMember, newRequestId, patiently, pay, place, stockVariant } from "./buying.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(60_000);
const streams = 1_000;
const ordersWatched = 50;
const ordersPaid = 10;

let system: System;
let ann: Clients;

beforeAll(async () => {
  // One member and one address stand for a crowd.
  const env = { RATE_PER_ADDRESS: "0", RATE_PER_CALLER: "0", STREAMS_PER_MEMBER: `${2 * streams}` };
  system = await openSystem({ env });
  await stockVariant(system.operator, "lamp", { price: 12_000n, units: 1_000 });
  await enrolMember(system.operator, "ann", 50_000n);
  ann = await system.as("ann");
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const urlOf = (orderId: string) => `${system.stack.gatewayUrl}/v1/orders/${orderId}/events`;
const read = (orderId: string, lastEventId?: number) =>
  openReader(urlOf(orderId), {
    token: ann.token,
    headers: lastEventId === undefined ? {} : { "last-event-id": `${lastEventId}` },
  });
const placeLamp = () => place(ann, { lines: { lamp: 1 }, points: 1n, due: 11_999n });
const data = (events: readonly SeenEvent[]) => events.map((event) => event.data);
const changesOf = ({ events }: Reader) => events.filter(({ event }) => event === "change");

/** The order's history as its own service tells it, in the gateway's words. */
async function historyOf(orderId: string): Promise<object[]> {
  const { order } = await patiently(() => ann.orders.getOrder({ orderId, memberId: "" }));
  expect(order?.settled).toBe(true);
  return (order as Order).history.map(({ number, status, step, reason, at }) => ({
    number,
    status: status.replace("ORDER_STATUS_", ""),
    step,
    ...(reason === "" ? {} : { reason }),
    at: at?.toISOString(),
  }));
}

test("an order is watched from PLACED until it is settled", async () => {
  const placed = await placeLamp();
  const reader = await read(placed.orderId);
  await pay(system, ann, placed);
  expect(await reader.over).toBe("ended");
  const history = await historyOf(placed.orderId);
  expect(history).toHaveLength(7);
  expect(data(reader.events)).toEqual([...history, { number: 7 }]);
  expect(reader.events.map(({ event, id }) => [event, id])).toEqual([
    ...history.map((_, index) => ["change", index + 1]),
    ["end", undefined],
  ]);
});

test("whoever comes again with the last id gets the rest, each change once", async () => {
  const placed = await placeLamp();
  const first = await read(placed.orderId);
  await until(
    "it is payable",
    async () => changesOf(first).length,
    (seen) => seen === 4,
  );
  first.close();
  const second = await read(placed.orderId, 2);
  await pay(system, ann, placed);
  await second.over;
  const history = await historyOf(placed.orderId);
  expect(data(changesOf(first))).toEqual(history.slice(0, 4));
  expect(data(changesOf(second))).toEqual(history.slice(2));
  for (let seen = 0; seen <= history.length; seen += 1) {
    const again = await read(placed.orderId, seen);
    await again.over;
    expect(data(changesOf(again))).toEqual(history.slice(seen));
    expect(again.events.at(-1)).toEqual({ event: "end", data: { number: history.length } });
  }
});

describe("when a process dies in the middle", () => {
  /** Watches an order of which so much is told before something happens, and the rest afterwards. */
  async function watchThrough(happening: (paid: () => Promise<unknown>) => Promise<void>) {
    const placed = await placeLamp();
    let last = "";
    const onEvent = ({ data: { step } }: SeenEvent) => {
      last = `${step}`;
    };
    const followed = follow([urlOf(placed.orderId)], { token: ann.token, onEvent }, 40_000);
    followed.catch(() => {}); // Awaited below; what happens before may fail first.
    await until(
      "it is payable",
      async () => last,
      (step) => step === "PAYABLE",
    );
    await happening(() => pay(system, ann, placed));
    const { changes, connections } = await followed;
    expect(data(changes)).toEqual(await historyOf(placed.orderId));
    expect(changes).toHaveLength(7);
    return connections;
  }

  test("the gateway: the client comes again and misses nothing", async () => {
    const connections = await watchThrough(async (paid) => {
      await system.stack.kill("gateway");
      await paid();
      await system.stack.restart("gateway");
    });
    expect(connections).toBe(2);
  });

  test("the order service: the client does not even notice", async () => {
    const connections = await watchThrough(async (paid) => {
      await system.stack.kill("order");
      await paid();
      await pause(500);
      await system.stack.restart("order");
    });
    expect(connections).toBe(1);
  });

  test("a gateway that is asked to end sends its clients away at once", async () => {
    let tookMs = 0;
    const connections = await watchThrough(async (paid) => {
      const startedAt = Date.now();
      await system.stack.processes.get("gateway")?.stop();
      tookMs = Date.now() - startedAt;
      await system.stack.restart("gateway");
      await paid();
    });
    expect(connections).toBe(2);
    expect(tookMs).toBeLessThan(3_000);
  });
});

/** Resident memory of the gateway, in MB. */
async function memoryMb(): Promise<number> {
  const pid = system.stack.processes.get("gateway")?.pid;
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

/** A busy gateway turns some away for a moment; they come again, as a browser does. */
async function readPatiently(orderId: string): Promise<Reader> {
  for (;;) {
    const reader = await read(orderId);
    if (reader.status === 200) return reader;
    await reader.over;
    if (reader.status !== 503 && reader.status !== 504)
      throw new Error(`answered ${reader.status}: ${reader.text}`);
    await pause(500);
  }
}

test(`${streams} streams are open on one gateway at once, and each comes to its end`, async () => {
  const before = await memoryMb();
  const placed = await Promise.all(Array.from({ length: ordersWatched }, placeLamp));
  const watched = Array.from({ length: streams }, (_, index) => placed[index % ordersWatched] as Order);
  const openingAt = Date.now();
  const readers = await Promise.all(watched.map(({ orderId }) => readPatiently(orderId)));
  const openMs = Date.now() - openingAt;
  await until(
    "all are payable",
    async () => readers.filter((one) => changesOf(one).length < 4).length,
    (few) => few === 0,
  );
  const whileOpen = await memoryMb();
  let over = 0;
  for (const reader of readers) void reader.over.then(() => (over += 1));
  expect(over).toBe(0);

  const endingAt = Date.now();
  await Promise.all([
    ...placed.slice(0, ordersPaid).map((order) => pay(system, ann, order)),
    ...placed
      .slice(ordersPaid)
      .map(({ orderId }) =>
        patiently(() => ann.orders.cancelOrder({ requestId: newRequestId(), orderId, memberId: "" })),
      ),
  ]);
  expect(new Set(await Promise.all(readers.map((reader) => reader.over)))).toEqual(new Set(["ended"]));
  console.info(
    `${streams} streams opened in ${openMs} ms and ended ${Date.now() - endingAt} ms after ${ordersWatched} orders were paid or cancelled; ` +
      `the gateway held ${before} MB before, ${whileOpen} MB with them, ${await memoryMb()} MB after`,
  );
  for (const [index, { orderId }] of placed.entries()) {
    const history = await historyOf(orderId);
    for (let at = index; at < streams; at += ordersWatched) {
      const { events } = readers[at] as Reader;
      expect(data(events)).toEqual([...history, { number: history.length }]);
    }
  }
});
