import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { confirmAnswer, givenBackAnswer, isAllGivenBack, queryAnswer, refundAnswer } from "./toss-answers.ts";
import { declines, keyFaults, refundRefusals } from "./toss-codes.ts";
import type { Reply } from "./toss-wire.ts";

// biome-ignore lint/suspicious/noExplicitAny: a fixture is whatever the provider documents.
const fixture = (name: string): any =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8")).example;
const reply = (status: number, body: unknown): Reply => ({
  kind: "reply",
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const unknown = (why: string) => ({ kind: "unknown", why });

const done = fixture("payment-done");
const ask = { paymentKey: done.paymentKey, orderId: done.orderId, amount: 15_000n, currency: "KRW" };
const approved = {
  kind: "approved",
  transactionKey: "D830460735FF8B6C8DFCF515F6AF31B8",
  paidWith: "카드 신용",
  approvedAt: new Date("2023-08-21T10:48:07Z"),
};

describe("what a confirmation's answer proves", () => {
  test("the documented payment is approved, with the provider's transaction key and words", () => {
    expect(confirmAnswer(reply(200, done), ask)).toEqual(approved);
  });

  test("fields of tomorrow, and those that only inform, do not cost the verdict", () => {
    const strange = { ...done, card: "none", easyPay: 7, method: "m".repeat(500), failure: 1, tomorrow: {} };
    expect(confirmAnswer(reply(200, strange), ask)).toEqual({ ...approved, paidWith: "" });
    const easy = { ...done, card: null, method: "간편결제", easyPay: { provider: "토스페이", amount: 0 } };
    expect(confirmAnswer(reply(200, easy), ask)).toEqual({ ...approved, paidWith: "간편결제 토스페이" });
  });

  test.each([
    [{ orderId: "another-order" }, "ORDER_MISMATCH"],
    [{ totalAmount: 14_999 }, "AMOUNT_MISMATCH"],
    [{ totalAmount: 15_000.5 }, "UNDECODABLE"],
    [{ totalAmount: "15000" }, "UNDECODABLE"],
    [{ totalAmount: 2 ** 60 }, "UNDECODABLE"],
    [{ currency: "USD" }, "CURRENCY_MISMATCH"],
    [{ status: "IN_PROGRESS" }, "STATUS_IN_PROGRESS"],
    [{ status: "ABORTED" }, "STATUS_ABORTED"],
    [{ status: "done" }, "UNDECODABLE"],
    [{ approvedAt: null }, "UNDECODABLE"],
    [{ approvedAt: "yesterday" }, "UNDECODABLE"],
    [{ lastTransactionKey: null }, "UNDECODABLE"],
  ])("%j is never approved", (change, why) => {
    expect(confirmAnswer(reply(200, { ...done, ...change }), ask)).toEqual(unknown(why));
  });

  test.each(["", "null", "[]", "<html>", '{"status":"DONE"}'])("%j proves nothing", (body) => {
    expect(confirmAnswer(reply(200, body), ask)).toEqual(unknown("UNDECODABLE"));
    expect(confirmAnswer(reply(403, body), ask)).toEqual(unknown("HTTP_403 UNDECODABLE"));
    expect(queryAnswer(reply(200, body), ask)).toEqual(unknown("UNDECODABLE"));
    expect(queryAnswer(reply(404, body), ask)).toEqual(unknown("HTTP_404 UNDECODABLE"));
  });

  const errors = Object.entries<number>(fixture("confirm-errors"));

  test.each(errors)("%s with HTTP %d is declined only if the closed list has it", (code, status) => {
    expect(confirmAnswer(reply(status, { code, message: "…" }), ask)).toEqual(
      declines.has(code) ? { kind: "declined", code } : unknown(`HTTP_${status} ${code}`),
    );
  });

  test("the closed list holds documented codes only, and none that leaves the money in doubt", () => {
    const documented = new Map(errors);
    for (const code of declines) expect([400, 403]).toContain(documented.get(code));
    for (const code of [
      ...keyFaults,
      "PROVIDER_ERROR",
      "CARD_PROCESSING_ERROR",
      "ALREADY_PROCESSED_PAYMENT",
    ]) {
      expect(declines.has(code)).toBe(false);
    }
  });

  test("a decline's code with another status, or a 2xx that is not 200, proves nothing", () => {
    const refused = { code: "REJECT_CARD_PAYMENT" };
    for (const status of [201, 302, 409, 429, 500, 503]) {
      expect(confirmAnswer(reply(status, refused), ask)).toEqual(
        unknown(`HTTP_${status} REJECT_CARD_PAYMENT`),
      );
    }
    expect(confirmAnswer(reply(202, done), ask)).toEqual(unknown("HTTP_202 UNDECODABLE"));
  });

  test("what looks unlike a code is not told on", () => {
    expect(confirmAnswer(reply(400, { code: `pk ${ask.paymentKey}` }), ask)).toEqual(
      unknown("HTTP_400 UNDECODABLE"),
    );
  });
});

describe("what a query's answer proves", () => {
  const aborted = fixture("payment-aborted");
  const abortedAsk = { ...ask, orderId: aborted.orderId };
  const canceled = { ...done, status: "CANCELED", balanceAmount: 0 };

  test.each([
    ["the documented payment", done, approved],
    ["another amount", { ...done, totalAmount: 20_000 }, { kind: "mismatch", amount: 20_000n }],
    ["another order", { ...done, orderId: "another-order" }, { kind: "foreign" }],
    ["another currency", { ...done, currency: "JPY" }, unknown("CURRENCY_MISMATCH")],
    [
      "another currency and amount",
      { ...done, currency: "JPY", totalAmount: 1 },
      unknown("CURRENCY_MISMATCH"),
    ],
    [
      "not authenticated",
      { ...done, status: "READY", approvedAt: null },
      { kind: "running", status: "READY" },
    ],
    ["not confirmed", { ...done, status: "IN_PROGRESS" }, { kind: "running", status: "IN_PROGRESS" }],
    ["expired", { ...done, status: "EXPIRED" }, { kind: "declined", code: "EXPIRED" }],
    ["all given back", canceled, { kind: "declined", code: "CANCELED" }],
    ["all given back, but not", { ...canceled, balanceAmount: 1 }, unknown("BALANCE_MISMATCH")],
    ["a part given back", { ...done, status: "PARTIAL_CANCELED" }, unknown("STATUS_PARTIAL_CANCELED")],
    ["a deposit awaited", { ...done, status: "WAITING_FOR_DEPOSIT" }, unknown("STATUS_WAITING_FOR_DEPOSIT")],
    ["a status of tomorrow", { ...done, status: "FROZEN" }, unknown("STATUS_FROZEN")],
  ])("%s", (_name, payment, state) => {
    expect(queryAnswer(reply(200, payment), ask)).toEqual(state);
  });

  test("the documented payment that failed is declined with the reason it carries", () => {
    expect(queryAnswer(reply(200, aborted), abortedAsk)).toEqual({ kind: "declined", code: "COMMON_ERROR" });
  });

  test("a payment nobody knows is absent only if the provider says it in its own words", () => {
    expect(queryAnswer(reply(404, { code: "NOT_FOUND_PAYMENT" }), ask)).toEqual({ kind: "absent" });
    expect(queryAnswer(reply(404, { code: "NOT_FOUND" }), ask)).toEqual(unknown("HTTP_404 NOT_FOUND"));
    expect(queryAnswer(reply(503, { code: "NOT_FOUND_PAYMENT" }), ask).kind).toBe("unknown");
    expect(queryAnswer({ kind: "failed", why: "TIMEOUT" }, ask)).toEqual(unknown("TIMEOUT"));
  });
});

describe("what a refund's answer proves", () => {
  const canceled = fixture("payment-canceled");
  const refund = {
    orderId: canceled.orderId,
    paymentKey: canceled.paymentKey,
    number: 1,
    amount: 1_000n,
    reason: "order cancelled",
  };
  const refunded = { kind: "refunded", transactionKey: "090A796806E726BBB929F4A2CA7DB9A7" };
  const [cancel] = canceled.cancels;

  test("the documented refund is done", () => {
    expect(refundAnswer(reply(200, canceled), refund)).toEqual(refunded);
  });

  test.each([
    [{ orderId: "another-order" }, "ORDER_MISMATCH"],
    [{ status: "DONE" }, "STATUS_DONE"],
    [{ cancels: null }, "AMOUNT_MISMATCH"],
    [{ cancels: [{ ...cancel, cancelAmount: 999 }] }, "AMOUNT_MISMATCH"],
    [{ cancels: [{ ...cancel, transactionKey: "OTHER" }] }, "AMOUNT_MISMATCH"],
    [{ cancels: [{ ...cancel, cancelStatus: "IN_PROGRESS" }] }, "REFUND_RUNNING"],
    [{ cancels: "none" }, "UNDECODABLE"],
  ])("%j is not known to be done", (change, why) => {
    expect(refundAnswer(reply(200, { ...canceled, ...change }), refund)).toEqual(unknown(why));
  });

  const errors = Object.entries<number>(fixture("refund-errors"));

  test.each(errors)("%s with HTTP %d is refused only if the closed list has it", (code, status) => {
    expect(refundAnswer(reply(status, { code }), refund)).toEqual(
      refundRefusals.has(code) ? { kind: "refused", code } : unknown(`HTTP_${status} ${code}`),
    );
    expect(refundAnswer(reply(500, { code }), refund)).toEqual(unknown(`HTTP_500 ${code}`));
    expect(isAllGivenBack(reply(status, { code }))).toBe(code === "ALREADY_CANCELED_PAYMENT");
  });

  test("the closed list holds documented codes only", () => {
    const documented = new Set(errors.map(([code]) => code));
    expect([...refundRefusals].filter((code) => !documented.has(code))).toEqual([]);
  });

  test("a refund of which nothing was heard is ours if all is given back and one had its amount", () => {
    expect(givenBackAnswer(reply(200, canceled), refund)).toEqual(refunded);
    expect(givenBackAnswer(reply(200, canceled), { ...refund, amount: 400n })).toEqual({
      kind: "refused",
      code: "ALREADY_CANCELED_PAYMENT",
    });
    const partly = { ...canceled, balanceAmount: 1 };
    expect(givenBackAnswer(reply(200, partly), refund)).toEqual(unknown("BALANCE_MISMATCH"));
    expect(givenBackAnswer(reply(500, canceled), refund)).toEqual(unknown("BALANCE_MISMATCH"));
    expect(givenBackAnswer({ kind: "failed", why: "TIMEOUT" }, refund)).toEqual(unknown("TIMEOUT"));
    expect(refundAnswer({ kind: "failed", why: "TIMEOUT" }, refund)).toEqual(unknown("TIMEOUT"));
  });
});
