import { describe, expect, test } from "@jest/globals";
import { jsonLog } from "./log.ts";
import { json, testSimulator } from "./test-simulator.ts";

describe("the server", () => {
  test("answers a failure of its own with HTTP 500, and logs it", async () => {
    let broken = false;
    const now = () => {
      if (broken) throw new Error("the clock stopped");
      return 0;
    };
    await using toss = await testSimulator({ now });
    broken = true;
    const reply = await toss.ask("/v1/payments/any");
    expect([reply.status, json(reply).code]).toEqual([500, "UNKNOWN_PAYMENT_ERROR"]);
    const fields = { url: "/v1/payments/:paymentKey", error: "Error: the clock stopped" };
    expect(toss.logged).toEqual([{ msg: "failed", fields }]);
  });

  test("refuses a body that is too long or of another kind", async () => {
    await using toss = await testSimulator();
    const tooLong = await toss.ask("/window", { body: { orderId: "x".repeat(1_100_000), amount: 100 } });
    expect([tooLong.status, json(tooLong).code]).toEqual([413, "INVALID_REQUEST"]);
    const xml = await toss.ask("/window", { body: "<a/>", headers: { "content-type": "text/xml" } });
    expect([xml.status, json(xml).code]).toEqual([415, "INVALID_REQUEST"]);
  });

  test("survives a clock that runs backwards", async () => {
    let at = Date.UTC(2026, 0, 1, 3);
    await using toss = await testSimulator({ now: () => at });
    await toss.confirm(await toss.open("order-1"), "order-1");
    at -= 3_600_000;
    await toss.confirm(await toss.open("order-2"), "order-2");
    const [one, two] = [await toss.account("order-1"), await toss.account("order-2")];
    expect(two.entries[0].at).toBe(one.entries[0].at);
  });

  test("tells an address already taken", async () => {
    await using toss = await testSimulator();
    const { port } = new URL(toss.address);
    await expect(testSimulator({ env: { PORT: port } })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe("a log line", () => {
  test("is JSON, one line per event", () => {
    const lines: string[] = [];
    const log = jsonLog(
      (line) => lines.push(line),
      () => 0,
    );
    log("ready");
    log("fault", { rule: 1 });
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","msg":"ready"}\n',
      '{"time":"1970-01-01T00:00:00.000Z","msg":"fault","rule":1}\n',
    ]);
  });
});
