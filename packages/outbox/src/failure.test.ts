import { expect, test } from "@jest/globals";
import { failureOf } from "./failure.ts";
import { TransactionFailed } from "./transaction.ts";

const keys = new Set(["requests_pkey", "holds_pkey"]);

test.each([
  ["40001", "serialization failure", "conflict"],
  ["40P01", "deadlock", "conflict"],
  ["55P03", "lock timeout", "busy"],
  ["22P02", "no uuid", "data"],
  ["22021", "no text", "data"],
  ["23502", "no value", "data"],
  ["23505", "a double the input caused", "data"],
  ["23514", "a check", "data"],
  ["54000", "too large", "data"],
  ["57014", "statement timeout", "lost"],
  ["57P01", "the server is going down", "lost"],
  ["57P03", "the server is starting", "lost"],
  ["25P03", "idle in transaction", "lost"],
  ["08006", "connection failure", "lost"],
  ["40003", "nobody knows", "lost"],
  ["53100", "disk full", "lost"],
  ["53300", "too many connections", "lost"],
  ["25006", "a standby", "lost"],
  ["42P01", "no such table", "lost"],
  ["42501", "no right to it", "lost"],
  ["XX000", "internal error", "lost"],
  ["ECONNREFUSED", "no server", "lost"],
  ["22", "no SQLSTATE", "lost"],
])("%s, %s, is %s", (code, _, kind) => {
  const cause = Object.assign(new Error("from the database"), { code, constraint: "variants_sku_key" });
  expect(failureOf(cause, keys)).toMatchObject({ constructor: TransactionFailed, kind, cause });
});

test("a double of a key that transactions race for is a conflict", () => {
  const double = (constraint: string) => failureOf({ code: "23505", constraint }, keys).kind;
  expect(double("requests_pkey")).toBe("conflict");
  expect(double("holds_pkey")).toBe("conflict");
  expect(double("movements_pkey")).toBe("data");
});

test.each([[new Error("Query read timeout")], ["a string"], [undefined], [null]])(
  "%s, which is no database error, is lost",
  (thrown) => {
    expect(failureOf(thrown, keys)).toMatchObject({ kind: "lost", cause: thrown });
  },
);

test("a failure that is named already stays as it is", () => {
  const failure = new TransactionFailed("busy", undefined);
  expect(failureOf(failure, keys)).toBe(failure);
});
