// What the gateway turns away, over real connections where only those show it.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { cart } from "./testing/examples.ts";
import { openTestGateway, type TestGateway } from "./testing/open.ts";

const orders = { getCart: async () => ({ cart }) };

/** What comes back over a connection of its own until the other end closes it. */
async function rawAnswer(
  port: number,
  send: (socket: Socket) => void,
): Promise<{ head: string; body: string }> {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  const closed = once(socket, "close");
  send(socket);
  await closed;
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return { head, body };
}

async function statusesOf(open: TestGateway, count: number, asked: Parameters<TestGateway["ask"]>[0]) {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) statuses.push((await open.ask(asked)).statusCode);
  return statuses;
}

test("an address has its number of requests a minute, whoever asks, and is told when to come again", async () => {
  await using open = await openTestGateway({ orders, limits: { perAddressMinute: 3 } });
  const url = "/v1/cart";
  expect(await statusesOf(open, 4, { url, as: null })).toEqual([401, 401, 401, 429]);
  const answer = await open.ask({ url }); // Another caller at the same address.
  expect([answer.statusCode, answer.json().code]).toEqual([429, "RATE_LIMITED"]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(50);
  expect(Number(answer.headers["retry-after"])).toBeLessThanOrEqual(60);
  const elsewhere = await open.ask({ url, remoteAddress: "192.0.2.1" });
  expect(elsewhere.statusCode).toBe(200);
});

test("what finds no route counts as well", async () => {
  await using open = await openTestGateway({ limits: { perAddressMinute: 2 } });
  expect(await statusesOf(open, 3, { url: "/nope" })).toEqual([404, 404, 429]);
});

test.each(["/v1/%ff", `/v1/products/${"a".repeat(600)}`])(
  "what is refused for its address alone counts as well: %s",
  async (url) => {
    await using open = await openTestGateway({ limits: { perAddressMinute: 2 } });
    expect(await statusesOf(open, 3, { url })).toEqual([400, 400, 429]);
  },
);

test("health is told however much was asked before, and by HEAD", async () => {
  await using open = await openTestGateway({ limits: { perAddressMinute: 1, requestsMost: 1 } });
  expect(await statusesOf(open, 2, { url: "/health/nope" })).toEqual([404, 429]);
  expect(await statusesOf(open, 3, { url: "/health/live" })).toEqual([200, 200, 200]);
  expect(await statusesOf(open, 3, { url: "/health/ready", method: "HEAD" })).toEqual([200, 200, 200]);
});

test("addresses of one IPv6 network are one, as they belong to one customer", async () => {
  await using open = await openTestGateway({ orders, limits: { perAddressMinute: 1 } });
  const from = async (remoteAddress: string) =>
    (await open.ask({ url: "/v1/cart", remoteAddress })).statusCode;
  expect(await from("2001:db8:1:1::1")).toBe(200);
  expect(await from("2001:db8:1:1::2")).toBe(429);
  expect(await from("2001:db8:1:2::1")).toBe(200);
});

test("a proxy's word about the address counts only if the proxy is trusted", async () => {
  const ask = async (trustedProxies: readonly string[]) => {
    await using open = await openTestGateway({
      orders,
      limits: { perAddressMinute: 1 },
      parts: { trustedProxies },
    });
    const statuses: number[] = [];
    for (const address of ["192.0.2.1", "192.0.2.2"]) {
      const headers = { "x-forwarded-for": address };
      statuses.push((await open.ask({ url: "/v1/cart", headers })).statusCode);
    }
    return statuses;
  };
  expect(await ask([])).toEqual([200, 429]);
  expect(await ask(["127.0.0.0/8"])).toEqual([200, 200]);
});

test("a caller has a number of requests of their own, which nobody else uses up", async () => {
  await using open = await openTestGateway({ orders, limits: { perCallerMinute: 2 } });
  const url = "/v1/cart";
  expect(await statusesOf(open, 3, { url })).toEqual([200, 200, 429]);
  expect(await statusesOf(open, 1, { url, as: open.tokens.other })).toEqual([200]);
  const forged = `${open.tokens.member.slice(0, -4)}AAAA`;
  expect(await statusesOf(open, 3, { url, as: forged })).toEqual([401, 401, 401]);
  expect(await statusesOf(open, 1, { url, remoteAddress: "192.0.2.1" })).toEqual([429]);
});

test("a body that is too large is not read to its end", async () => {
  await using open = await openTestGateway({ limits: { bodyBytesMost: 1_000 } });
  const headers = { "idempotency-key": "0123456789", "content-type": "application/json" };
  const body = JSON.stringify({ productId: "x".repeat(1_000), quantity: 1 });
  const answer = await open.ask({ method: "POST", url: "/v1/cart/lines", headers, body });
  expect([answer.statusCode, answer.json().code]).toEqual([413, "REQUEST_TOO_LARGE"]);
  const stranger = await open.ask({ method: "POST", url: "/v1/cart/lines", headers, body, as: null });
  expect(stranger.statusCode).toBe(401); // Not even looked at.
});

test("beyond the number of requests at work further ones are turned away, and each that ends makes room", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using open = await openTestGateway({
    orders: { getCart: async () => released.then(() => ({ cart })) },
    limits: { requestsMost: 2 },
  });
  const url = "/v1/cart";
  const atWork = [open.ask({ url }), open.ask({ url })];
  while (open.heard.length < 2) await sleep(5);
  const answer = await open.ask({ url });
  expect([answer.statusCode, answer.json().code]).toEqual([503, "OVERLOADED"]);
  expect(answer.headers["retry-after"]).toBe("1");
  expect((await open.ask({ url: "/health/ready", as: null })).statusCode).toBe(200);
  release();
  expect((await Promise.all(atWork)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  expect(await statusesOf(open, 3, { url })).toEqual([200, 200, 200]);
});

test("a process that comes too late sheds its work, says so to whoever balances the load, and goes on living", async () => {
  await using open = await openTestGateway({ orders, limits: { heapBytesMost: 1 } });
  await sleep(700); // The heap is looked at twice a second.
  const answer = await open.ask({ url: "/v1/cart" });
  expect([answer.statusCode, answer.json().code]).toEqual([503, "OVERLOADED"]);
  expect(answer.headers["retry-after"]).toBe("1");
  const ready = await open.ask({ url: "/health/ready" });
  expect([ready.statusCode, ready.json()]).toEqual([503, { ready: false, parts: { serving: false } }]);
  expect((await open.ask({ url: "/health/live" })).statusCode).toBe(200);
  expect(open.heard).toEqual([]);
});

test("an event loop that is held up counts as too much work until it is free again", async () => {
  await using open = await openTestGateway({ orders, limits: { eventLoopDelayMsMost: 50 } });
  const until = performance.now() + 1_200;
  while (performance.now() < until) {
    const held = performance.now() + 300;
    while (performance.now() < held); // Nothing else runs meanwhile.
    await sleep(0);
  }
  await sleep(20);
  expect((await open.ask({ url: "/v1/cart" })).statusCode).toBe(503);
  for (let waited = 0; (await open.ask({ url: "/v1/cart" })).statusCode === 503; waited += 1) {
    expect(waited).toBeLessThan(40);
    await sleep(100);
  }
});

test.each([
  ["headers", "GET /v1/cart HTTP/1.1\r\nHost: x\r\nX-Slow: "],
  ["a body", null],
])("%s that come drop by drop are cut off in time", async (what, begun) => {
  await using open = await openTestGateway({ limits: { headersMs: 300, requestMs: 600 } });
  const port = await open.listen();
  const head = [
    "POST /v1/cart/lines HTTP/1.1",
    "Host: x",
    `Authorization: Bearer ${open.tokens.member}`,
    "Idempotency-Key: 0123456789",
    "Content-Type: application/json",
    "Content-Length: 1000",
  ].join("\r\n");
  const begunAt = performance.now();
  const drops = new AbortController();
  const answer = await rawAnswer(port, async (socket) => {
    socket.write(begun ?? `${head}\r\n\r\n`);
    socket.on("close", () => drops.abort());
    while (!drops.signal.aborted) {
      await sleep(50, undefined, { signal: drops.signal }).catch(() => {});
      if (socket.writable) socket.write("x");
    }
  });
  expect(performance.now() - begunAt).toBeLessThan(3_000);
  expect([what, answer.head.split("\r\n")[0]]).toEqual([what, "HTTP/1.1 408 Request Timeout"]);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "REQUEST_TIMEOUT", status: 408 });
});

