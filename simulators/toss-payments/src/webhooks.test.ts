import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Payment } from "./payment.ts";
import { readFixture } from "./read-fixture.ts";
import { type Json, json, testSimulator } from "./test-simulator.ts";
import { REPEATS_MS, Webhooks } from "./webhooks.ts";

/** A merchant's address that answers with the given statuses, then 200, and keeps what it was sent. */
async function listen(statuses: number[] = []) {
  const letters: { body: Json; headers: Json }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    letters.push({ body: JSON.parse(Buffer.concat(chunks).toString()), headers: request.headers });
    response.writeHead(statuses.shift() ?? 200).end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    letters,
    statuses: () => letters.map(({ body }) => body.data.status),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function until(happened: () => boolean): Promise<void> {
  for (let tries = 0; !happened() && tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // A little longer: one letter too many would come now.
  await new Promise((resolve) => setTimeout(resolve, 60));
}

async function tell(rule: object | undefined, letters: number) {
  await using merchant = await listen();
  await using toss = await testSimulator({ env: { WEBHOOK_URL: merchant.url } });
  const paymentKey = await toss.open("order-1");
  if (rule !== undefined) await toss.fault({ orderId: "order-1", ...rule });
  await toss.confirm(paymentKey, "order-1");
  await until(() => merchant.letters.length >= letters);
  return { paymentKey, letters: merchant.letters, statuses: merchant.statuses() };
}

describe("a webhook", () => {
  test("tells a change as it is documented", async () => {
    const { letters, paymentKey } = await tell(undefined, 1);
    expect(letters).toHaveLength(1);
    const documented = readFixture<Record<string, string>>("webhook");
    expect(Object.keys(letters[0]?.body)).toEqual(Object.keys(documented));
    expect(letters[0]?.body).toMatchObject({
      eventType: documented.eventType,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/),
      data: { paymentKey, status: "DONE", totalAmount: 15_000 },
    });
    expect(letters[0]?.headers).toMatchObject({
      "tosspayments-webhook-transmission-id": expect.any(String),
      "tosspayments-webhook-transmission-retried-count": "0",
    });
  });

  test("is sent for declines, refunds, expiry and a paid window too", async () => {
    await using merchant = await listen();
    await using toss = await testSimulator({ env: { WEBHOOK_URL: merchant.url } });
    const declined = await toss.open("order-1", 15_000, { declineWith: "FDS_ERROR" });
    await toss.confirm(declined, "order-1");
    const paid = await toss.open("order-2");
    await toss.confirm(paid, "order-2");
    await toss.cancel(paid, 1_000);
    await toss.open("order-3");
    await toss.ask("/control/expire", { body: { orderId: "order-3" } });
    await toss.open("order-4");
    // Nothing has changed yet, so there is nothing to tell.
    await toss.ask("/control/expire", { body: { orderId: "order-4", afterMs: 60_000 } });
    await until(() => merchant.letters.length >= 4);
    expect(merchant.statuses().toSorted()).toEqual(["ABORTED", "DONE", "EXPIRED", "PARTIAL_CANCELED"]);
  });

  test.each([
    ["webhook_lost", []],
    ["webhook_twice", ["DONE", "DONE"]],
    ["webhook_late", ["DONE"]],
    ["webhook_out_of_order", ["DONE", "IN_PROGRESS"]],
    ["webhook_contradicting", ["DONE", "ABORTED"]],
    ["webhook_forged", ["DONE", "DONE"]],
  ])("with %s", async (fault, expected) => {
    const { letters, statuses, paymentKey } = await tell({ fault, ms: 40 }, expected.length);
    expect(statuses).toEqual(expected);
    const forged = letters.filter(({ body }) => body.data.paymentKey !== paymentKey);
    expect(forged).toHaveLength(fault === "webhook_forged" ? 1 : 0);
    for (const { headers } of forged)
      expect(headers).not.toHaveProperty("tosspayments-webhook-transmission-id");
  });

  test("is repeated with the same id until it is taken", async () => {
    await using merchant = await listen([500, 404]);
    const env = { WEBHOOK_URL: merchant.url };
    await using toss = await testSimulator({ env, repeatsMs: [10, 10, 10] });
    const paymentKey = await toss.open("order-1");
    await toss.confirm(paymentKey, "order-1");
    await until(() => merchant.letters.length >= 3);
    const header = (name: string) =>
      merchant.letters.map(({ headers }) => headers[`tosspayments-webhook-${name}`]);
    expect(header("transmission-retried-count")).toEqual(["0", "1", "2"]);
    expect(new Set(header("transmission-id")).size).toBe(1);
    expect(REPEATS_MS.map((ms) => ms / 60_000)).toEqual([1, 4, 16, 64, 256, 1_024, 4_096]);
  });

  test("beyond ten thousand on their way is dropped", () => {
    const logged: string[] = [];
    using webhooks = new Webhooks({
      url: "http://127.0.0.1:1/",
      now: () => 0,
      log: (msg) => logged.push(msg),
    });
    const payment = { cancels: [], requestedAt: 0, approvedAt: null } as unknown as Payment;
    const telling = { payment, afterMs: 60_000, genuine: true };
    for (let n = 0; n < 10_000; n += 1) webhooks.send(telling);
    expect(logged).toEqual([]);
    webhooks.send(telling);
    expect(logged).toEqual(["webhook dropped"]);
    webhooks[Symbol.dispose]();
    webhooks.send(telling);
    expect(logged).toEqual(["webhook dropped"]);
  });

  test("to nobody is logged, and given up after its repeats", async () => {
    const env = { WEBHOOK_URL: "http://127.0.0.1:1/hook" };
    await using toss = await testSimulator({ env, repeatsMs: [5] });
    const paymentKey = await toss.open("order-1");
    await toss.confirm(paymentKey, "order-1");
    const failures = () => toss.logged.filter(({ msg }) => msg === "webhook failed").length;
    await until(() => failures() >= 2);
    expect(failures()).toBe(2);
  });

  test("can be forged on order", async () => {
    await using merchant = await listen();
    await using toss = await testSimulator({ env: { WEBHOOK_URL: merchant.url } });
    await toss.open("order-1");
    expect((await toss.ask("/control/forge-webhook", { body: { orderId: "order-1" } })).status).toBe(202);
    await until(() => merchant.letters.length >= 1);
    expect(merchant.letters[0]?.body.data).toMatchObject({
      status: "DONE",
      orderId: "order-1",
      paymentKey: "forged_order-1",
    });
  });

  test("is not sent without an address", async () => {
    await using toss = await testSimulator();
    await toss.open("order-1");
    const reply = await toss.ask("/control/forge-webhook", { body: { orderId: "order-1" } });
    expect([reply.status, json(reply).message]).toEqual([400, "no WEBHOOK_URL"]);
  });
});
