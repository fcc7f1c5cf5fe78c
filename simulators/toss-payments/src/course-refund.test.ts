import { describe, expect, test } from "@jest/globals";
import { FAULTS } from "./faults.ts";
import { json, type Reply, type TestSimulator, testSimulator } from "./test-simulator.ts";

const LOST = "no answer";
const FAILED = "FAILED_INTERNAL_SYSTEM_PROCESSING";
const KEY = "refund:1";

/** What the merchant is told: a status, a code, or nothing because the connection failed or the patience ended. */
const told = (asking: Promise<Reply>): Promise<string> =>
  asking.then(
    (reply) => json(reply).code ?? json(reply).status,
    () => LOST,
  );

async function paid(toss: TestSimulator): Promise<string> {
  const paymentKey = await toss.open("order-1");
  await toss.confirm(paymentKey, "order-1");
  return paymentKey;
}
const rowsOn = (operation: "cancel" | "query") =>
  Object.keys(FAULTS).filter((fault) => FAULTS[fault]?.on.includes(operation));
const isHanging = (fault: string) => FAULTS[fault]?.delivery === "hang";

/** Each fault: what the first request is told, what was refunded then, what a repeat with the same key is told. */
const refunds: Record<string, readonly [first: string, refunded: number, repeat: string]> = {
  delay: ["CANCELED", 15_000, "CANCELED"],
  delay_answer: ["CANCELED", 15_000, "CANCELED"],
  timeout_before_effect: [LOST, 0, "CANCELED"],
  timeout_after_effect: [LOST, 15_000, "CANCELED"],
  reset_before_effect: [LOST, 0, "CANCELED"],
  reset_after_effect: [LOST, 15_000, "CANCELED"],
  reset_mid_body: [LOST, 15_000, "CANCELED"],
  server_error_before_effect: [FAILED, 0, "CANCELED"],
  server_error_after_effect: [FAILED, 15_000, "CANCELED"],
  in_progress: ["IDEMPOTENT_REQUEST_PROCESSING", 0, "CANCELED"],
  provider_error: ["PROVIDER_ERROR", 0, "PROVIDER_ERROR"],
  provider_error_then_done: ["PROVIDER_ERROR", 15_000, "PROVIDER_ERROR"],
  provider_error_after_effect: ["PROVIDER_ERROR", 15_000, "PROVIDER_ERROR"],
  refuse: ["INVALID_REQUEST", 0, "INVALID_REQUEST"],
  refund_refused: ["NOT_CANCELABLE_PAYMENT", 0, "NOT_CANCELABLE_PAYMENT"],
  outage: [LOST, 0, "CANCELED"],
};

describe("each fault of a refund", () => {
  test("has its row here", () => {
    expect(Object.keys(refunds)).toEqual(rowsOn("cancel"));
  });

  test.each(Object.entries(refunds))("%s", async (fault, [first, refunded, repeat]) => {
    await using toss = await testSimulator();
    const paymentKey = await paid(toss);
    await toss.fault({ fault, paymentKey, on: "cancel", ...(!isHanging(fault) && { ms: 10 }) });
    const patienceMs = isHanging(fault) ? 100 : 2_000;
    expect(await told(toss.cancel(paymentKey, undefined, KEY, patienceMs))).toBe(first);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await toss.account("order-1")).refunded).toBe(refunded);
    expect(await told(toss.cancel(paymentKey, undefined, KEY))).toBe(repeat);
    expect((await toss.account("order-1")).refunds).toBeLessThanOrEqual(1);
  });

  test("that refuses for good refuses every key, with the code it is given, until it is taken away", async () => {
    await using toss = await testSimulator();
    const paymentKey = await paid(toss);
    const { id } = await toss.fault({
      fault: "refund_refused",
      orderId: "order-1",
      code: "EXCEED_MAX_REFUND_DUE",
    });
    for (const key of ["refund:1", "refund:2", undefined]) {
      const reply = await toss.cancel(paymentKey, 5_000, key);
      expect([reply.status, json(reply).code]).toEqual([403, "EXCEED_MAX_REFUND_DUE"]);
    }
    await toss.ask(`/control/faults/${id}`, { method: "DELETE" });
    expect(await told(toss.cancel(paymentKey, 5_000, "refund:3"))).toBe("PARTIAL_CANCELED");
  });
});

/** Each fault: what the first question is told. */
const answers: Record<string, string> = {
  delay: "DONE",
  delay_answer: "DONE",
  timeout_before_effect: LOST,
  timeout_after_effect: LOST,
  reset_before_effect: LOST,
  reset_after_effect: LOST,
  reset_mid_body: LOST,
  server_error_before_effect: FAILED,
  server_error_after_effect: FAILED,
  refuse: "INVALID_REQUEST",
  not_found: "NOT_FOUND_PAYMENT",
  wrong_amount_answer: "DONE",
  outage: LOST,
};

describe("each fault of a query", () => {
  test("has its row here", () => {
    expect(Object.keys(answers)).toEqual(rowsOn("query"));
  });

  test.each(Object.entries(answers))("%s, once", async (fault, answer) => {
    await using toss = await testSimulator();
    const paymentKey = await paid(toss);
    const ask = (path: string) =>
      told(toss.ask(`/v1/payments/${path}`, { timeoutMs: isHanging(fault) ? 100 : 2_000 }));
    for (const path of [paymentKey, "orders/order-1"]) {
      const rule = { fault, orderId: "order-1", on: "query", times: 1 };
      await toss.fault({ ...rule, ...(!isHanging(fault) && { ms: 10 }) });
      expect(await ask(path)).toBe(answer);
      expect(await ask(path)).toBe("DONE");
    }
    expect(await toss.account("order-1")).toMatchObject({ captures: 1, balance: 15_000 });
  });

  test("that knows no payment ends by itself when it is told for how long", async () => {
    await using toss = await testSimulator();
    const paymentKey = await paid(toss);
    await toss.fault({ fault: "not_found", paymentKey, forMs: 150 });
    const reply = await toss.ask(`/v1/payments/${paymentKey}`);
    expect([reply.status, json(reply).code]).toEqual([404, "NOT_FOUND_PAYMENT"]);
    await new Promise((resolve) => setTimeout(resolve, 160));
    expect((await toss.query(paymentKey)).status).toBe("DONE");
  });

  test("tells the same wrong amount as the confirmation, when both are hit", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1");
    const on = ["confirm", "query"];
    await toss.fault({ fault: "wrong_amount_answer", paymentKey, on, amount: 1, times: 2 });
    expect(json(await toss.confirm(paymentKey, "order-1"))).toMatchObject({ status: "DONE", totalAmount: 1 });
    expect(await toss.query(paymentKey)).toMatchObject({ status: "DONE", totalAmount: 1 });
    expect(await toss.query(paymentKey)).toMatchObject({ status: "DONE", totalAmount: 15_000 });
  });
});
