import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import { until } from "@quadrille/rpc/testing/raw";
import type { Reader } from "./testing/event-reader.ts";
import { openWatchedGateway, type WatchedGatewayOptions } from "./testing/watched-gateway.ts";

jest.setTimeout(60_000);

/** Calls of an ordinary kind, one after the other, until told to stop. */
function keepAsking(ask: () => Promise<unknown>) {
  const seen = { answers: 0, failures: [] as unknown[], longestMs: 0 };
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const startedAt = performance.now();
      await ask().then(
        () => (seen.answers += 1),
        (error: unknown) => seen.failures.push(error),
      );
      seen.longestMs = Math.max(seen.longestMs, performance.now() - startedAt);
      await pause(2);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await asking;
      return seen;
    },
  };
}

/** All over one connection, which may carry them; what a server takes of resets is 1,000 at once and some 33 a second. */
const crowded = {
  watches: { perConnectionMost: 2_000 },
  rpc: { limits: { streamsPerConnectionMax: 3_000 } },
} satisfies WatchedGatewayOptions;

describe("1,000 clients that hang up at once", () => {
  test("and 300 soon after disturb neither an ordinary call nor another watch on their connection", async () => {
    await using gateway = await openWatchedGateway(crowded);
    const { fake, orders, watches } = gateway;
    fake.place("stays", "7");
    const stays = await gateway.read("stays", "7");
    await until(() => stays.events.length === 1);
    const token = await gateway.tokenOf("7");
    const ordinary = keepAsking(() => orders.getOrder({ orderId: "stays", memberId: "" }, { token }));
    fake.place("left", "7");
    for (const count of [1_000, 300]) {
      const crowd: Reader[] = await Promise.all(
        Array.from({ length: count }, () => gateway.read("left", "7")),
      );
      await until(() => crowd.every(({ events }) => events.length === 1), 20_000);
      for (const one of crowd) one.close();
      await pause(500);
    }
    const { inside, connections } = watches;
    const { answers, failures, longestMs } = await ordinary.stop();
    console.info(
      `${answers} ordinary calls meanwhile, the longest ${longestMs.toFixed(0)} ms; ${inside} watches left`,
    );
    expect(failures).toEqual([]);
    expect(answers).toBeGreaterThan(50);
    expect(connections).toBe(1);
    expect(inside).toBeGreaterThan(1_000);
    fake.tell("stays", "PAYABLE");
    await until(() => stays.events.length === 2, 10_000);
    expect(fake.opened.filter(({ orderId }) => orderId === "stays")).toHaveLength(1);
  });

  test("would cost another watch on their connection its own, were they all hung up together", async () => {
    const spread = { ...crowded.watches, hangUpsPerSecond: 1e6 };
    await using gateway = await openWatchedGateway({ ...crowded, watches: spread });
    const { fake, watches } = gateway;
    fake.place("o-1", "7");
    const token = await gateway.tokenOf("7");
    const request = { orderId: "o-1", afterChange: 0 };
    let heard = 0;
    const onNews = () => {
      heard += 1;
    };
    const stays = watches.watch({ request, token, signal: new AbortController().signal, onNews });
    const broken = expect(stays).rejects.toMatchObject({ name: "RpcError" });
    const leave = new AbortController();
    const crowd = Array.from({ length: 1_700 }, () =>
      watches.watch({ request, token, signal: leave.signal, onNews }),
    );
    const left = Promise.allSettled(crowd);
    await until(() => heard === 1_701, 20_000);
    leave.abort(new Error("all at once"));
    await broken;
    await left;
  });
});

test("a full connection is followed by another, and those who left take room until they are hung up", async () => {
  await using gateway = await openWatchedGateway({ watches: { perConnectionMost: 2, hangUpsPerSecond: 20 } });
  const { fake, watches } = gateway;
  fake.place("o-1", "7");
  const readers = await Promise.all(Array.from({ length: 5 }, () => gateway.read("o-1", "7")));
  await until(() => readers.every(({ events }) => events.length === 1));
  expect([watches.inside, watches.connections]).toEqual([5, 3]);
  for (const one of readers) one.close();
  await until(() => watches.inside === 0);
  await gateway.read("o-1", "7");
  await until(() => watches.inside === 1);
  expect(watches.connections).toBe(3);
});

test("a watch that ends by itself needs no hanging up, though its reader has gone", async () => {
  await using gateway = await openWatchedGateway({ watches: { hangUpsPerSecond: 0.01 } });
  const { fake, watches } = gateway;
  fake.place("o-1", "7");
  const readers = await Promise.all(Array.from({ length: 5 }, () => gateway.read("o-1", "7")));
  await until(() => readers.every(({ events }) => events.length === 1));
  for (const one of readers) one.close();
  await until(() => watches.inside === 4);
  fake.tell("o-1", "CANCELLED");
  fake.settle("o-1");
  await until(() => watches.inside === 0);
});
