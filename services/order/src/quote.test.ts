// What an order costs, and every reason it is not priced.
import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import fc from "fast-check";
import { assertDistinct, quote, type VariantData } from "./quote.ts";

const variant = (variantId: string, price: bigint, about: Partial<VariantData> = {}): VariantData => ({
  ...{ variantId, title: `Thing ${variantId}`, price, onSale: true, available: 5 },
  ...about,
});
const variants = new Map(
  [variant("A", 1000n), variant("B", 250n), variant("ONE", 1n), variant("OFF", 10n, { onSale: false })].map(
    (each) => [each.variantId, each],
  ),
);
const terms = (expectedAmountDue: bigint, minimumCharge = 100n) => ({ expectedAmountDue, minimumCharge });
const line = (variantId: string, quantity: number) => ({ variantId, quantity });

function refusalOf(ask: () => unknown): Refusal {
  try {
    ask();
  } catch (error) {
    if (error instanceof Refusal) return error;
  }
  throw new Error("not refused");
}

test("prices are frozen line by line, and points pay before money", () => {
  const points = { used: 250n, owned: 250n };
  expect(quote([line("A", 2), line("B", 5)], variants, points, terms(3000n))).toEqual({
    lines: [
      { variantId: "A", quantity: 2, unitPrice: 1000n, title: "Thing A" },
      { variantId: "B", quantity: 5, unitPrice: 250n, title: "Thing B" },
    ],
    subtotal: 3250n,
    points: 250n,
    amountDue: 3000n,
  });
});

test("points may pay all of it", () => {
  const points = { used: 250n, owned: 900n };
  expect(quote([line("B", 1)], variants, points, terms(0n))).toMatchObject({ amountDue: 0n });
});

test("the least that is charged is due, nothing needs no charge, and 0 lets every amount through", () => {
  const due = (used: bigint, minimumCharge: bigint) =>
    quote([line("B", 1)], variants, { used, owned: 250n }, terms(250n - used, minimumCharge)).amountDue;
  expect([due(150n, 100n), due(250n, 100n), due(249n, 0n)]).toEqual([100n, 0n, 1n]);
});

test("a variant may be named in one line alone", () => {
  expect(() => assertDistinct([line("A", 1), line("B", 1)])).not.toThrow();
  expect(refusalOf(() => assertDistinct([line("A", 1), line("B", 1), line("A", 2)]))).toMatchObject({
    code: "DUPLICATE_LINE",
    details: { variant_id: "A" },
  });
});

describe("an order is not priced", () => {
  const none = { used: 0n, owned: 0n };
  test.each([
    ["with an unknown variant", [line("X", 1)], none, 0n, "VARIANT_UNKNOWN", { variant_id: "X" }],
    ["with one that is not on sale", [line("OFF", 1)], none, 10n, "NOT_ON_SALE", { variant_id: "OFF" }],
    ["with more than there is", [line("A", 6)], none, 6000n, "OUT_OF_STOCK", { variant_id: "A" }],
    [
      "with more points than it costs",
      [line("B", 1)],
      { used: 251n, owned: 900n },
      0n,
      "POINTS_EXCEED_TOTAL",
      { subtotal: "250" },
    ],
    [
      "with more points than there are",
      [line("B", 1)],
      { used: 100n, owned: 99n },
      150n,
      "NOT_ENOUGH_POINTS",
      { points: "99" },
    ],
    [
      "at another amount than the buyer was shown",
      [line("B", 1)],
      none,
      249n,
      "AMOUNT_CHANGED",
      { amount_due: "250" },
    ],
    [
      "when less is due than the provider charges",
      [line("B", 1)],
      { used: 151n, owned: 900n },
      99n,
      "AMOUNT_TOO_SMALL",
      { amount_due: "99", minimum: "100" },
    ],
    ["at one unit either", [line("ONE", 1)], none, 1n, "AMOUNT_TOO_SMALL", { amount_due: "1" }],
  ])("%s", (_, lines, points, expected, code, details) => {
    expect(refusalOf(() => quote(lines, variants, points, terms(expected)))).toMatchObject({ code, details });
  });
});

test("what is due and the points are together what the lines cost", () => {
  const priced = fc.record({
    price: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    quantity: fc.integer({ min: 1, max: 999 }),
  });
  fc.assert(
    fc.property(
      fc.array(priced, { minLength: 1, maxLength: 50 }),
      fc.bigInt({ min: 0n, max: 1000n }),
      (all, share) => {
        const found = new Map(
          all.map(({ price }, index) => [`${index}`, variant(`${index}`, price, { available: 999 })]),
        );
        const lines = all.map(({ quantity }, index) => line(`${index}`, quantity));
        const total = all.reduce((sum, { price, quantity }) => sum + price * BigInt(quantity), 0n);
        const used = (total * share) / 1000n;
        const { subtotal, amountDue, points } = quote(
          lines,
          found,
          { used, owned: used },
          terms(total - used, 0n),
        );
        expect(subtotal).toBe(total);
        expect(amountDue + points).toBe(total);
      },
    ),
  );
});
