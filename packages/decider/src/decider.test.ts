// How a decision reckons with moments, how it says no, and what it must not say.
import { expect, test } from "@jest/globals";
import { earliest, later, Refusal, row, unreachable } from "./decider.ts";

test("a refusal is its code, with what helps the caller", () => {
  const cause = new Error("why");
  const violations = [{ field: "quantity", description: "at least 1" }];
  const refusal = new Refusal("INVALID_REQUEST", { violations, details: { at: "least 1" }, cause });
  expect(refusal).toMatchObject({ name: "Refusal", message: "INVALID_REQUEST", violations, cause });
  expect(new Refusal("CART_FULL")).toMatchObject({ code: "CART_FULL", violations: [], details: {} });
});

test("a moment is later by seconds, and of two the earlier counts, if there are two", () => {
  const noon = new Date("2026-02-28T12:00:00.000Z");
  expect(later(noon, 12 * 3600 + 0.5)).toEqual(new Date("2026-03-01T00:00:00.500Z"));
  expect(later(noon, 0)).toEqual(noon);
  expect(earliest(noon, later(noon, 1))).toEqual(noon);
  expect(earliest(later(noon, 1), noon)).toEqual(noon);
  expect(earliest(undefined, noon)).toEqual(noon);
});

test("only rows that were named can be read", () => {
  const rows = new Map([["A", 1]]);
  expect(row(rows, "A")).toBe(1);
  expect(() => row(rows, "B")).toThrow("row B was not named");
});

test("what cannot happen is named and not shown", () => {
  const secret = { type: "Nonsense", paymentKey: "secret", amount: 1n };
  expect(() => unreachable(secret as never)).toThrow(/^unreachable: Nonsense$/);
  expect(() => unreachable({ status: "odd" } as never)).toThrow("unreachable: odd");
  expect(() => unreachable("odd" as never)).toThrow("unreachable: odd");
});
