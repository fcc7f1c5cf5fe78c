import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readFixture } from "./read-fixture.ts";
import { json, SECRET_KEY, testSimulator } from "./test-simulator.ts";

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

describe("a payment", () => {
  test("is confirmed, found by key and by order, and canceled part by part", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    expect(await toss.query(paymentKey)).toMatchObject({ status: "IN_PROGRESS", approvedAt: null });

    const done = await toss.confirm(paymentKey, "order-1");
    expect(done.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(json(done)).toMatchObject({
      status: "DONE",
      totalAmount: 15_000,
      orderId: "order-1",
      method: "카드",
    });
    expect((await toss.ask("/v1/payments/orders/order-1")).text).toBe(done.text);

    const part = json(await toss.cancel(paymentKey, 5_000));
    expect(part).toMatchObject({ status: "PARTIAL_CANCELED", balanceAmount: 10_000 });
    const rest = json(await toss.cancel(paymentKey));
    expect(rest).toMatchObject({ status: "CANCELED", balanceAmount: 0 });
    expect(rest.cancels.map((one: { cancelAmount: number }) => one.cancelAmount)).toEqual([5_000, 10_000]);
    expect(Object.keys(rest)).toEqual(Object.keys(readFixture<object>("payment-canceled")));
    expect(await toss.account("order-1")).toMatchObject({ captured: 15_000, refunded: 15_000, balance: 0 });
  });

  test("is refused as the provider refuses it", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const refusals = [
      [await toss.confirm("unknown", "order-1"), 404, "NOT_FOUND_PAYMENT_SESSION"],
      [await toss.confirm(paymentKey, "order-2"), 403, "FORBIDDEN_REQUEST"],
      [await toss.confirm(paymentKey, "order-1", 14_000), 400, "INVALID_REQUEST"],
      [await toss.confirm(paymentKey, "order-1", 0), 400, "INVALID_REQUEST"],
      [await toss.cancel(paymentKey), 403, "NOT_CANCELABLE_PAYMENT"],
      [await toss.cancel("unknown"), 404, "NOT_FOUND_PAYMENT"],
      [await toss.ask("/v1/payments/unknown"), 404, "NOT_FOUND_PAYMENT"],
      [await toss.ask("/v1/payments/orders/unknown"), 404, "NOT_FOUND_PAYMENT"],
      [await toss.ask("/v1/nothing"), 404, "NOT_FOUND"],
      [await toss.ask("/v1/payments/confirm", { body: "{" }), 400, "INVALID_REQUEST"],
      [await toss.ask("/v1/payments/confirm", { body: "" }), 400, "INVALID_REQUEST"],
      [
        await toss.ask(`/v1/payments/${paymentKey}/cancel`, { body: { cancelAmount: 5 } }),
        400,
        "INVALID_REQUEST",
      ],
      [await toss.confirm(paymentKey, "order-1"), 200, undefined],
      [await toss.confirm(paymentKey, "order-1"), 400, "ALREADY_PROCESSED_PAYMENT"],
      [await toss.cancel(paymentKey, -5), 400, "INVALID_REQUEST"],
      [await toss.cancel(paymentKey, 15_001), 403, "NOT_CANCELABLE_AMOUNT"],
      [await toss.cancel(paymentKey), 200, undefined],
      [await toss.cancel(paymentKey), 400, "ALREADY_CANCELED_PAYMENT"],
    ] as const;
    for (const [reply, status, code] of refusals)
      expect([reply.status, json(reply).code]).toEqual([status, code]);
  });

  test("of a refused card is declined and aborted", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1", 15_000, { declineWith: "REJECT_CARD_COMPANY" });
    const reply = await toss.confirm(paymentKey, "order-1");
    expect([reply.status, json(reply).code]).toEqual([403, "REJECT_CARD_COMPANY"]);
    expect(await toss.query(paymentKey)).toMatchObject({
      status: "ABORTED",
      failure: { code: "REJECT_CARD_COMPANY" },
    });
    expect(await toss.account("order-1")).toMatchObject({ entries: [], balance: 0 });
  });

  test("expires when nobody confirms it in time", async () => {
    let at = Date.UTC(2026, 0, 1);
    await using toss = await testSimulator({ now: () => at, env: { SESSION_MS: "1000" } });
    const paymentKey = await toss.open("order-1");
    at += 1_000;
    expect(json(await toss.confirm(paymentKey, "order-1")).code).toBe("NOT_FOUND_PAYMENT_SESSION");
    expect(await toss.query(paymentKey)).toMatchObject({
      status: "EXPIRED",
      failure: { code: "EXPIRED_PAYMENT" },
    });
  });

  test("of an order that is paid already is refused, and the order keeps its payment", async () => {
    await using toss = await testSimulator();
    const [first, second] = [await toss.open("order-1"), await toss.open("order-1")];
    await toss.confirm(first, "order-1");
    expect(json(await toss.confirm(second, "order-1")).code).toBe("DUPLICATED_ORDER_ID");
    await toss.ask("/control/expire", { body: { paymentKey: second } });
    expect(json(await toss.ask("/v1/payments/orders/order-1")).paymentKey).toBe(first);
    expect(await toss.open("order-1")).toBeUndefined();
  });
});

