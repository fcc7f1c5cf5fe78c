import { expect, test } from "@jest/globals";
import { figure, tableOf } from "./table.ts";

test("figures have as many digits as are worth reading", () => {
  expect([0, 0.126, 9.994, 10, 99.94, 100, 1234.5, -12.34].map(figure)).toEqual([
    "0.00",
    "0.13",
    "9.99",
    "10.0",
    "99.9",
    "100",
    "1,235",
    "-12.3",
  ]);
  expect(figure(Number.NaN)).toBe("–");
});

test("a table has its first column to the left, the others to the right, and no trailing spaces", () => {
  expect(
    tableOf(
      ["", "buyers", "ms"],
      [
        ["product", "1", 12.34],
        ["floor", "256", undefined],
        ["x", ""],
      ],
    ),
  ).toBe(["         buyers    ms", "product       1  12.3", "floor       256     –", "x"].join("\n"));
});
