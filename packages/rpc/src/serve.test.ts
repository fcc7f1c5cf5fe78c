import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import type { Call } from "./service.ts";
import { RpcError } from "./status.ts";
import { EchoService } from "./testing/echo.ts";
import { openEcho } from "./testing/open.ts";
import { callRaw, until } from "./testing/raw.ts";

const hello = { text: "hello", times: 2 };
const caught = (error: unknown) => error;

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of iterable) found.push(one);
  return found;
}

/** Ends when the signal aborts, with its reason. */
const aborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
};

describe("a call", () => {
  test("is answered, once or several times", async () => {
    await using open = await openEcho();
    expect(await open.echo.say(hello)).toEqual({ text: "hello" });
    expect(await all(open.echo.repeat(hello))).toEqual([{ text: "hello" }, { text: "hello" }]);
    expect(open.server.inFlight).toEqual({ calls: 0, watches: 0 });
  });

  test("tells its handler who calls, until when, and what was sent", async () => {
    let heard: Call | undefined;
    await using open = await openEcho({
      say: async ({ text }, call) => {
        heard = call;
        return { text };
      },
    });
    const before = Date.now();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await open.echo.say(hello, { traceparent, deadlineMs: 3_000 });
    expect(heard?.caller).toMatchObject({ role: "member", memberId: "m-1", token: open.memberToken });
    expect(heard?.traceparent).toBe(traceparent);
    expect(Buffer.compare(heard?.requestBytes as Buffer, EchoService.say.requestSerialize(hello))).toBe(0);
    const leftMs = Number(heard?.deadline) - before;
    expect(leftMs).toBeGreaterThan(2_500);
    expect(leftMs).toBeLessThanOrEqual(3_100);
    expect(heard?.signal.aborted).toBe(true); // Asked for only when all was over.
    await open.echo.say(hello);
    expect(heard?.traceparent).toBeUndefined();
  });

  test("needs a valid token and a role that may", async () => {
    await using open = await openEcho();
    const { address } = open.server;
    const bytes = EchoService.say.requestSerialize(hello);
    expect(await callRaw(address, EchoService.say.path, bytes)).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await open.echo.say(hello, { token: "nonsense" }).catch(caught)).toMatchObject({
      code: "UNAUTHENTICATED",
    });
    const service = await open.keys.mintToken({ sub: "order", role: "service" });
    expect(await open.echo.say(hello, { token: service })).toEqual({ text: "hello" });
    for (const _twice of [1, 2]) {
      // The second time the token is a remembered one.
      expect(await all(open.echo.repeat(hello, { token: service })).catch(caught)).toMatchObject({
        code: "FORBIDDEN",
      });
    }
    const operator = await open.keys.mintToken({ sub: "o", role: "operator" });
    expect(await open.echo.say(hello, { token: operator }).catch(caught)).toMatchObject({
      code: "FORBIDDEN",
    });
  });

  test("with bytes that are no message is INVALID_REQUEST, and the handler never hears of it", async () => {
    let calls = 0;
    await using open = await openEcho({ say: async ({ text }) => ({ text: `${text}${calls++}` }) });
    const headers = { authorization: `Bearer ${open.memberToken}` };
    const answer = await callRaw(
      open.server.address,
      EchoService.say.path,
      Buffer.from([0x0a, 0xff]),
      headers,
    );
    expect(answer).toMatchObject({ name: "Refusal", code: "INVALID_REQUEST" });
    expect((answer as Refusal).violations).toHaveLength(1);
    expect(calls).toBe(0);
  });

  test("to a method that does not exist is METHOD_UNKNOWN", async () => {
    await using open = await openEcho();
    const answer = await callRaw(
      open.server.address,
      "/quadrille.testing.v1.EchoService/Shout",
      Buffer.alloc(0),
    );
    expect(answer).toMatchObject({ name: "Refusal", code: "METHOD_UNKNOWN" });
  });

  test("hears a refusal as it was thrown, and of a defect only an id", async () => {
    const refusal = new Refusal("OUT_OF_STOCK", { details: { variant: "v-1" } });
    const throws = async (text: string) => {
      if (text === "refuse") throw refusal;
      throw new Error("a secret");
    };
    await using open = await openEcho({
      say: ({ text }) => throws(text),
      async *repeat({ text }) {
        yield { text };
        await throws(text);
      },
    });
    expect(await open.echo.say({ ...hello, text: "refuse" }).catch(caught)).toEqual(refusal);
    expect(await all(open.echo.repeat({ ...hello, text: "refuse" })).catch(caught)).toEqual(refusal);
    expect(open.lines).toEqual([]);
    const heard = (await open.echo.say(hello).catch(caught)) as Refusal;
    expect(heard).toMatchObject({ code: "INTERNAL", details: { id: expect.any(String) } });
    expect(await all(open.echo.repeat(hello)).catch(caught)).toMatchObject({ code: "INTERNAL" });
    expect(open.lines.map(({ about }) => about.method)).toEqual([
      EchoService.say.path,
      EchoService.repeat.path,
    ]);
    expect(open.lines[0]?.about.id).toBe(heard.details.id);
  });

  test("whose answer cannot be encoded is a defect like any other", async () => {
    await using open = await openEcho({
      say: async () => ({
        get text(): string {
          throw new Error("no text");
        },
      }),
    });
    expect(await open.echo.say(hello).catch(caught)).toMatchObject({ code: "INTERNAL" });
    expect(open.lines).toHaveLength(1);
  });
});