test("what is no HTTP, and headers beyond measure, are told so in the same words", async () => {
  await using open = await openTestGateway();
  const port = await open.listen();
  const nonsense = await rawAnswer(port, (socket) => socket.write("hello\r\n\r\n"));
  expect(nonsense.head).toContain("HTTP/1.1 400 Bad Request\r\n");
  expect(nonsense.head).toContain("\r\nContent-Type: application/problem+json");
  const large = await rawAnswer(port, (socket) =>
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${"x".repeat(20_000)}\r\n\r\n`),
  );
  expect(large.head).toContain("HTTP/1.1 431 ");
  expect(JSON.parse(large.body)).toMatchObject({ code: "HEADERS_TOO_LARGE" });
});

test.each([
  ["a request that names no host", "GET /v1/cart HTTP/1.1", 400, "INVALID_REQUEST"],
  ["one of the time before hosts", "GET /v1/cart HTTP/1.0", 401, "UNAUTHENTICATED"],
  [
    "an expectation nobody knows",
    "GET /v1/cart HTTP/1.1\r\nHost: x\r\nExpect: a-miracle",
    401,
    "UNAUTHENTICATED",
  ],
  ["a method of other protocols", "PROPFIND /v1/cart HTTP/1.1\r\nHost: x", 405, "HTTP_METHOD_UNKNOWN"],
  [
    "a wish for another protocol",
    "GET /nope HTTP/1.1\r\nHost: x\r\nUpgrade: websocket",
    404,
    "ROUTE_UNKNOWN",
  ],
  ["a request with two hosts", "GET /v1/cart HTTP/1.1\r\nHost: x\r\nHost: y", 400, "INVALID_REQUEST"],
  ["a wish for a tunnel", "CONNECT x:443 HTTP/1.1\r\nHost: x", 405, "HTTP_METHOD_UNKNOWN"],
  ["a method of no protocol", "NOPE /v1/cart HTTP/1.1\r\nHost: x", 400, "INVALID_REQUEST"],
  ["a path that is no text", "GET /v1/%ff HTTP/1.1\r\nHost: x", 400, "INVALID_REQUEST"],
  ["a path for a proxy", "GET http://x/v1/cart HTTP/1.1\r\nHost: x", 401, "UNAUTHENTICATED"],
])("%s is answered as any other", async (_, lines, status, code) => {
  await using open = await openTestGateway();
  const port = await open.listen();
  const answer = await rawAnswer(port, (socket) => socket.end(`${lines}\r\nConnection: close\r\n\r\n`));
  expect(answer.head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.head).toContain("application/problem+json");
  expect(answer.head.toLowerCase()).toContain("\r\nx-content-type-options: nosniff\r\n");
  expect(answer.head.toLowerCase()).toContain("\r\ncontent-security-policy: default-src 'self';");
  expect(JSON.parse(answer.body).code).toBe(code);
});

test("further connections than allowed are closed as they come", async () => {
  await using open = await openTestGateway({ limits: { connectionsMost: 1 } });
  const port = await open.listen();
  const first = connect({ port, host: "127.0.0.1" });
  await once(first, "connect");
  const second = connect({ port, host: "127.0.0.1" });
  second.on("error", () => {}); // A reset is an end as well.
  await once(second, "close");
  expect(first.closed).toBe(false);
  first.destroy();
});
