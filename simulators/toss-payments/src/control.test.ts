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