describe("a merchant's key", () => {
  test.each([
    ["another key", basic("test_sk_other:"), 401, "UNAUTHORIZED_KEY"],
    ["no key", { authorization: "" }, 401, "UNAUTHORIZED_KEY"],
    ["a key without its colon", basic(SECRET_KEY), 403, "INCORRECT_BASIC_AUTH_FORMAT"],
    [
      "an error asked for",
      { "tosspayments-test-code": "INVALID_CARD_EXPIRATION" },
      400,
      "INVALID_CARD_EXPIRATION",
    ],
    ["an error asked for by nonsense", { "tosspayments-test-code": "<b>" }, 400, "INVALID_REQUEST"],
  ])("%s", async (_name, headers, status, code) => {
    await using toss = await testSimulator();
    const reply = await toss.ask("/v1/payments/orders/order-1", {
      headers: headers as Record<string, string>,
    });
    expect([reply.status, json(reply).code]).toEqual([status, code]);
  });

  test("that is live cannot ask for an error", async () => {
    await using toss = await testSimulator({ env: { SECRET_KEY: "live_sk_simulator" } });
    const headers = { ...basic("live_sk_simulator:"), "tosspayments-test-code": "INVALID_CARD_EXPIRATION" };
    expect(json(await toss.ask("/v1/payments/unknown", { headers })).code).toBe("NOT_FOUND_PAYMENT");
  });
});

describe("an Idempotency-Key", () => {
  test("gives the first answer again, byte for byte, whatever the body", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const first = await toss.confirm(paymentKey, "order-1", 15_000, "confirm:1");
    await toss.cancel(paymentKey, 5_000);
    const again = await toss.confirm(paymentKey, "order-1", 999, "confirm:1");
    expect([again.status, again.text]).toEqual([200, first.text]);
  });

  test("refunds a part once, however often it is asked, also all at once", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.confirm(paymentKey, "order-1");
    const asked = await Promise.all(
      Array.from({ length: 10 }, () => toss.cancel(paymentKey, 1_000, "refund:1")),
    );
    for (const { status } of asked) expect([200, 409]).toContain(status);
    expect((await toss.cancel(paymentKey, 1_000, "refund:1")).status).toBe(200);
    expect(await toss.account("order-1")).toMatchObject({ refunded: 1_000, refunds: 1 });
  });

  test("gives a refusal again too", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const first = await toss.cancel(paymentKey, 1_000, "refund:1");
    await toss.confirm(paymentKey, "order-1");
    const again = await toss.cancel(paymentKey, 1_000, "refund:1");
    expect([again.status, again.text]).toEqual([403, first.text]);
  });

  test("has at most 300 characters, and means nothing to a GET", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const tooLong = await toss.confirm(paymentKey, "order-1", 15_000, "k".repeat(301));
    expect([tooLong.status, json(tooLong).code]).toEqual([400, "INVALID_IDEMPOTENCY_KEY"]);
    const headers = { "idempotency-key": "k".repeat(301) };
    const before = await toss.ask(`/v1/payments/${paymentKey}`, { headers });
    expect((await toss.confirm(paymentKey, "order-1", 15_000, "k".repeat(300))).status).toBe(200);
    expect((await toss.ask(`/v1/payments/${paymentKey}`, { headers })).text).not.toBe(before.text);
  });
});

