import { describe, expect, test } from "@jest/globals";
import { EchoService } from "./testing/echo.ts";
import { openEcho } from "./testing/open.ts";
import { callRaw, until } from "./testing/raw.ts";

const caught = (error: unknown) => error;

/** A handler that answers when it is told to. */
function openLatch() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("limits", () => {
  test("a request of 256 KiB is the last that is read", async () => {
    await using open = await openEcho({ say: async ({ text }) => ({ text: `${text.length}` }) });
    const envelope =
      EchoService.say.requestSerialize({ text: "x".repeat(100_000), times: 1 }).length - 100_000;
    const longest = 256 * 1024 - envelope;
    expect(await open.echo.say({ text: "x".repeat(longest), times: 1 })).toEqual({ text: `${longest}` });
    expect(await open.echo.say({ text: "x".repeat(longest + 1), times: 1 }).catch(caught)).toMatchObject({
      name: "Refusal",
      code: "REQUEST_TOO_LARGE",
    });
    const stream = open.echo.repeat({ text: "x".repeat(longest + 1), times: 1 });
    expect(await stream.next().catch(caught)).toMatchObject({ name: "Refusal", code: "REQUEST_TOO_LARGE" });
    expect(await open.echo.say({ text: "x", times: 1 })).toEqual({ text: "1" });
  });

  test("metadata too large ends the call, not the server", async () => {
    await using open = await openEcho();
    const bytes = EchoService.say.requestSerialize({ text: "hello", times: 1 });
    const send = (size: number) =>
      callRaw(open.server.address, EchoService.say.path, bytes, {
        authorization: `Bearer ${open.memberToken}`,
        "x-filler": "x".repeat(size),
      });
    expect(await send(8 * 1024)).toBeInstanceOf(Buffer);
    expect(await send(17 * 1024)).toMatchObject({ name: "RpcError" });
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, "x"]));
    const headers = { authorization: `Bearer ${open.memberToken}`, ...many };
    expect(await callRaw(open.server.address, EchoService.say.path, bytes, headers)).toMatchObject({
      name: "RpcError",
    });
    expect(await open.echo.say({ text: "hello", times: 1 })).toEqual({ text: "hello" });
  });

  test("calls beyond the bound are OVERLOADED at once; the next one after an answer is not", async () => {
    const latch = openLatch();
    await using open = await openEcho(
      {
        say: async ({ text }) => {
          if (text === "wait") await latch.opened;
          return { text };
        },
      },
      { limits: { callsMax: 2 } },
    );
    const waiting = [1, 2].map(() => open.echo.say({ text: "wait", times: 1 }));
    await until(() => open.server.inFlight.calls === 2);
    expect(await open.echo.say({ text: "more", times: 1 }).catch(caught)).toMatchObject({
      code: "OVERLOADED",
    });
    latch.open();
    expect(await Promise.all(waiting)).toEqual([{ text: "wait" }, { text: "wait" }]);
    expect(await open.echo.say({ text: "more", times: 1 })).toEqual({ text: "more" });
  });

  test("streams have a bound of their own", async () => {
    const latch = openLatch();
    await using open = await openEcho(
      {
        async *repeat({ text }) {
          yield { text };
          await latch.opened;
        },
      },
      { limits: { watchesMax: 1 } },
    );
    const first = open.echo.repeat({ text: "one", times: 1 });
    expect(await first.next()).toEqual({ done: false, value: { text: "one" } });
    const second = open.echo.repeat({ text: "two", times: 1 });
    expect(await second.next().catch(caught)).toMatchObject({ code: "OVERLOADED" });
    expect(await open.echo.say({ text: "still", times: 1 })).toEqual({ text: "still" });
    latch.open();
    expect(await first.next()).toMatchObject({ done: true });
  });

  test("a stream waits for a slow reader instead of filling memory", async () => {
    let said = 0;
    const text = "x".repeat(64 * 1024);
    await using open = await openEcho({
      async *repeat({ times }) {
        for (said = 0; said < times; said += 1) yield { text };
      },
    });
    const stream = open.echo.repeat({ text: "", times: 500 });
    await stream.next();
    let before = -1;
    await until(() => {
      const still = said === before;
      before = said;
      return still;
    });
    expect(said).toBeLessThan(250); // 500 would be 32 MB.
    let heard = 1;
    for await (const _one of stream) heard += 1;
    expect(heard).toBe(500);
  });

  test("a caller who leaves while the stream waits for it frees its place", async () => {
    const text = "x".repeat(64 * 1024);
    await using open = await openEcho({
      async *repeat() {
        for (;;) yield { text };
      },
    });
    const stream = open.echo.repeat({ text: "", times: 1 });
    await stream.next();
    expect(open.server.inFlight.watches).toBe(1);
    await stream.return?.();
    await until(() => open.server.inFlight.watches === 0);
  });
});
