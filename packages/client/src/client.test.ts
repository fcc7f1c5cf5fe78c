import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type ClientConfig, NoAnswer, openClient, Problem } from "./client.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Answering = (response: ServerResponse, request: Seen) => unknown;

let server: Server;
/** What was asked so far. */
let seen: Seen[];
/** Answers of the server in turn; the last one stays. */
let answers: Answering[];

beforeEach(async () => {
  seen = [];
  server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const one = { method, url, headers, body: await text(request) };
    seen.push(one);
    answers[Math.min(seen.length, answers.length) - 1]?.(response, one);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) server.close();
});

const open = (config: Partial<ClientConfig> = {}) => {
  const { port } = server.address() as AddressInfo;
  return openClient({ baseUrl: `http://127.0.0.1:${port}`, token: "t", ...config });
};
const json =
  (status: number, body: object, headers: Record<string, string> = {}): Answering =>
  (response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const no = (status: number, code: string, about: object = {}, headers: Record<string, string> = {}) =>
  json(
    status,
    { type: `/problems/${code}`, title: "It cannot be.", status, code, ...about },
    { "content-type": "application/problem+json; charset=utf-8", ...headers },
  );
const hangUp: Answering = (response) => response.destroy();
const keys = () => seen.map(({ headers }) => headers["idempotency-key"]);
const fault = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a call", () => {
  test("carries the token, the path, the query and the body, and gives what was answered", async () => {
    answers = [json(200, { version: 3 }), json(200, { products: [] }, { etag: '"a"' })];
    const { GET, POST } = open({ token: async () => "fresh" });
    const { data } = await POST("/v1/cart/lines", { body: { productId: "mug-white", quantity: 2 } });
    expect(data.version).toBe(3);
    const { data: page, response } = await GET("/v1/products", { params: { query: { query: "a mug" } } });
    expect(page.products).toEqual([]);
    expect(response.headers.get("etag")).toBe('"a"');
    expect(seen).toMatchObject([
      {
        method: "POST",
        url: "/v1/cart/lines",
        headers: { authorization: "Bearer fresh", "content-type": "application/json" },
        body: '{"productId":"mug-white","quantity":2}',
      },
      { method: "GET", url: "/v1/products?query=a%20mug", body: "" },
    ]);
  });

  test("is held to the document by its types", async () => {
    answers = [json(200, {})];
    const { GET, PATCH, POST } = open();
    const params = { path: { productId: "a" } };
    // @ts-expect-error There is nothing at this path.
    await GET("/v1/nowhere");
    // @ts-expect-error A quantity is a number.
    await PATCH("/v1/cart/lines/{productId}", { params, body: { quantity: "2" } });
    // @ts-expect-error An order says what its buyer was shown.
    await POST("/v1/orders", { body: { cart: true, method: "CARD" } });
    // @ts-expect-error A path needs its parts.
    await expect(GET("/v1/orders/{orderId}")).resolves.toBeDefined();
    const { data } = await GET("/v1/me");
    // @ts-expect-error A member has no such thing.
    expect(data.coins).toBeUndefined();
  });

  test("that changes something has a key of its own, or the one it is given; one that reads has none", async () => {
    answers = [json(200, {})];
    const { GET, POST, PATCH, DELETE } = open();
    const params = { path: { productId: "a" } };
    await POST("/v1/cart/lines", { body: { productId: "a", quantity: 1 } });
    await PATCH("/v1/cart/lines/{productId}", { params, body: { quantity: 1 } });
    await DELETE("/v1/cart");
    await POST("/v1/cart/lines", {
      body: { productId: "a", quantity: 1 },
      headers: { "Idempotency-Key": "my-own-key" },
    });
    await GET("/v1/cart");
    const [posted, patched, deleted, given, read] = keys();
    for (const key of [posted, patched, deleted]) expect(key).toMatch(/^[A-Za-z0-9_-]{36}$/);
    expect(new Set([posted, patched, deleted]).size).toBe(3);
    expect(given).toBe("my-own-key");
    expect(read).toBeUndefined();
  });
});

describe("a no", () => {
  test("is thrown with everything it says, and not asked about again", async () => {
    const about = {
      detail: "Look here.",
      violations: [{ field: "quantity", description: "must be >= 1" }],
      details: { productId: "a" },
    };
    answers = [no(400, "INVALID_REQUEST", about)];
    const refused = await fault(open().DELETE("/v1/cart"));
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({ code: "INVALID_REQUEST", status: 400, title: "It cannot be.", ...about });
    expect((refused as Problem).message).toBe(
      "INVALID_REQUEST: It cannot be.; Look here.; quantity must be >= 1",
    );
    expect((refused as Problem).retryAfterMs).toBeUndefined();
    expect(seen).toHaveLength(1);
  });

  test.each([409, 401, 500])("of status %d is final", async (status) => {
    answers = [no(status, "NO"), json(200, {})];
    await expect(open().DELETE("/v1/cart")).rejects.toMatchObject({ status });
    expect(seen).toHaveLength(1);
  });
});

