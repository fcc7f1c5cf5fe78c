import { describe, expect, test } from "@jest/globals";
import { FAULTS } from "./faults.ts";
import { json, type Reply, type TestSimulator, testSimulator } from "./test-simulator.ts";

const LOST = "no answer";
const KEY = "confirm:1";
const DONE = { status: "DONE", balance: 15_000 };
const NOTHING = { status: "IN_PROGRESS", balance: 0 };

/** What the merchant is told: a status, a code, or nothing because the connection failed or the patience ended. */
const told = (asking: Promise<Reply>): Promise<string> =>
  asking.then(
    (reply) => json(reply).code ?? json(reply).status,
    () => LOST,
  );

async function truth(toss: TestSimulator, paymentKey: string) {
  const [payment, account] = [await toss.query(paymentKey), await toss.account("order-1")];
  return { status: payment.status, balance: account.balance };
}

/** Each fault: what the first request is told, what is true then, what a repeat with the same key is told. */
const outcomes: Record<string, readonly [first: string, true_: object, repeat: string]> = {
  delay: ["DONE", DONE, "DONE"],
  delay_answer: ["DONE", DONE, "DONE"],
  timeout_before_effect: [LOST, NOTHING, "DONE"],
  timeout_after_effect: [LOST, DONE, "DONE"],
  reset_before_effect: [LOST, NOTHING, "DONE"],
  reset_after_effect: [LOST, DONE, "DONE"],
  reset_mid_body: [LOST, DONE, "DONE"],
  server_error_before_effect: ["FAILED_INTERNAL_SYSTEM_PROCESSING", NOTHING, "DONE"],
  server_error_after_effect: ["FAILED_INTERNAL_SYSTEM_PROCESSING", DONE, "DONE"],
  in_progress: ["IDEMPOTENT_REQUEST_PROCESSING", NOTHING, "DONE"],
  provider_error: ["PROVIDER_ERROR", NOTHING, "PROVIDER_ERROR"],
  provider_error_then_done: ["PROVIDER_ERROR", DONE, "PROVIDER_ERROR"],
  provider_error_after_effect: ["PROVIDER_ERROR", DONE, "PROVIDER_ERROR"],
  already_processed: ["ALREADY_PROCESSED_PAYMENT", DONE, "ALREADY_PROCESSED_PAYMENT"],
  decline: ["REJECT_CARD_PAYMENT", { status: "ABORTED", balance: 0 }, "REJECT_CARD_PAYMENT"],
  refuse: ["INVALID_REQUEST", NOTHING, "INVALID_REQUEST"],
  wrong_amount: ["DONE", { status: "DONE", balance: 15_001 }, "DONE"],
  wrong_amount_answer: ["DONE", DONE, "DONE"],
  outage: [LOST, NOTHING, "DONE"],
};

describe("each code of a decline", () => {
  const codes = [
    "BELOW_MINIMUM_AMOUNT",
    "EXCEED_MAX_AUTH_COUNT",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "EXCEED_MAX_ONE_DAY_AMOUNT",
    "EXCEED_MAX_PAYMENT_AMOUNT",
    "INVALID_CARD_EXPIRATION",
    "INVALID_CARD_LOST_OR_STOLEN",
    "INVALID_REJECT_CARD",
    "INVALID_STOPPED_CARD",
    "REJECT_ACCOUNT_PAYMENT",
    "REJECT_CARD_COMPANY",
    "REJECT_CARD_PAYMENT",
    "CODE_OF_TOMORROW",
  ];
  test.each(codes)("%s: ABORTED with it, and nothing captured", async (code) => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "decline", orderId: "order-1", code });
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY))).toBe(code);
    expect(await toss.query(paymentKey)).toMatchObject({ status: "ABORTED", failure: { code } });
    expect(await truth(toss, paymentKey)).toEqual({ status: "ABORTED", balance: 0 });
  });
});

describe("each fault of a confirmation", () => {
  test("has its row here", () => {
    const rows = Object.entries(FAULTS).filter(([, { on }]) => on.includes("confirm"));
    expect(Object.keys(outcomes)).toEqual(rows.map(([fault]) => fault));
  });

  test.each(Object.entries(outcomes))("%s", async (fault, [first, true_, repeat]) => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const lasting = FAULTS[fault]?.delivery === "hang";
    const { id } = await toss.fault({
      fault,
      orderId: "order-1",
      on: "confirm",
      ...(!lasting && { ms: 10 }),
    });
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY, lasting ? 100 : 2_000))).toBe(first);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await truth(toss, paymentKey)).toEqual(true_);
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY))).toBe(repeat);
    expect(toss.logged).toContainEqual({
      msg: "fault",
      fields: expect.objectContaining({ fault, rule: id, operation: "confirm", orderId: "order-1" }),
    });
    expect((await toss.account("order-1")).captures).toBeLessThanOrEqual(1);
  });
});

