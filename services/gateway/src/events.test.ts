import { createConnection } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { until } from "@quadrille/rpc/testing/raw";
import { follow, openReader, type Reader, type SeenEvent } from "./testing/event-reader.ts";
import { openWatchedGateway, serveOrders } from "./testing/watched-gateway.ts";

const numbers = (events: readonly SeenEvent[]) => events.map(({ data }) => data.number);
const ids = (events: readonly SeenEvent[]) => events.map(({ id }) => id);
const upTo = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
const problemOf = async (reader: Reader) => {
  await reader.over;
  return { status: reader.status, ...(JSON.parse(reader.text) as object) };
};

describe("an order's events", () => {
  test("are each change with its number, and an end when nothing more can change", async () => {
    await using gateway = await openWatchedGateway();
    const { fake } = gateway;
    fake.place("o-1", "7");
    const reader = await gateway.read("o-1", "7");
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    await until(() => reader.events.length === 1);
    fake.tell("o-1", "CANCELLED", { status: "ORDER_STATUS_CANCELLED", reason: "BY_MEMBER" });
    await until(() => reader.events.length === 2);
    fake.settle("o-1");
    expect(await reader.over).toBe("ended");
    expect(reader.text).toBe(
      [
        "retry: 2000\n\n",
        'id: 1\nevent: change\ndata: {"number":1,"status":"PENDING","step":"PLACED","at":"2026-01-01T00:00:01.000Z"}\n\n',
        'id: 2\nevent: change\ndata: {"number":2,"status":"CANCELLED","step":"CANCELLED","reason":"BY_MEMBER","at":"2026-01-01T00:00:02.000Z"}\n\n',
        'event: end\ndata: {"number":2}\n\n',
      ].join(""),
    );
    await until(() => gateway.watches.inside === 0);
  });

  test("go on after the change that was seen last, whichever way it is said", async () => {
    await using gateway = await openWatchedGateway();
    const { fake } = gateway;
    fake.place("o-1", "7");
    for (const step of ["STOCK_HELD", "PAYABLE", "PAID"]) fake.tell("o-1", step);
    fake.settle("o-1");
    const token = await gateway.tokenOf("7");
    const resumed = async (query: string, headers = {}) => {
      const reader = await openReader(`${gateway.urlOf("o-1")}${query}`, { token, headers });
      expect(await reader.over).toBe("ended");
      expect(reader.events.at(-1)).toEqual({ event: "end", data: { number: 4 } });
      return numbers(reader.events.slice(0, -1));
    };
    expect(await resumed("")).toEqual([1, 2, 3, 4]);
    expect(await resumed("", { "last-event-id": "0" })).toEqual([1, 2, 3, 4]);
    expect(await resumed("", { "last-event-id": "1" })).toEqual([2, 3, 4]);
    expect(await resumed("", { "last-event-id": "4" })).toEqual([]);
    expect(await resumed("?lastEventId=2")).toEqual([3, 4]);
    expect(await resumed("?lastEventId=2", { "last-event-id": "3" })).toEqual([4]);
  });

  test("are one snapshot when the changes in between are no longer kept", async () => {
    await using gateway = await openWatchedGateway();
    const { fake } = gateway;
    fake.place("o-1", "7");
    for (let count = 2; count <= 9; count += 1) fake.tell("o-1", "ASKED_AGAIN");
    fake.trim("o-1", 3);
    fake.settle("o-1");
    const reader = await gateway.read("o-1", "7", { headers: { "last-event-id": "2" } });
    await reader.over;
    expect(reader.events[0]).toMatchObject({ id: 9, data: { number: 9, snapshot: true } });
    expect(numbers(reader.events)).toEqual([9, 9]);
  });

  test("are kept alive by comments while there is no news", async () => {
    await using gateway = await openWatchedGateway({ limits: { heartbeatMs: 20 } });
    gateway.fake.place("o-1", "7");
    const reader = await gateway.read("o-1", "7");
    await until(() => reader.comments >= 3);
    expect(reader.retryMs).toBe(2_000);
    expect(numbers(reader.events)).toEqual([1]);
    reader.close();
  });
});

