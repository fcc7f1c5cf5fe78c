import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { call, events, type GatewayCaller } from "./gateway-client.ts";

let server: Server;
let caller: GatewayCaller;
let lines: string[];
/** Set by each test. */
let answer: (request: IncomingMessage, response: ServerResponse) => unknown;

beforeEach(async () => {
  lines = [];
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  caller = { url: `http://127.0.0.1:${port}`, token: "t", told: (line) => void lines.push(line) };
});
afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) server.close();
});

function json(response: ServerResponse, status: number, body: object, type = "application/json") {
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

describe("a call", () => {
  test("carries the token, the body and the key, and is told with what came of it", async () => {
    const seen: object[] = [];
    answer = async (request, response) => {
      const { authorization, "idempotency-key": key, "content-type": type } = request.headers;
      seen.push({
        method: request.method,
        url: request.url,
        authorization,
        key,
        type,
        body: await text(request),
      });
      json(response, 201, { orderId: "o" });
    };
    expect(await call(caller, "POST", "/v1/orders", { body: { cart: true }, key: "key-1" })).toEqual({
      orderId: "o",
    });
    expect(seen).toEqual([
      {
        method: "POST",
        url: "/v1/orders",
        authorization: "Bearer t",
        key: "key-1",
        type: "application/json",
        body: '{"cart":true}',
      },
    ]);
    expect(lines).toEqual(['POST /v1/orders {"cart":true} → 201']);
  });

  test("is told without the payment key, with which money could be taken", async () => {
    const { promise: sent, resolve } = Promise.withResolvers<string>();
    answer = async (request, response) => {
      resolve(await text(request));
      json(response, 200, {});
    };
    await call(caller, "POST", "/v1/pay", { body: { paymentKey: "secret", amount: 1 } });
    expect(await sent).toBe('{"paymentKey":"secret","amount":1}');
    expect(lines).toEqual(['POST /v1/pay {"paymentKey":"…","amount":1} → 200']);
  });

  test("has a key of its own, none when it only reads, and no type without a body", async () => {
    const keys: (string | undefined)[] = [];
    answer = ({ headers }, response) => {
      keys.push(headers["idempotency-key"] as string | undefined);
      expect(headers["content-type"]).toBeUndefined();
      json(response, 200, {});
    };
    for (const method of ["POST", "DELETE", "GET"] as const) await call(caller, method, "/v1/cart");
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBeUndefined();
  });

  test("that is refused throws the refusal, with everything the problem says", async () => {
    const problem = {
      code: "INVALID_REQUEST",
      violations: [{ field: "quantity", description: "must be >= 1" }],
      details: { most: "999" },
    };
    answer = (_, response) => json(response, 400, problem, "application/problem+json; charset=utf-8");
    const refused = await call(caller, "DELETE", "/v1/cart").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refusal);
    expect(refused).toMatchObject(problem);
    expect(lines).toEqual(["DELETE /v1/cart → 400 INVALID_REQUEST quantity must be >= 1"]);
  });

  test("that fails in another way says so: no problem document, nobody there, no answer in time", async () => {
    answer = (_, response) => response.writeHead(502).end("bad gateway");
    await expect(call(caller, "GET", "/v1/me")).rejects.toThrow(
      "answered 502 with no problem document: bad gateway",
    );
    answer = () => {};
    await expect(call(caller, "GET", "/v1/me", { msMax: 100 })).rejects.toThrow(
      "the gateway has not answered GET /v1/me after 100 ms",
    );
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await expect(call(caller, "GET", "/v1/me")).rejects.toThrow(
      "the gateway cannot be asked: connect ECONNREFUSED",
    );
  });
});

describe("a stream", () => {
  const path = "/v1/orders/o/events";

  test("begins after the last event seen, if there was one", async () => {
    const seen: unknown[] = [];
    answer = ({ headers }, response) => {
      seen.push(headers["last-event-id"]);
      response.end("data: x\n\n");
    };
    const signal = AbortSignal.timeout(5_000);
    for await (const _ of events(caller, path, { signal }));
    for await (const _ of events(caller, path, { signal, lastSeen: "4" }));
    expect(seen).toEqual([undefined, "4"]);
  });

  test("gives its events however they are cut, leaves out comments, and ends when the gateway ends it", async () => {
    answer = async (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const sent = 'retry: 2000\n\nid: 1\nevent: change\ndata: {"a":"€: 1"}\n\n: still here\n\ndata: x\n\n';
      for (const byte of Buffer.from(sent)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    };
    const seen = [];
    for await (const event of events(caller, path, { signal: AbortSignal.timeout(5_000) })) seen.push(event);
    expect(seen).toEqual([
      { event: "change", id: "1", data: '{"a":"€: 1"}' },
      { event: "message", data: "x" },
    ]);
    expect(lines).toEqual([`GET ${path} → 200`]);
  });

  test("fails when the signal aborts, and hangs up when nobody listens any more", async () => {
    const { promise: isHungUp, resolve } = Promise.withResolvers<void>();
    answer = (request, response) => {
      request.once("close", resolve);
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: x\n\n");
    };
    const listening = async () => {
      for await (const _ of events(caller, path, { signal: AbortSignal.timeout(200) }));
    };
    await expect(listening()).rejects.toMatchObject({ name: "TimeoutError" });
    for await (const { data } of events(caller, path, { signal: AbortSignal.timeout(5_000) })) {
      expect(data).toBe("x");
      break;
    }
    await isHungUp;
  });
});