describe("the signal of a call", () => {
  test("aborts when the caller hangs up", async () => {
    const reasons: unknown[] = [];
    await using open = await openEcho({
      say: (_request, { signal }) =>
        aborted(signal).catch((reason) => Promise.reject(reasons.push(reason) && reason)),
      async *repeat({ text }, { signal }) {
        yield { text };
        await aborted(signal).catch((reason) => reasons.push(reason));
      },
    });
    const hangUp = new AbortController();
    const call = open.echo.say(hello, { signal: hangUp.signal }).catch(caught);
    await until(() => open.server.inFlight.calls === 1);
    hangUp.abort();
    expect(await call).toMatchObject({ name: "RpcError", code: "CANCELLED" });
    for await (const _one of open.echo.repeat(hello)) break;
    await until(() => reasons.length === 2);
    expect(reasons).toEqual([
      expect.objectContaining({ name: "RpcError", code: "CANCELLED" }),
      expect.objectContaining({ name: "RpcError", code: "CANCELLED" }),
    ]);
    await until(() => open.server.inFlight.calls + open.server.inFlight.watches === 0);
    expect(open.lines).toEqual([]);
  });

  test("is aborted already for a handler that asks too late", async () => {
    let late: AbortSignal | undefined;
    await using open = await openEcho({
      say: async ({ text }, call) => {
        await sleep(100);
        late = call.signal;
        return { text };
      },
    });
    expect(await open.echo.say(hello, { deadlineMs: 30 }).catch(caught)).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    await until(() => late !== undefined);
    expect(late?.reason).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test.each([
    ["of the caller, when it is the sooner", 50, { deadlineMsMax: 10_000 }],
    ["of the server, when the caller's is too late", 10_000, { deadlineMsMax: 50 }],
    ["of the server, when the caller brings none", Number.POSITIVE_INFINITY, { deadlineMsDefault: 50 }],
  ])("aborts at the deadline %s", async (_name, deadlineMs, limits) => {
    let reason: unknown;
    await using open = await openEcho(
      {
        say: async (_request, { signal }) => {
          reason = await aborted(signal).catch(caught);
          throw reason;
        },
      },
      { limits },
    );
    const startedAt = Date.now();
    expect(await open.echo.say(hello, { deadlineMs }).catch(caught)).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    await until(() => reason !== undefined);
    expect(reason).toMatchObject({ name: "Refusal", code: "DEADLINE_EXCEEDED" });
  });

  test("aborts when a stream has lasted as long as it may", async () => {
    await using open = await openEcho(
      {
        async *repeat({ text }, { signal }) {
          yield { text };
          await aborted(signal);
        },
      },
      { limits: { watchMsMax: 50 } },
    );
    const heard: unknown[] = [];
    const read = async () => {
      for await (const one of open.echo.repeat(hello)) heard.push(one);
    };
    expect(await read().catch(caught)).toMatchObject({ name: "Refusal", code: "DEADLINE_EXCEEDED" });
    expect(heard).toEqual([{ text: "hello" }]);
  });
});

describe("a call that has ended", () => {
  test("drops what its handler still says, and logs only what may be a defect", async () => {
    const endings: Record<string, () => unknown> = {
      refusal: () => new Refusal("OUT_OF_STOCK"),
      neighbour: () => new RpcError("CANCELLED", "x"),
      abort: () => new DOMException("x", "AbortError"),
      defect: () => new Error("a defect"),
      nothing: () => undefined,
    };
    let finished = 0;
    await using open = await openEcho(
      {
        say: async ({ text }) => {
          await sleep(80);
          finished += 1;
          const error = endings[text]?.();
          if (error !== undefined) throw error;
          return { text };
        },
        async *repeat({ text }) {
          await sleep(80);
          finished += 1;
          if (text === "defect") throw new Error("a defect");
          yield { text };
          yield { text };
        },
      },
      { limits: { deadlineMsMax: 30, watchMsMax: 30 } },
    );
    for (const text of Object.keys(endings)) {
      expect(await open.echo.say({ ...hello, text }).catch(caught)).toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
    }
    for (const text of ["defect", "nothing"]) {
      expect(await all(open.echo.repeat({ ...hello, text })).catch(caught)).toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
    }
    await until(() => finished === 7 && open.server.inFlight.calls + open.server.inFlight.watches === 0);
    expect(open.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", "a call failed after it had ended"],
      ["warn", "a call failed after it had ended"],
    ]);
  });
});

describe("closing", () => {
  test("lets unary calls finish, ends streams at once, and lets nothing new in", async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const open = await openEcho({
      say: async ({ text }) => {
        await answered;
        return { text };
      },
      async *repeat({ text }, { signal }) {
        yield { text };
        await aborted(signal);
      },
    });
    const call = open.echo.say(hello);
    const watch = all(open.echo.repeat(hello)).catch(caught);
    await until(() => open.server.inFlight.calls === 1 && open.server.inFlight.watches === 1);
    const closing = open.server[Symbol.asyncDispose]();
    expect(await watch).toMatchObject({ code: "UNAVAILABLE" });
    expect(await open.echo.say(hello).catch(caught)).toMatchObject({ code: "UNAVAILABLE" });
    answer();
    expect(await call).toEqual({ text: "hello" });
    await closing;
    await open[Symbol.asyncDispose]();
  });

  test("cuts off what does not finish in time", async () => {
    const open = await openEcho(
      { say: (_request, { signal }) => aborted(signal) },
      { limits: { drainMsMax: 100 } },
    );
    const call = open.echo.say(hello).catch(caught);
    await until(() => open.server.inFlight.calls === 1);
    const startedAt = Date.now();
    await open.server[Symbol.asyncDispose]();
    expect(Date.now() - startedAt).toBeLessThan(1_500);
    expect(await call).toMatchObject({ name: "RpcError", code: "UNAVAILABLE" });
    await open[Symbol.asyncDispose]();
  });

  test("frees the port", async () => {
    const first = await openEcho();
    const { port } = first.server;
    const grpcSays = jest.spyOn(console, "error").mockImplementation(() => {});
    await expect(openEcho({}, { port })).rejects.toThrow(/EADDRINUSE/);
    grpcSays.mockRestore();
    await first[Symbol.asyncDispose]();
    await using again = await openEcho({}, { port });
    expect(again.server.address).toBe(`127.0.0.1:${port}`);
  });
});
