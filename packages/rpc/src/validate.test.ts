import { describe, expect, test } from "@jest/globals";
import { Refusal, type Violation } from "@quadrille/decider";
import { type Fields, fields } from "./validate.ts";

function violationsOf(read: (fields: Fields) => void): readonly Violation[] {
  const reader = fields();
  read(reader);
  try {
    reader.done();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ code: "INVALID_REQUEST" });
    return (error as Refusal).violations;
  }
}

describe("fields", () => {
  test("every fault is told at once, in order", () => {
    const found = violationsOf((read) => {
      read.requestId("");
      read.id("order_id", "a/b");
      read.integer("quantity", 0, { min: 1, max: 999 });
    });
    expect(found).toEqual([
      { field: "request_id", description: "is required" },
      { field: "order_id", description: "does not match ^[A-Za-z0-9_-]+$" },
      { field: "quantity", description: "is less than 1" },
    ]);
  });

  test("a good request gives its values back", () => {
    const read = fields();
    expect(read.requestId("a".repeat(64))).toBe("a".repeat(64));
    expect(read.text("name", "연필", { min: 2, max: 2 })).toBe("연필");
    expect(read.integer("quantity", 999, { min: 1, max: 999 })).toBe(999);
    expect(read.integer("amount", 10n ** 18n, { min: 0n })).toBe(10n ** 18n);
    expect(read.list("lines", [1, 2], { min: 1, max: 2 })).toEqual([1, 2]);
    expect(read.oneOf("method", "CARD", ["CARD", "BANK"])).toBe("CARD");
    expect(read.present("money", { amount: 1 })).toEqual({ amount: 1 });
    read.check("window", true, "is over");
    expect(() => read.done()).not.toThrow();
  });

  test.each<[string, (read: Fields) => void, string]>([
    ["an id too long", (read) => read.id("f", "a".repeat(65)), "has more than 64 characters"],
    ["a text too short", (read) => read.text("f", "a", { min: 2 }), "has fewer than 2 characters"],
    ["a text too long", (read) => read.text("f", "a".repeat(257)), "has more than 256 characters"],
    ["a fraction", (read) => read.integer("f", 1.5), "is not an integer"],
    ["a number beyond exactness", (read) => read.integer("f", 2 ** 53), "is not an integer"],
    ["a number too big", (read) => read.integer("f", 3, { max: 2 }), "is more than 2"],
    ["a bigint too small", (read) => read.integer("f", -1n, { min: 0n }), "is less than 0"],
    ["a text no database takes", (read) => read.text("f", "a\0b"), "contains a NUL character"],
    ["an empty list", (read) => read.list("f", [], { min: 1 }), "has fewer than 1 members"],
    ["a list too long", (read) => read.list("f", [1, 2], { max: 1 }), "has more than 1 members"],
    ["a value of no enum", (read) => read.oneOf("f", "X", ["A", "B"]), "is not one of A, B"],
    ["a message that is missing", (read) => read.present("f", undefined), "is required"],
    ["a rule of one's own", (read) => read.check("f", false, "is over"), "is over"],
  ])("%s", (_name, read, description) => {
    expect(violationsOf(read)).toEqual([{ field: "f", description }]);
  });
});
