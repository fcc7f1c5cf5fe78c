import { expect, test } from "@jest/globals";
import { any, twoOf } from "./checkout.ts";

test("two different ones are drawn, and every pair can come", () => {
  const pairs = new Set(Array.from({ length: 500 }, () => twoOf(["a", "b", "c"]).join("")));
  expect([...pairs].sort()).toEqual(["ab", "ac", "ba", "bc", "ca", "cb"]);
});

test("any one is one of them", () => expect(["a", "b"]).toContain(any(["a", "b"])));
