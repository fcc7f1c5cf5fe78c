import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { openTossRig, type TossRig, unknown } from "./testing/toss-rig.ts";

const approved = expect.objectContaining({ kind: "approved", paidWith: "카드 신용" });
const running = { kind: "running", status: "IN_PROGRESS" };
const declined = (code: string) => ({ kind: "declined", code });
const taken = (amount: bigint) => ({ kind: "mismatch", amount });
const serverError = "HTTP_500 FAILED_INTERNAL_SYSTEM_PROCESSING";
const inProgress = "HTTP_409 IDEMPOTENT_REQUEST_PROCESSING";
const providerError = "HTTP_400 PROVIDER_ERROR";
const already = "HTTP_400 ALREADY_PROCESSED_PAYMENT";
const mismatch = "AMOUNT_MISMATCH";
const noMoney = "REJECT_CARD_PAYMENT";
const stopped = "INVALID_STOPPED_CARD";
const newCode = "CODE_OF_TOMORROW";
const noSession = "NOT_FOUND_PAYMENT_SESSION";

let rig: TossRig;

beforeAll(async () => {
  rig = await openTossRig();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});
afterEach(async () => {
  await rig.control("DELETE", "/control/faults");
  for (const secret of rig.secrets()) expect(rig.told()).not.toContain(secret);
});

describe("confirm", () => {
  test("the same attempt asked twice, one after another or at once, charges once", async () => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    const first = await rig.heard(toss.confirm(payment.attempt));
    expect(first).toEqual(approved);
    expect(await rig.heard(toss.confirm(payment.attempt))).toEqual(first);

    const other = await rig.newPayment();
    const both = await Promise.all([toss.confirm(other.attempt), toss.confirm(other.attempt)]);
    expect(both).toContainEqual(approved);
    expect([await payment.captures(), await other.captures()]).toEqual([1, 1]);
  });

  // The fault, what confirm answers, what query answers after it, what the same attempt answers then, captures.
  test.each([
    [{ fault: "timeout_before_effect" }, unknown("TIMEOUT"), running, approved, 1],
    [{ fault: "timeout_after_effect" }, unknown("TIMEOUT"), approved, approved, 1],
    [{ fault: "delay_answer", ms: 400 }, unknown("TIMEOUT"), approved, expect.anything(), 1],
    [{ fault: "reset_before_effect" }, unknown("ECONNRESET"), running, approved, 1],
    [{ fault: "reset_after_effect" }, unknown("ECONNRESET"), approved, approved, 1],
    [{ fault: "reset_mid_body" }, unknown("ECONNRESET"), approved, approved, 1],
    [{ fault: "server_error_before_effect" }, unknown(serverError), running, approved, 1],
    [{ fault: "server_error_after_effect" }, unknown(serverError), approved, approved, 1],
    [{ fault: "in_progress" }, unknown(inProgress), running, approved, 1],
    [{ fault: "provider_error" }, unknown(providerError), running, unknown(providerError), 0],
    [{ fault: "already_processed" }, unknown(already), approved, unknown(already), 1],
    [{ fault: "wrong_amount", amount: 14_000 }, unknown(mismatch), taken(14_000n), unknown(mismatch), 1],
    [{ fault: "wrong_amount_answer", amount: 1 }, unknown(mismatch), approved, unknown(mismatch), 1],
    [{ fault: "decline", code: noMoney }, declined(noMoney), declined(noMoney), declined(noMoney), 0],
    [{ fault: "decline", code: stopped }, declined(stopped), declined(stopped), declined(stopped), 0],
    [
      { fault: "decline", code: newCode },
      unknown(`HTTP_400 ${newCode}`),
      declined(newCode),
      unknown(`HTTP_400 ${newCode}`),
      0,
    ],
    [
      { fault: "refuse", code: noSession },
      unknown(`HTTP_404 ${noSession}`),
      running,
      unknown(`HTTP_404 ${noSession}`),
      0,
    ],
  ])("%j", async (rule, answer, state, again, captures) => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    await payment.fault({ on: ["confirm"], ...rule });
    expect(await rig.heard(toss.confirm(payment.attempt))).toEqual(answer);
    expect(await rig.heard(toss.query(payment.due))).toEqual(state);
    expect(await rig.heard(toss.confirm(payment.attempt))).toEqual(again);
    expect(await payment.captures()).toBe(captures);
  });

  test("what is done after PROVIDER_ERROR is found out by asking", async () => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    await payment.fault({ fault: "provider_error_then_done", ms: 20 });
    expect(await rig.heard(toss.confirm(payment.attempt))).toEqual(unknown(providerError));
    await sleep(60);
    expect(await rig.heard(toss.query(payment.due))).toEqual(approved);
  });

  test("what cannot be said in the provider's words is not sent", async () => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    for (const wrong of [
      { amount: 0n },
      { amount: -1n },
      { amount: BigInt(Number.MAX_SAFE_INTEGER) + 1n },
      { currency: "USD" }, // Its minor unit is not what the provider counts in.
      { attemptId: "a".repeat(293) },
    ]) {
      expect(await rig.heard(toss.confirm({ ...payment.attempt, ...wrong }))).toEqual({
        kind: "declined",
        code: "NOT_SENT",
      });
    }
    expect(await rig.heard(toss.query(payment.due))).toEqual(running);
  });
});

