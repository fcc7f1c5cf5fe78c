import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { FAULTS } from "./faults.ts";
import { json, testSimulator } from "./test-simulator.ts";

describe("the switches of faults", () => {
  test("are set, shown and taken away", async () => {
    await using toss = await testSimulator();
    const rule = await toss.fault({ fault: "timeout_after_effect", orderId: "order-1", ms: 5 });
    expect(rule).toMatchObject({ id: 1, on: ["confirm"], times: 1, rate: 1, ms: 5, remember: true });
    const shown = json(await toss.ask("/control/faults"));
    expect(shown.rules).toEqual([rule]);
    expect(shown.table.map((row: { fault: string }) => row.fault)).toEqual(Object.keys(FAULTS));
    expect((await toss.ask("/control/faults/1", { method: "DELETE" })).status).toBe(204);
    expect((await toss.ask("/control/faults/1", { method: "DELETE" })).status).toBe(404);
  });

  test("are logged without a payment key, wherever it was given", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault([
      { fault: "server_error_after_effect", paymentKey },
      { fault: "delay", rate: 0 },
    ]);
    await toss.confirm(paymentKey, "order-1");
    await toss.cancel(paymentKey);
    await toss.ask("/control/expire", { body: { paymentKey } });
    expect(toss.logged).toContainEqual({
      msg: "faults set",
      fields: {
        rules: [
          expect.objectContaining({ id: 1, fault: "server_error_after_effect", onePaymentKey: true }),
          expect.objectContaining({ id: 2, fault: "delay", rate: 0, onePaymentKey: false }),
        ],
      },
    });
    expect(toss.logged.map(({ msg }) => msg)).toContain("fault");
    expect(JSON.stringify(toss.logged)).not.toContain(paymentKey);
  });

  test("are all in the README, and every set of rules it shows is taken", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const listed = new Set(readme.match(/(GET|POST|DELETE) \/[\w/{}-]+/g));
    const served = ["control", "provider", "window"].flatMap((file) => {
      const source = readFileSync(new URL(`./${file}.ts`, import.meta.url), "utf8");
      return [...source.matchAll(/app\.(get|post|delete)\("([^"]+)"/g)].map(
        ([, method = "", path = ""]) => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, "{$1}")}`,
      );
    });
    expect(listed).toEqual(new Set(served.filter((route) => route !== "POST /window/decision"))); // The page's own.
    const shown = [...readme.matchAll(/```jsonl\n(.*?)```/gs)].map(([, text = ""]) => text);
    expect(shown.length).toBeGreaterThan(3);
    await using toss = await testSimulator();
    for (const text of shown) {
      for (const line of text.trim().split("\n")) {
        const reply = await toss.ask("/control/faults", { body: JSON.parse(line) });
        expect([line, reply.status]).toEqual([line, 201]);
      }
    }
  });

  test("are set all or none", async () => {
    await using toss = await testSimulator();
    const reply = await toss.ask("/control/faults", { body: [{ fault: "outage" }, { fault: "nothing" }] });
    expect([reply.status, json(reply).message]).toEqual([400, expect.stringMatching(/^fault: one of delay/)]);
    expect(json(await toss.ask("/control/state"))).toMatchObject({ rules: 0, payments: 0, webhooks: false });
  });
});

describe("a session", () => {
  test("is expired on order, by key or by order number", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    expect(json(await toss.ask("/control/expire", { body: { paymentKey } })).status).toBe("EXPIRED");
    expect((await toss.ask("/control/expire", { body: { paymentKey } })).status).toBe(404);
    expect((await toss.ask("/control/expire", { body: { orderId: "order-9" } })).status).toBe(404);
    expect((await toss.ask("/control/expire", { body: {} })).status).toBe(404);
    expect((await toss.ask("/control/forge-webhook", { body: {} })).status).toBe(404);
  });
});

describe("a payment key's time", () => {
  test("is made shorter for one payment", async () => {
    let at = Date.UTC(2026, 0, 1);
    await using toss = await testSimulator({ now: () => at });
    const [soon, later] = [await toss.open("order-1"), await toss.open("order-2")];
    const body = { paymentKey: soon, afterMs: 5_000 };
    expect(json(await toss.ask("/control/expire", { body })).status).toBe("IN_PROGRESS");
    at += 4_999;
    expect((await toss.query(soon)).status).toBe("IN_PROGRESS");
    at += 1;
    expect((await toss.query(soon)).status).toBe("EXPIRED");
    expect(json(await toss.confirm(soon, "order-1")).code).toBe("NOT_FOUND_PAYMENT_SESSION");
    at += 594_999;
    expect((await toss.query(later)).status).toBe("IN_PROGRESS");
    at += 1;
    expect((await toss.query(later)).status).toBe("EXPIRED");
    for (const afterMs of [-1, 86_400_001, "soon"])
      expect((await toss.ask("/control/expire", { body: { orderId: "order-2", afterMs } })).status).toBe(400);
  });

  test("is made shorter for all windows from now on", async () => {
    let at = Date.UTC(2026, 0, 1);
    await using toss = await testSimulator({ now: () => at });
    const before = await toss.open("order-1");
    expect(json(await toss.ask("/control/session", { body: { ms: 2_000 } }))).toEqual({ ms: 2_000 });
    expect(json(await toss.ask("/control/state")).sessionMs).toBe(2_000);
    const after = await toss.open("order-2");
    at += 2_000;
    expect((await toss.query(before)).status).toBe("IN_PROGRESS");
    expect((await toss.query(after)).status).toBe("EXPIRED");
    expect((await toss.ask("/control/session", { body: { ms: 0 } })).status).toBe(400);
  });
});

describe("an outage of the whole machine", () => {
  const codeOf = (asking: Promise<unknown>): Promise<string> =>
    asking.then(
      () => "answered",
      (error: { cause?: { code?: string } }) => error.cause?.code ?? String(error),
    );

  test("cuts who is there, refuses every connection, and ends by itself with nothing forgotten", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "timeout_after_effect", paymentKey });
    const hanging = codeOf(toss.confirm(paymentKey, "order-1"));
    while ((await toss.account("order-1")).captures === 0);
    const body = { ms: 300 };
    expect((await toss.ask("/control/refuse-connections", { body })).status).toBe(202);
    expect(await codeOf(toss.query(paymentKey))).toBe("ECONNREFUSED");
    expect(["ECONNRESET", "UND_ERR_SOCKET"]).toContain(await hanging);
    expect(await codeOf(toss.ask("/control/state"))).toBe("ECONNREFUSED");
    while ((await codeOf(toss.ask("/control/state"))) !== "answered");
    expect((await toss.query(paymentKey)).status).toBe("DONE");
    expect(toss.logged.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(["connections refused", "connections accepted"]),
    );
  });

  test("may be ended with the simulator", async () => {
    const toss = await testSimulator();
    await toss.ask("/control/refuse-connections", { body: { ms: 50 } });
    await toss[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await codeOf(toss.ask("/control/state"))).toBe("ECONNREFUSED");
  });

  test("has a length", async () => {
    await using toss = await testSimulator();
    for (const body of [{}, { ms: 0 }, { ms: 86_400_001 }])
      expect((await toss.ask("/control/refuse-connections", { body })).status).toBe(400);
  });
});

describe("the ledger", () => {
  test("is read order by order and page by page", async () => {
    await using toss = await testSimulator();
    for (const orderId of ["order-1", "order-2", "order-3"]) {
      await toss.confirm(await toss.open(orderId), orderId);
    }
    const first = json(await toss.ask("/ledger?limit=2"));
    expect(first.orders.map((order: { orderId: string }) => order.orderId)).toEqual(["order-1", "order-2"]);
    const second = json(await toss.ask(`/ledger?limit=2&start=${first.next}`));
    expect([second.orders.length, second.next]).toEqual([1, null]);
    expect(second.totals).toEqual({ entries: 3, captured: 45_000, refunded: 0, balance: 45_000 });
    const { entries } = await toss.account("order-2");
    expect(entries).toMatchObject([{ seq: 2, kind: "capture", amount: 15_000, orderId: "order-2" }]);
    expect((await toss.ask("/ledger?limit=0")).status).toBe(400);
    expect((await toss.ask("/ledger?start=-1")).status).toBe(400);
  });
});
