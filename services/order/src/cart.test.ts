// What may be put into a cart, and what becomes of it.
import { describe, expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import { type Cart, type CartInput, cartLinesMost, type LineProblem, quantityMost } from "./cart.ts";
import { ordering } from "./decider.ts";

const memberId = "member";
const put = (variantId: string, quantity: number, problem: LineProblem = "") =>
  ({ type: "AddCartLine", memberId, line: { variantId, quantity }, problem }) as const;
const change = (variantId: string, quantity: number, problem: LineProblem = "") =>
  ({ ...put(variantId, quantity, problem), type: "ChangeCartLine" }) as const;
const remove = (variantId: string) => ({ type: "RemoveCartLine", memberId, variantId }) as const;
const clear = { type: "ClearCart", memberId } as const;

const carts = (cart: Cart) => given(ordering, { carts: { [memberId]: cart } });
const empty = given(ordering);
const filled = carts({
  lines: [
    { variantId: "A", quantity: 2 },
    { variantId: "B", quantity: 1 },
  ],
  version: 7,
});
const full = carts({
  lines: Array.from({ length: cartLinesMost }, (_, index) => ({ variantId: `V${index}`, quantity: 1 })),
  version: 100,
});
const linesAfter = (past: typeof empty, input: CartInput) =>
  past.when(input).after.state("carts", memberId).lines;

test.each<[string, typeof empty, CartInput, Cart["lines"]]>([
  ["a line is added", empty, put("A", 3), [{ variantId: "A", quantity: 3 }]],
  [
    "more of it is added",
    filled,
    put("A", 3),
    [
      { variantId: "A", quantity: 5 },
      { variantId: "B", quantity: 1 },
    ],
  ],
  [
    "as much as may be",
    filled,
    put("B", quantityMost - 1),
    [
      { variantId: "A", quantity: 2 },
      { variantId: "B", quantity: 999 },
    ],
  ],
  [
    "a line is changed",
    filled,
    change("A", 1),
    [
      { variantId: "A", quantity: 1 },
      { variantId: "B", quantity: 1 },
    ],
  ],
  ["a line is removed", filled, remove("A"), [{ variantId: "B", quantity: 1 }]],
  ["all of it is removed", filled, clear, []],
])("%s", (_, past, input, lines) => {
  expect(linesAfter(past, input)).toEqual(lines);
});

test.each<[string, typeof empty, CartInput]>([
  ["to change nothing", filled, change("A", 2)],
  ["to remove what is not there", filled, remove("C")],
  ["to empty what is empty", empty, clear],
])("%s is quiet, and leaves the version alone", (_, past, input) => {
  past.when(input).thenNothing();
});

test.each<[string, typeof empty, CartInput, string]>([
  ["one line too many", full, put("A", 1), "CART_FULL"],
  ["more of one than can be ordered", filled, put("A", quantityMost - 1), "INVALID_REQUEST"],
  ["to change what is not there", empty, change("A", 1), "CART_LINE_UNKNOWN"],
  ["to add what is not on sale", empty, put("A", 1, "NOT_ON_SALE"), "NOT_ON_SALE"],
  [
    "to change what cannot be looked up",
    filled,
    change("A", 1, "PRODUCT_UNAVAILABLE"),
    "PRODUCT_UNAVAILABLE",
  ],
])("%s is refused", (_, past, input, code) => {
  past.when(input).thenRefuses(code);
});

describe("a full cart", () => {
  test("takes more of what it has", () => {
    expect(linesAfter(full, put("V0", 4))[0]).toEqual({ variantId: "V0", quantity: 5 });
  });
});

test("the version grows with every change, so that a priced cart can be recognised", () => {
  const after = filled.when(remove("A")).after.when(put("A", 2)).after.when(clear).after;
  expect(after.state("carts", memberId)).toEqual({ lines: [], version: 10 });
});
