import { expect, test } from "@jest/globals";
import { order, payment } from "./testing/examples.ts";
import { given, required, toChange, toInteger, toMember, toOrder, toPayment, toTime } from "./wire.ts";

test("an integer is the same on both sides, or none at all", () => {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  for (const value of [0n, 1n, -1n, most, -most]) expect(BigInt(toInteger(value))).toBe(value);
  for (const value of [most + 1n, -most - 1n, 2n ** 63n - 1n])
    expect(() => toInteger(value)).toThrow(`${value} is no integer that JSON carries`);
});

test("what is empty is left out", () => {
  expect(given("reason", "")).toEqual({});
  expect(given("reason", "why")).toEqual({ reason: "why" });
});

test("an order that is not payable yet has no time to pay, and a cancelled one a reason", () => {
  const { payBy, reason } = toOrder({ ...order, payBy: undefined, reason: "OUT_OF_STOCK" });
  expect([payBy, reason]).toEqual([undefined, "OUT_OF_STOCK"]);
  expect(Object.values(toOrder({ ...order, payBy: undefined })).includes(undefined as never)).toBe(false);
});

test("a payment without a verdict has none", () => {
  const plain = { ...payment, approvedAt: undefined, transactionKey: "", payBy: undefined };
  expect(Object.keys(toPayment(plain))).toEqual(["orderId", "status", "amountDue", "method", "refunded"]);
});

test("what this build cannot name is a defect and no guess", () => {
  expect(() => toOrder({ ...order, status: "ORDER_STATUS_UNSPECIFIED" })).toThrow("unknown");
  expect(() => toOrder({ ...order, status: "UNRECOGNIZED" as never })).toThrow("unknown");
  expect(() => toPayment({ ...payment, method: "PAYMENT_METHOD_UNSPECIFIED" })).toThrow("unknown");
});

test("what a message must hold and does not is a defect", () => {
  expect(required(0, "a number")).toBe(0);
  expect(() => required(undefined, "a cart")).toThrow("the service answered without a cart");
  expect(() => toTime(undefined)).toThrow("without a time");
  const change = { number: 1, status: "ORDER_STATUS_PENDING", step: "PLACED", reason: "" } as const;
  expect(() => toChange({ ...change, at: undefined })).toThrow("without a time");
  expect(() => toMember({ memberId: "7", name: "Ann", points: undefined })).toThrow("without points");
});