describe("what may go better", () => {
  test.each([
    ["429", no(429, "RATE_LIMITED", {}, { "retry-after": "0" })],
    ["503", no(503, "OVERLOADED", {}, { "retry-after": "0" })],
    ["504", no(504, "DEADLINE_EXCEEDED", {}, { "retry-after": "0" })],
    ["a proxy's 502", (response: ServerResponse) => response.writeHead(502).end("bad gateway")],
    ["a connection that breaks", hangUp],
    [
      "an answer that breaks off",
      (response: ServerResponse) => {
        response.writeHead(200, { "content-length": "100" }).write('{"version":');
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ])("is asked again under the same key: %s", async (_, bad: Answering) => {
    answers = [bad, bad, json(200, { version: 1 })];
    const { data } = await open().POST("/v1/cart/lines", { body: { productId: "a", quantity: 1 } });
    expect(data).toEqual({ version: 1 });
    expect(seen.map(({ body }) => body)).toEqual(Array(3).fill('{"productId":"a","quantity":1}'));
    expect(new Set(keys()).size).toBe(1);
    expect(keys()[0]).toMatch(/^[\w-]{36}$/);
  });

  test.each([
    ["seconds", () => "1"],
    ["a date", () => new Date(Date.now() + 2_000).toUTCString()], // Whole seconds, so at least one from now.
  ])("is asked again after the time that was named, in %s", async (_, after) => {
    answers = [no(503, "NO", {}, { "retry-after": after() }), json(200, {})];
    const startedAt = performance.now();
    await open().GET("/v1/cart");
    const ms = performance.now() - startedAt;
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(4_000);
  });

  test("is not asked again when that would take too long, nor more often than told", async () => {
    answers = [no(503, "OVERLOADED", {}, { "retry-after": "60" })];
    await expect(open().GET("/v1/cart")).rejects.toMatchObject({ code: "OVERLOADED", retryAfterMs: 60_000 });
    expect(seen).toHaveLength(1);
    answers = [no(503, "OVERLOADED", {}, { "retry-after": "0" })];
    await expect(open({ triesMost: 3 }).GET("/v1/cart")).rejects.toMatchObject({ code: "OVERLOADED" });
    expect(seen).toHaveLength(1 + 3);
  });

  test("is left when the caller has gone, in a pause as in a try", async () => {
    answers = [no(503, "OVERLOADED", {}, { "retry-after": "4" })];
    const reason = new Error("gone");
    for (const answering of [answers[0] as Answering, () => {}]) {
      answers = [answering];
      const gone = new AbortController();
      const asked = fault(open().GET("/v1/cart", { signal: gone.signal }));
      setTimeout(() => gone.abort(reason), 100);
      const startedAt = performance.now();
      expect(await asked).toBe(reason);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
    expect(seen).toHaveLength(2);
  });
});

describe("no answer", () => {
  test("is told with what was tried and why: nobody there, none in time, none of the gateway's", async () => {
    answers = [(response) => response.writeHead(400).end("<h1>proxy</h1>")];
    const once4 = { triesMost: 1, answerMsMost: 100 };
    const told = async () => {
      const error = await fault(open(once4).GET("/v1/me"));
      expect(error).toBeInstanceOf(NoAnswer);
      return (error as NoAnswer).message;
    };
    expect(await told()).toMatch(/\/v1\/me answered 400 with no problem document: <h1>proxy<\/h1>$/);
    answers = [() => {}];
    expect(await told()).toMatch(/^GET .*\/v1\/me: no answer in 100 ms$/);
    const { GET } = open(once4);
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await expect(GET("/v1/me")).rejects.toThrow(/^GET .*: connect ECONNREFUSED/);
  });
});

test("the README's example does what it says", async () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const { port } = server.address() as AddressInfo;
  const code = stripTypeScriptTypes(example)
    .replace(/^import .*$/m, "")
    .replace(/http:\/\/127\.0\.0\.1:7000/, `http://127.0.0.1:${port}`);
  const lines: string[] = [];
  const run = async () => {
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
    const tell = (...words: unknown[]) => lines.push(words.join(" "));
    await AsyncFunction(
      "openClient",
      "Problem",
      "token",
      "console",
      code,
    )(openClient, Problem, "t", { log: tell });
  };
  const cart = json(200, { lines: [], version: 1, subtotal: { amount: 9600, currency: "KRW" } });
  const change = '{"number":1,"status":"CANCELLED","reason":"BY_MEMBER"}';
  const events: Answering = (response) =>
    response
      .writeHead(200, { "content-type": "text/event-stream" })
      .end(`id: 1\nevent: change\ndata: ${change}\n\nevent: end\ndata: {"number":1}\n\n`);
  answers = [json(200, { version: 1 }), cart, json(201, { orderId: "o" }), events];
  await run();
  expect(lines).toEqual(["1 CANCELLED BY_MEMBER"]);
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST /v1/cart/lines",
    "GET /v1/cart",
    "POST /v1/orders",
    "GET /v1/orders/o/events",
  ]);
  expect(seen[2]?.body).toBe('{"cart":true,"expectedAmountDue":9600,"method":"CARD"}');

  answers = [...Array(5).fill(cart), cart, no(409, "OUT_OF_STOCK")];
  await run();
  expect(lines.at(-1)).toBe("It cannot be.");
});