describe("the list of transactions", () => {
  const period = "startDate=2026-01-01T00:00:00&endDate=2026-01-01T23:59:59";

  test("has a row for each capture and each refund of the period, page by page", async () => {
    // Noon in Korea.
    await using toss = await testSimulator({ now: () => Date.UTC(2026, 0, 1, 3) });
    const paymentKey = await toss.open("order-1");
    await toss.confirm(paymentKey, "order-1");
    await toss.cancel(paymentKey, 5_000);
    const rows = json(await toss.ask(`/v1/transactions?${period}`));
    expect(rows).toMatchObject([
      { status: "DONE", amount: 15_000, orderId: "order-1", transactionAt: "2026-01-01T12:00:00+09:00" },
      { status: "PARTIAL_CANCELED", amount: 5_000, paymentKey },
    ]);
    expect(Object.keys(rows[0])).toEqual(Object.keys(readFixture<object>("transaction")));

    const first = json(await toss.ask(`/v1/transactions?${period}&limit=1`));
    expect(first).toEqual(rows.slice(0, 1));
    const next = `/v1/transactions?${period}&limit=1&startingAfter=${first[0].transactionKey}`;
    expect(json(await toss.ask(next))).toEqual(rows.slice(1));
    const none = "startDate=2026-01-02T00:00:00.000&endDate=2026-01-03T00:00:00.000";
    expect(json(await toss.ask(`/v1/transactions?${none}`))).toEqual([]);
  });

  test("has the whole last second of its period, unless the end names a millisecond", async () => {
    await using toss = await testSimulator({ now: () => Date.UTC(2026, 0, 1, 14, 59, 59, 500) });
    await toss.confirm(await toss.open("order-1"), "order-1");
    const rows = async (end: string) =>
      json(await toss.ask(`/v1/transactions?startDate=2026-01-01&endDate=2026-01-01T23:59:${end}`)).length;
    expect([await rows("58"), await rows("59.499")]).toEqual([0, 0]);
    expect([await rows("59.500"), await rows("59")]).toEqual([1, 1]);
  });

  test.each([
    ["", "INVALID_DATE_FORMAT"],
    ["startDate=2026-01-02&endDate=2026-01-01", "INVALID_DATE_FORMAT"],
    [`${period}&limit=5001`, "INVALID_REQUEST"],
    [`${period}&startingAfter=unknown`, "INVALID_TRANSACTION_KEY"],
  ])("asked for %s is refused", async (query, code) => {
    await using toss = await testSimulator();
    const reply = await toss.ask(`/v1/transactions?${query}`);
    expect([reply.status, json(reply).code]).toEqual([400, code]);
  });
});

describe("a restart", () => {
  test("with a data folder knows sessions, money and answers again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "toss-restart-"));
    try {
      const env = { DATA_DIR: folder };
      const first = await testSimulator({ env });
      const paymentKey = await first.open("order-1");
      const waiting = await first.open("order-2");
      await first.confirm(paymentKey, "order-1");
      const refund = await first.cancel(paymentKey, 1_000, "refund:1");
      await first[Symbol.asyncDispose]();

      await using second = await testSimulator({ env });
      expect(await second.account("order-1")).toMatchObject({ balance: 14_000, captures: 1, refunds: 1 });
      const again = await second.cancel(paymentKey, 1_000, "refund:1");
      expect([again.status, again.text]).toEqual([200, refund.text]);
      expect((await second.confirm(waiting, "order-2")).status).toBe(200);
      expect(json(await second.ask("/ledger")).totals).toEqual({
        entries: 3,
        captured: 30_000,
        refunded: 1_000,
        balance: 29_000,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
