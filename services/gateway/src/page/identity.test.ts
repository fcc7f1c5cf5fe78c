import { expect, test } from "@jest/globals";
import { memberIn } from "./identity.ts";

const tokenOf = (claims: unknown) =>
  `e30.${btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_")}.signature`;

test("a token says whose it is", () => {
  expect(memberIn(tokenOf({ sub: "ann?>", role: "member" }))).toBe("ann?>");
});

test.each([undefined, "", "nonsense", "a.b.c", tokenOf({}), tokenOf(null)])("%p is nobody's", (token) => {
  expect(memberIn(token)).toBe("");
});