describe("a no before the first byte is a problem", () => {
  test("no token, another role, an unknown order and another member's", async () => {
    await using gateway = await openWatchedGateway();
    gateway.fake.place("o-1", "7");
    const none = await openReader(gateway.urlOf("o-1"));
    expect(none.headers).toMatchObject({
      "content-type": "application/problem+json",
      "www-authenticate": expect.stringContaining("Bearer"),
    });
    expect(await problemOf(none)).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
    const operator = await openReader(gateway.urlOf("o-1"), {
      token: await gateway.tokenOf("root", "operator"),
    });
    expect(await problemOf(operator)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    const unknown = await problemOf(await gateway.read("o-2", "7"));
    expect(unknown).toMatchObject({ status: 404, code: "ORDER_UNKNOWN" });
    expect(await problemOf(await gateway.read("o-1", "8"))).toEqual(unknown);
    expect(gateway.fake.opened).toEqual([]);
  });

  test("a last event id that is none, or that was never sent", async () => {
    await using gateway = await openWatchedGateway();
    gateway.fake.place("o-1", "7");
    for (const id of ["-1", "1.5", "1e3", "x", "01", "12345678901", "2"]) {
      const no = (field: string) => ({ status: 400, code: "INVALID_REQUEST", violations: [{ field }] });
      const inHeader = await gateway.read("o-1", "7", { headers: { "last-event-id": id } });
      expect(await problemOf(inHeader)).toMatchObject(no("Last-Event-ID"));
      const url = `${gateway.urlOf("o-1")}?lastEventId=${id}`;
      const inQuery = await openReader(url, { token: await gateway.tokenOf("7") });
      expect(await problemOf(inQuery)).toMatchObject(no("lastEventId"));
    }
    expect(gateway.fake.opened).toEqual([]);
  });

  test("an order service that is not there", async () => {
    await using gateway = await openWatchedGateway();
    await gateway.server[Symbol.asyncDispose]();
    const reader = await gateway.read("o-1", "7");
    expect(await problemOf(reader)).toMatchObject({ status: 503, code: "UNAVAILABLE" });
    expect(Number(reader.headers["retry-after"])).toBeGreaterThan(0);
  });

  test("more streams than a member, or the gateway, may have open; until one is closed", async () => {
    const limits = { streamsMost: 3, streamsPerMemberMost: 2 };
    await using gateway = await openWatchedGateway({ limits });
    for (const id of ["7", "8", "9"]) gateway.fake.place(`o-${id}`, id);
    const [first] = [await gateway.read("o-7", "7"), await gateway.read("o-7", "7")];
    const third = await gateway.read("o-7", "7");
    expect(await problemOf(third)).toMatchObject({ status: 429, code: "RATE_LIMITED" });
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
    expect((await gateway.read("o-8", "8")).status).toBe(200);
    const fourth = await gateway.read("o-9", "9");
    expect(await problemOf(fourth)).toMatchObject({ status: 503, code: "OVERLOADED" });
    expect(Number(fourth.headers["retry-after"])).toBeGreaterThan(0);
    first.close();
    await until(() => gateway.watches.inside === 2);
    expect((await gateway.read("o-9", "9")).status).toBe(200);
  });
});

describe("when a connection breaks", () => {
  test("the order service is asked again from the last change sent, and the client does not notice", async () => {
    await using gateway = await openWatchedGateway();
    const { fake, keys, server } = gateway;
    fake.place("o-1", "7");
    fake.tell("o-1", "STOCK_HELD");
    const reader = await gateway.read("o-1", "7");
    await until(() => reader.events.length === 2);
    await server[Symbol.asyncDispose]();
    fake.tell("o-1", "PAYABLE"); // What happened meanwhile is told afterwards.
    await pause(300);
    await using _again = await serveOrders(fake, keys, server.port);
    await until(() => reader.events.length === 3, 10_000);
    fake.tell("o-1", "PAID");
    fake.settle("o-1");
    expect(await reader.over).toBe("ended");
    expect(ids(reader.events)).toEqual([1, 2, 3, 4, undefined]);
    expect(reader.events.at(-1)).toEqual({ event: "end", data: { number: 4 } });
  });

  test("the answer ends without an end when the order service stays away", async () => {
    await using gateway = await openWatchedGateway({ limits: { giveUpMs: 600 } });
    gateway.fake.place("o-1", "7");
    const reader = await gateway.read("o-1", "7");
    await until(() => reader.events.length === 1);
    const goneAt = Date.now();
    await gateway.server[Symbol.asyncDispose]();
    expect(await reader.over).toBe("ended");
    expect(Date.now() - goneAt).toBeGreaterThanOrEqual(500);
    expect(reader.events.map(({ event }) => event)).toEqual(["change"]);
    expect(gateway.lines).toMatchObject([{ level: "warn", about: { orderId: "o-1", last: 1 } }]);
  });

  test("an order service that takes the call and says nothing counts as away", async () => {
    const limits = { giveUpMs: 300 };
    await using gateway = await openWatchedGateway({ limits, watches: { firstNewsMsMax: 100 } });
    const { fake } = gateway;
    fake.place("o-1", "7");
    fake.isSilent = true;
    const reader = await gateway.read("o-1", "7");
    expect(await reader.over).toBe("ended");
    expect(reader.events).toEqual([]);
    expect(fake.opened.length).toBeGreaterThan(1);
  });

  test("an order without news is no order service that is away", async () => {
    await using gateway = await openWatchedGateway({ watches: { firstNewsMsMax: 150 } });
    const { fake } = gateway;
    fake.place("o-1", "7");
    const reader = await gateway.read("o-1", "7", { headers: { "last-event-id": "1" } });
    await pause(500);
    fake.tell("o-1", "CANCELLED");
    await until(() => reader.events.length === 1);
    expect(numbers(reader.events)).toEqual([2]);
    expect(fake.opened).toHaveLength(1);
    reader.close();
  });

  test("a token that has expired meanwhile ends the answer, and the next one is a 401", async () => {
    await using gateway = await openWatchedGateway({ rpc: { limits: { watchMsMax: 200 } } });
    const { fake } = gateway;
    fake.place("o-1", "7");
    const token = await gateway.keys.mintToken({ sub: "7", role: "member", ttlS: -3 }); // The leeway for clocks is 5 s.
    const reader = await openReader(gateway.urlOf("o-1"), { token });
    await until(() => reader.events.length === 1);
    expect(await reader.over).toBe("ended");
    expect(fake.opened.length).toBeGreaterThan(2); // The server ends each watch after a while; that alone ends nothing here.
    expect(reader.events.map(({ event }) => event)).toEqual(["change"]);
    const again = await openReader(gateway.urlOf("o-1"), { token });
    expect(await problemOf(again)).toMatchObject({ status: 401 });
  });

  test("a token that expires ends the answer at that moment, without an end and whatever the order service does", async () => {
    await using gateway = await openWatchedGateway();
    const { fake } = gateway;
    fake.place("o-1", "7");
    const token = await gateway.keys.mintToken({ sub: "7", role: "member", ttlS: -3 }); // The leeway for clocks is 5 s.
    const startedAt = Date.now();
    const reader = await openReader(gateway.urlOf("o-1"), { token });
    const other = await gateway.read("o-1", "7");
    expect(await reader.over).toBe("ended");
    expect(Date.now() - startedAt).toBeLessThan(4_000);
    expect(reader.events.map(({ event }) => event)).toEqual(["change"]);
    expect(fake.opened).toHaveLength(2);
    await until(() => gateway.watches.inside === 1);
    fake.tell("o-1", "STOCK_HELD");
    await until(() => other.events.length === 2); // Another's stream, with a token that is still good, goes on.
    const fresh = { token: await gateway.tokenOf("7"), headers: { "last-event-id": "1" } };
    const again = await openReader(gateway.urlOf("o-1"), fresh);
    await until(() => again.events.length === 1);
    expect(ids(again.events)).toEqual([2]);
    other.close();
    again.close();
  });

  test("a client that comes again has in the end seen each change once, in order", async () => {
    await using gateway = await openWatchedGateway();
    await using other = await openWatchedGateway({ fake: gateway.fake, keys: gateway.keys });
    const { fake } = gateway;
    fake.place("o-1", "7");
    const urls = [gateway.urlOf("o-1"), other.urlOf("o-1")];
    const followed = follow(urls, { token: await gateway.tokenOf("7") }, 10_000);
    for (let count = 0; count < 5; count += 1) {
      await pause(60);
      fake.tell("o-1", "ASKED_AGAIN");
      if (count === 2) await gateway.app.close();
    }
    await until(() => other.watches.inside === 1);
    fake.tell("o-1", "CANCELLED");
    fake.settle("o-1");
    const { changes, connections } = await followed;
    expect(ids(changes)).toEqual(upTo(7));
    expect(connections).toBe(2);
  });
});

describe("closing", () => {
  test("ends every stream at once, without an end, and cuts off who does not read", async () => {
    await using gateway = await openWatchedGateway();
    const { fake } = gateway;
    for (let order = 0; order < 20; order += 1) fake.place(`o-${order}`, "7");
    const readers = await Promise.all(
      Array.from({ length: 20 }, (_, order) => gateway.read(`o-${order}`, "7")),
    );
    await until(() => readers.every(({ events }) => events.length === 1));
    const closingAt = Date.now();
    await gateway.app.close();
    expect(Date.now() - closingAt).toBeLessThan(900);
    expect(await Promise.all(readers.map(({ over }) => over))).toEqual(readers.map(() => "ended"));
    expect(readers.flatMap(({ events }) => events.map(({ event }) => event))).toEqual(
      readers.map(() => "change"),
    );
  });

  test("does not wait for a client that stopped reading", async () => {
    await using gateway = await openWatchedGateway({ limits: { bufferBytesMost: 1e9 } });
    const { fake } = gateway;
    fake.place("o-1", "7");
    const reader = await gateway.read("o-1", "7");
    await until(() => reader.events.length === 1);
    reader.stall();
    for (let count = 0; count < 100; count += 1) fake.tell("o-1", "x".repeat(200_000));
    await until(() => gateway.server.inFlight.watches === 1);
    await pause(500);
    const closingAt = Date.now();
    await gateway.app.close();
    expect(Date.now() - closingAt).toBeLessThan(3_000);
  });
});

test("a client that does not read is cut off, and what waits for it is bounded", async () => {
  await using gateway = await openWatchedGateway();
  const { fake } = gateway;
  fake.place("o-1", "7");
  fake.place("o-2", "7");
  const [slow, quick] = [await gateway.read("o-1", "7"), await gateway.read("o-2", "7")];
  await until(() => slow.events.length === 1 && quick.events.length === 1);
  slow.stall();
  // More than the kernel takes for a reader.
  for (let count = 0; count < 200; count += 1) fake.tell("o-1", "x".repeat(100_000));
  await until(() => gateway.watches.inside === 1, 10_000);
  fake.tell("o-2", "STOCK_HELD");
  await until(() => quick.events.length === 2);
  slow.resume();
  expect(await slow.over).toBe("broken");
  quick.close();
});

test("a client that is gone before the answer leaves nothing behind", async () => {
  await using gateway = await openWatchedGateway();
  gateway.fake.place("o-1", "7");
  const { hostname, port, pathname } = new URL(gateway.urlOf("o-1"));
  const token = await gateway.tokenOf("7");
  const head = `GET ${pathname} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
  for (let count = 0; count < 10; count += 1) {
    const socket = createConnection(Number(port), hostname);
    socket.write(head);
    await until(() => socket.bytesWritten === head.length);
    socket.destroy();
  }
  await pause(100);
  await until(() => gateway.watches.inside === 0 && gateway.server.inFlight.watches === 0);
});
