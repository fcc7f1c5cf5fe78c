import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { openWire, type WireConfig } from "./toss-wire.ts";

const SECRET_KEY = "test_sk_wire_secret";
const get = { method: "GET", path: "/v1/payments/key" } as const;
const failed = (why: string) => ({ kind: "failed", why });

async function listen(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const connections: unknown[] = [];
  server.on("connection", (socket) => connections.push(socket));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const wireTo = (baseUrl: string, more: Partial<WireConfig> = {}) =>
  openWire({ baseUrl, secretKey: SECRET_KEY, timeoutMs: 1_000, connectionsMost: 4, ...more });

describe("wire", () => {
  test("sends what the provider documents, below the path of its address", async () => {
    await using server = await listen((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () =>
        response.end(JSON.stringify([request.method, request.url, request.headers, body])),
      );
    });
    await using wire = wireTo(`${server.baseUrl}/sandbox/`);
    const reply = await wire.exchange({
      method: "POST",
      path: "/v1/x",
      body: { amount: 1 },
      idempotencyKey: "k:1",
    });
    expect(reply).toMatchObject({ kind: "reply", status: 200 });
    const [method, url, headers, body] = JSON.parse(reply.kind === "reply" ? reply.body : "");
    expect([method, url, body]).toEqual(["POST", "/sandbox/v1/x", '{"amount":1}']);
    expect(headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`${SECRET_KEY}:`).toString("base64")}`,
      "content-type": "application/json",
      "idempotency-key": "k:1",
    });
  });

  test("keeps connections, no more than allowed, and lets the rest wait", async () => {
    await using server = await listen((_request, response) => setTimeout(() => response.end("{}"), 5));
    await using wire = wireTo(server.baseUrl, { connectionsMost: 3 });
    const replies = Array.from({ length: 30 }, () => wire.exchange(get));
    expect(wire.pending).toBe(30);
    for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ status: 200 });
    expect(wire.pending).toBe(0);
    expect(server.connections).toHaveLength(3);
  });

  test("cuts a call that takes too long, even while its body trickles in or it waits for a connection", async () => {
    let asked = 0;
    let cut = 0;
    await using server = await listen((_request, response) => {
      asked += 1;
      const trickle = setInterval(() => response.write(" "), 10);
      response.on("close", () => {
        cut += 1;
        clearInterval(trickle);
      });
    });
    await using wire = wireTo(server.baseUrl, { timeoutMs: 80, connectionsMost: 1 });
    const startedAt = Date.now();
    expect(await Promise.all([wire.exchange(get), wire.exchange(get)])).toEqual([
      failed("TIMEOUT"),
      failed("TIMEOUT"),
    ]);
    expect(Date.now() - startedAt).toBeLessThan(600);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect({ asked, cut }).toEqual({ asked: 1, cut: 1 }); // The one that waited was never sent.
    expect(wire.pending).toBe(0);
  });

  test("reads no endless body and follows no redirect", async () => {
    let followed = 0;
    await using server = await listen((request, response) => {
      if (request.url === "/elsewhere") followed += 1;
      if (request.url === "/large") return response.end("x".repeat(70_000));
      return response.writeHead(302, { location: "/elsewhere" }).end("moved");
    });
    await using wire = wireTo(server.baseUrl);
    expect(await wire.exchange({ method: "GET", path: "/large" })).toEqual(failed("BODY_TOO_LARGE"));
    expect(await wire.exchange(get)).toEqual({ kind: "reply", status: 302, body: "moved" });
    expect(followed).toBe(0);
  });

  test("an answer in pieces is read whole, one that breaks off is none", async () => {
    const words = "카드 신용".repeat(3_000);
    await using server = await listen((request, response) => {
      if (request.url === "/half") {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.destroy());
        return;
      }
      response.end(words);
    });
    await using wire = wireTo(server.baseUrl);
    expect(await wire.exchange(get)).toEqual({ kind: "reply", status: 200, body: words });
    expect(await wire.exchange({ method: "GET", path: "/half" })).toEqual(failed("ECONNRESET"));
  });

  test("says why nothing came, and nothing of what was sent", async () => {
    const server = await listen((request) => request.socket.resetAndDestroy());
    await using wire = wireTo(server.baseUrl);
    expect(await wire.exchange(get)).toEqual(failed("ECONNRESET"));
    await server[Symbol.asyncDispose]();
    expect(await wire.exchange(get)).toEqual(failed("ECONNREFUSED"));
    expect(await wire.exchange({ ...get, idempotencyKey: "two\nlines" })).toEqual(failed("NOT_SENT"));
    expect(await wire.exchange({ ...get, path: "/a b" })).toEqual(failed("NOT_SENT"));
    await using tls = wireTo(server.baseUrl.replace("http:", "https:"));
    expect(await tls.exchange(get)).toEqual(failed("ECONNREFUSED"));
  });

  test("closing waits for what is on its way, then sends nothing more", async () => {
    await using server = await listen((_request, response) => setTimeout(() => response.end("{}"), 50));
    const wire = wireTo(server.baseUrl);
    const reply = wire.exchange(get);
    await wire[Symbol.asyncDispose]();
    expect(await reply).toMatchObject({ status: 200 });
    expect(await wire.exchange(get)).toEqual(failed("CLOSED"));
  });

  test.each([
    [{ baseUrl: "ftp://provider.test" }, /http or https/],
    [{ baseUrl: "provider" }, /http or https/],
    [{ baseUrl: "https://me:test_sk_wire_secret@provider.test" }, /without user/],
    [{ secretKey: "sk_wire_secret" }, /test_… or live_…/],
    [{ secretKey: "live_sk_wire_secret" }, /live key needs https/],
    [{ timeoutMs: 0 }, /at least 1/],
    [{ connectionsMost: Number.NaN }, /at least 1/],
  ])("is not opened with %j", (wrong, fault) => {
    const open = () => wireTo("http://127.0.0.1:1", wrong);
    expect(open).toThrow(fault);
    expect(open).not.toThrow(/wire_secret/);
  });
});