describe("a fault", () => {
  test("of half a body announces the whole one", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "reset_mid_body", paymentKey });
    const answer = await fetch(`${toss.address}/v1/payments/confirm`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from("test_sk_simulator:").toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ paymentKey, orderId: "order-1", amount: 15_000 }),
    });
    expect([answer.status, Number(answer.headers.get("content-length")) > 1_000]).toEqual([200, true]);
    await expect(answer.text()).rejects.toThrow();
  });

  test("of a wrong amount in the answer leaves the truth to a query, and its repeat the lie", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "wrong_amount_answer", paymentKey, amount: 1 });
    expect(json(await toss.confirm(paymentKey, "order-1", 15_000, KEY)).totalAmount).toBe(1);
    expect((await toss.query(paymentKey)).totalAmount).toBe(15_000);
    expect(json(await toss.confirm(paymentKey, "order-1", 15_000, KEY)).totalAmount).toBe(1);
    await toss.fault({ fault: "wrong_amount_answer", paymentKey: "unknown", on: "query" });
    expect((await toss.query("unknown")).code).toBe("NOT_FOUND_PAYMENT");
  });

  test("may be forgotten, so that the same key acts the next time", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "provider_error", orderId: "order-1", remember: false });
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY))).toBe("PROVIDER_ERROR");
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY))).toBe("DONE");
  });

  test("of a late answer keeps the key busy meanwhile", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "delay_answer", paymentKey, ms: 300 });
    const first = toss.confirm(paymentKey, "order-1", 15_000, KEY);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await toss.query(paymentKey)).toMatchObject({ status: "DONE" });
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY))).toBe(
      "IDEMPOTENT_REQUEST_PROCESSING",
    );
    expect(await told(first)).toBe("DONE");
  });

  test("of a delay acts even though its caller has gone", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    await toss.fault({ fault: "delay", paymentKey, ms: 150 });
    expect(await told(toss.confirm(paymentKey, "order-1", 15_000, KEY, 50))).toBe(LOST);
    expect(await truth(toss, paymentKey)).toEqual(NOTHING);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await truth(toss, paymentKey)).toEqual(DONE);
  });
});

describe("an outage", () => {
  test("answers nothing to anybody until it is over, and then half was applied", async () => {
    await using toss = await testSimulator({ env: { SEED: "7" } });
    const orders = Array.from({ length: 20 }, (_, n) => `order-${n}`);
    const keys = await Promise.all(orders.map((orderId) => toss.open(orderId)));
    await toss.fault([{ fault: "timeout_after_effect", rate: 0.5 }, { fault: "outage" }]);
    const asked = orders.map((orderId, n) =>
      told(toss.confirm(keys[n] ?? "", orderId, 15_000, orderId, 200)),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set([LOST]));
    expect(await told(toss.ask("/v1/payments/orders/order-1", { timeoutMs: 100 }))).toBe(LOST);
    await toss.ask("/control/faults", { method: "DELETE" });
    const { entries } = json(await toss.ask("/ledger")).totals;
    expect(entries).toBeGreaterThan(4);
    expect(entries).toBeLessThan(16);
    for (const [n, orderId] of orders.entries()) {
      expect(await told(toss.confirm(keys[n] ?? "", orderId, 15_000, orderId))).toBe("DONE");
    }
    expect(json(await toss.ask("/ledger")).totals).toMatchObject({ entries: 20, balance: 300_000 });
  });

  test("lets go of a caller after its time", async () => {
    await using toss = await testSimulator();
    await toss.fault({ fault: "outage", ms: 50 });
    const from = performance.now();
    expect(await told(toss.ask("/v1/payments/unknown"))).toBe(LOST);
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});

describe("a configured delay", () => {
  test("is waited before every answer", async () => {
    await using toss = await testSimulator({ env: { ANSWER_DELAY_MS: "80" } });
    const from = performance.now();
    await toss.query("unknown");
    expect(performance.now() - from).toBeGreaterThanOrEqual(75);
  });
});
