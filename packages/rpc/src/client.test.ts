import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { client } from "./client.ts";
import { EchoService } from "./testing/echo.ts";
import { openEcho } from "./testing/open.ts";
import { until } from "./testing/raw.ts";

const hello = { text: "hello", times: 1 };
const caught = (error: unknown) => error;

const forEver = () => new Promise<never>(() => {});

describe("client", () => {
  test("asks for a token at each call, at once or in a while", async () => {
    await using open = await openEcho();
    const tokens = [open.memberToken, "nonsense"];
    const config = {
      address: open.server.address,
      token: async () => tokens.shift() as string,
      deadlineMs: 2_000,
    };
    await using echo = await client(EchoService, config);
    expect(await echo.say(hello)).toEqual({ text: "hello" });
    expect(await echo.say(hello).catch(caught)).toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("does not wait for a server that is not there, and finds it when it is back", async () => {
    const first = await openEcho();
    const { port, address } = first.server;
    await using echo = await client(EchoService, { address, token: () => token, deadlineMs: 2_000 });
    let token = first.memberToken;
    expect(await echo.say(hello)).toEqual({ text: "hello" });
    await first[Symbol.asyncDispose]();
    const startedAt = Date.now();
    expect(await echo.say(hello).catch(caught)).toMatchObject({ name: "RpcError", code: "UNAVAILABLE" });
    expect(Date.now() - startedAt).toBeLessThan(1_000);
    await using second = await openEcho({}, { port });
    token = second.memberToken;
    let back = false;
    const deadline = Date.now() + 4_000;
    while (!back && Date.now() < deadline)
      back = await echo.say(hello).then(
        () => true,
        () => false,
      );
    expect(back).toBe(true);
  });

  test("gives up at its own deadline, or the sooner one of the call it serves", async () => {
    await using open = await openEcho({ say: forEver });
    await using echo = await client(EchoService, {
      address: open.server.address,
      token: () => open.memberToken,
      deadlineMs: 100,
    });
    const timed = async (options: Parameters<typeof echo.say>[1]) => {
      const startedAt = Date.now();
      expect(await echo.say(hello, options).catch(caught)).toMatchObject({ code: "DEADLINE_EXCEEDED" });
      return Date.now() - startedAt;
    };
    expect(await timed({})).toBeGreaterThanOrEqual(95);
    expect(await timed({ deadline: new Date(Date.now() + 60_000) })).toBeLessThan(1_000);
    expect(await timed({ deadlineMs: 60_000, deadline: new Date(Date.now() + 100) })).toBeLessThan(1_000);
  });

  test("hangs up when told to, before or during a call, and says why", async () => {
    await using open = await openEcho({
      say: forEver,
      async *repeat({ text }) {
        yield { text };
        await forEver();
      },
    });
    const why = new Error("the shopper left");
    const gone = expect.objectContaining({ name: "RpcError", code: "CANCELLED", cause: why });
    const before = AbortSignal.abort(why);
    expect(await open.echo.say(hello, { signal: before }).catch(caught)).toEqual(gone);
    expect(await open.echo.repeat(hello, { signal: before }).next().catch(caught)).toEqual(gone);
    expect(open.server.inFlight).toEqual({ calls: 0, watches: 0 });

    const during = new AbortController();
    const call = open.echo.say(hello, { signal: during.signal }).catch(caught);
    const stream = open.echo.repeat(hello, { signal: during.signal });
    await stream.next();
    await until(() => open.server.inFlight.calls === 1);
    const next = stream.next().catch(caught);
    during.abort(why);
    expect(await call).toEqual(gone);
    expect(await next).toEqual(gone);
  });

  test("hangs up when a loop over a stream is left", async () => {
    let ended = false;
    await using open = await openEcho({
      async *repeat({ text }, { signal }) {
        signal.addEventListener("abort", () => {
          ended = true;
        });
        yield { text };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    for await (const one of open.echo.repeat(hello)) {
      expect(one).toEqual({ text: "hello" });
      break;
    }
    await until(() => ended && open.server.inFlight.watches === 0);
  });

  test("a peer that speaks no HTTP/2 is UNAVAILABLE, not an exception", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n").destroySoon());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      await using echo = await client(EchoService, { address, token: () => "t", deadlineMs: 2_000 });
      expect(await echo.say(hello).catch(caught)).toMatchObject({ name: "RpcError", code: "UNAVAILABLE" });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("an answer larger than it may be is refused here", async () => {
    await using open = await openEcho({ say: async () => ({ text: "x".repeat(2_000) }) });
    const config = { address: open.server.address, token: () => open.memberToken, deadlineMs: 2_000 };
    await using echo = await client(EchoService, { ...config, limits: { responseBytesMax: 1_000 } });
    expect(await echo.say(hello).catch(caught)).toMatchObject({
      name: "RpcError",
      code: "RESOURCE_EXHAUSTED",
    });
  });
});
