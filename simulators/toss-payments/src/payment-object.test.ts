import { describe, expect, test } from "@jest/globals";
import { errorAnswer } from "./errors.ts";
import type { Payment } from "./payment.ts";
import { paymentBody, paymentObject } from "./payment-object.ts";
import { readFixture } from "./read-fixture.ts";

const documented = readFixture<Record<string, unknown>>("payment-canceled");
const canceled: Payment = {
  paymentKey: "5EnNZRJGvaBX7zk2yd8ydw26XvwXkLrx9POLqKQjmAw4b0e1",
  orderId: "a4CWyWY5m89PNh7xJwhk1",
  orderName: "토스 티셔츠 외 2건",
  customerKey: null,
  status: "CANCELED",
  totalAmount: 1_000,
  balanceAmount: 0,
  requestedAt: Date.parse("2024-02-13T12:17:57+09:00"),
  expiresAt: 0,
  approvedAt: Date.parse("2024-02-13T12:18:14+09:00"),
  lastTransactionKey: "090A796806E726BBB929F4A2CA7DB9A7",
  cancels: [
    {
      transactionKey: "090A796806E726BBB929F4A2CA7DB9A7",
      reason: "테스트 결제 취소",
      amount: 1_000,
      balanceAfter: 0,
      at: Date.parse("2024-02-13T12:20:23+09:00"),
    },
  ],
  failureCode: null,
  declineWith: null,
};

describe("the Payment object", () => {
  test("is the documented one, field by field", () => {
    expect(JSON.parse(paymentBody(canceled))).toEqual(documented);
  });

  test("splits a tenth of the price off as tax, to the won", () => {
    const { suppliedAmount, vat } = paymentObject({ ...canceled, balanceAmount: 11_111 });
    expect([suppliedAmount, vat]).toEqual([10_101, 1_010]);
  });

  test("has no card, receipt or method before anybody authenticated", () => {
    const ready: Payment = {
      ...canceled,
      status: "READY",
      approvedAt: null,
      lastTransactionKey: null,
      cancels: [],
    };
    const shown = paymentObject(ready);
    expect([shown.card, shown.receipt, shown.method, shown.cancels]).toEqual([null, null, null, null]);
    expect(Object.keys(shown)).toEqual(Object.keys(paymentObject(canceled)));
  });

  test("tells why it failed", () => {
    const aborted: Payment = { ...canceled, status: "ABORTED", failureCode: "REJECT_CARD_PAYMENT" };
    expect(paymentObject(aborted).failure).toEqual({
      code: "REJECT_CARD_PAYMENT",
      message: expect.stringContaining("card"),
    });
    expect(paymentObject({ ...aborted, failureCode: "OTHER_CODE" }).failure?.message).toMatch(/code/);
  });
});

describe("an error", () => {
  test.each(Object.entries(readFixture<Record<string, number>>("errors")))(
    "%s has HTTP %d",
    (code, status) => {
      const answer = errorAnswer(code);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toEqual({ code, message: expect.stringMatching(/.+/) });
    },
  );

  test("outside the catalogue is a plain refusal", () => {
    expect(errorAnswer("SOMETHING_NEW").status).toBe(400);
  });
});