describe("query", () => {
  test("tells apart what is absent, expired or another order's", async () => {
    await using toss = rig.open();
    const [one, other] = [await rig.newPayment(), await rig.newPayment()];
    expect(await rig.heard(toss.query({ ...one.due, paymentKey: "nobody/../knows it" }))).toEqual({
      kind: "absent",
    });
    await toss.confirm(other.attempt);
    expect(await rig.heard(toss.query({ ...one.due, paymentKey: other.due.paymentKey }))).toEqual({
      kind: "foreign",
    });
    await rig.control("POST", "/control/expire", { paymentKey: one.due.paymentKey });
    expect(await rig.heard(toss.query(one.due))).toMatchObject({ kind: "declined" });
  });

  test.each([
    [{ fault: "outage" }, "TIMEOUT"],
    [{ fault: "reset_before_effect" }, "ECONNRESET"],
    [{ fault: "server_error_before_effect" }, serverError],
  ])("%j proves nothing", async (rule, why) => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    await payment.fault({ on: ["query"], ...rule });
    expect(await rig.heard(toss.query(payment.due))).toEqual(unknown(why));
  });
});

describe("refund", () => {
  test("gives back in parts, each number once, and no more than was taken", async () => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    await toss.confirm(payment.attempt);
    const first = await rig.heard(toss.refund(payment.refund(1, 5_000n)));
    expect(first).toMatchObject({ kind: "refunded" });
    expect(await rig.heard(toss.refund(payment.refund(1, 5_000n)))).toEqual(first);
    expect(await rig.heard(toss.refund(payment.refund(2, 10_001n)))).toEqual({
      kind: "refused",
      code: "NOT_CANCELABLE_AMOUNT",
    });
    expect(await rig.heard(toss.refund(payment.refund(3, 10_000n)))).toMatchObject({ kind: "refunded" });
    expect(await payment.refunded()).toBe(15_000);
    expect(await rig.heard(toss.query(payment.due))).toEqual({ kind: "declined", code: "CANCELED" });
    expect(await rig.heard(toss.refund({ ...payment.refund(4), amount: 2n ** 60n }))).toEqual({
      kind: "refused",
      code: "NOT_SENT",
    });
  });

  test.each([
    [{ fault: "timeout_before_effect" }, "TIMEOUT"],
    [{ fault: "timeout_after_effect" }, "TIMEOUT"],
    [{ fault: "reset_mid_body" }, "ECONNRESET"],
    [{ fault: "in_progress" }, inProgress],
    [{ fault: "server_error_after_effect" }, serverError],
    [{ fault: "server_error_after_effect", remember: false }, serverError],
  ])("%j: not known at first, done once when asked again", async (rule, why) => {
    await using toss = rig.open();
    const payment = await rig.newPayment();
    await toss.confirm(payment.attempt);
    await payment.fault({ on: ["cancel"], ...rule });
    expect(await rig.heard(toss.refund(payment.refund(1)))).toEqual(unknown(why));
    expect(await rig.heard(toss.refund(payment.refund(1)))).toMatchObject({ kind: "refunded" });
    expect(await payment.refunded()).toBe(15_000);
  });
});
