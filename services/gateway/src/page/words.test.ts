import { expect, test } from "@jest/globals";
import type { Schemas } from "@quadrille/client";
import * as words from "./words.ts";

type Order = Schemas["Order"];
const statuses = ["PENDING", "PAYABLE", "CANCELLING", "CONFIRMED", "CANCELLED"] as const;
const at = "2026-03-01T09:00:00.000Z";

function order(status: Order["status"], steps: readonly string[], more: Partial<Order> = {}): Order {
  const money = { amount: 4_800, currency: "KRW" };
  return {
    orderId: "0d5b9e2c",
    status,
    lines: [],
    subtotal: money,
    points: 0,
    amountDue: money,
    method: "CARD",
    placedAt: at,
    settled: false,
    history: steps.map((step, index) => ({ number: index + 1, status, step, at })),
    ...more,
  };
}

test("money is read in the currency's own units", () => {
  expect(words.inMoney({ amount: 9_600, currency: "KRW" })).toBe("₩9,600");
  expect(words.inMoney({ amount: 9_600, currency: "EUR" })).toBe("€96.00");
  expect(words.inMoney({ amount: 1_234, currency: "KWD" })).toMatch(/1\.234$/);
});

test("one is not many", () => {
  expect([words.inPoints(1), words.inPoints(2_000)]).toEqual(["1 point", "2,000 points"]);
  expect([words.inUnits(1), words.inUnits(3)]).toEqual(["1 item", "3 items"]);
});

test("a code that is not known here is read rather than hidden", () => {
  expect(words.ofStep("COUPON_HELD")).toBe("coupon held");
  expect(words.ofReason("STRUCK_BY_LIGHTNING")).toBe("struck by lightning");
  expect(words.ofLineProblem("ON_FIRE")).toBe("on fire");
});

test("every state has a headline of its own, settled or not", () => {
  const all = statuses.flatMap((status) =>
    [false, true].map((settled) => words.headline({ status, settled })),
  );
  expect(all.every((text) => text.length > 0)).toBe(true);
  expect(new Set(all).size).toBe(statuses.length + 2);
  expect(words.inShort({ status: "CANCELLED", settled: true })).toBe("Cancelled");
});

test("only a payment that nobody has begun is there to be made", () => {
  const all = ["READY", "CONFIRMING", "UNKNOWN", "APPROVED", "DECLINED", "VOIDED", undefined] as const;
  expect(all.filter((status) => words.paymentHeadline(status) === "Ready to pay")).toEqual(["READY"]);
  expect(all.filter((status) => words.paymentHint(status).includes("nothing you need to do"))).toEqual([
    "CONFIRMING",
    "UNKNOWN",
  ]);
});

test("an order is called by what is in it", () => {
  const line = (title: string) => ({
    productId: title,
    quantity: 1,
    title,
    unitPrice: { amount: 1, currency: "KRW" },
  });
  expect(words.nameOf(order("PENDING", [], { lines: [line("Mug")] }))).toBe("Mug");
  expect(words.nameOf(order("PENDING", [], { lines: [line("Mug"), line("Cup"), line("Jug")] }))).toBe(
    "Mug and 2 more",
  );
});

test("what is to come is what has not happened; points only where some are used", () => {
  expect(words.toCome(order("PENDING", ["PLACED", "STOCK_HELD"]))).toEqual([
    "Ready to pay",
    "Payment",
    "Taking items from the shelf",
  ]);
  expect(
    words.toCome(order("PAYABLE", ["PLACED", "STOCK_HELD", "BENEFITS_HELD", "PAYABLE"], { points: 5 })),
  ).toEqual(["Payment", "Taking items from the shelf", "Using points"]);
});

test("what has ended only gives back, and what is settled is over", () => {
  expect(words.toCome(order("CANCELLING", ["PLACED", "CANCEL_REQUESTED"]))).toEqual([
    "Asking whether it was paid",
  ]);
  expect(words.toCome(order("CANCELLED", ["PLACED", "CANCELLED"]))).toEqual(["Giving everything back"]);
  expect(words.toCome(order("CANCELLED", ["PLACED", "CANCELLED"], { settled: true }))).toEqual([]);
  expect(words.toCome(order("CONFIRMED", ["PLACED", "PAID"], { settled: true }))).toEqual([]);
});
