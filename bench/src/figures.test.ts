import { describe, expect, test } from "@jest/globals";
import { difference, figuresOf, median, percentile } from "./figures.ts";

describe("percentiles", () => {
  test("are values that occurred, by their rank", () => {
    const values = [5, 1, 4, 2, 3];
    expect(percentile(values, 0)).toBe(1);
    expect(percentile(values, 0.2)).toBe(1);
    expect(percentile(values, 0.21)).toBe(2);
    expect(percentile(values, 0.9)).toBe(5);
    expect(percentile(values, 1)).toBe(5);
    expect(median(values)).toBe(3);
  });

  test("order numbers as numbers and leave the list alone", () => {
    const values = [100, 9, 20];
    expect(percentile(values, 1)).toBe(100);
    expect(values).toEqual([100, 9, 20]);
  });

  test("are not a number when nothing happened", () => expect(percentile([], 0.5)).toBeNaN());
});

test("figures are per second and per thousand checkouts", () => {
  const latencies = Array.from({ length: 200 }, (_, index) => index + 1);
  const figures = figuresOf({ count: 200, seconds: 10, latencies, repeats: 0 }, new Map([["order", 3]]));
  expect(figures).toMatchObject({ perSecond: 20, p50: 100, p90: 180, p99: 198 });
  expect(figures.cpu.get("order")).toBe(15);
});

test("a process that came later began at zero", () => {
  const used = difference(
    new Map([["order", 2]]),
    new Map([
      ["order", 5],
      ["payment", 4],
    ]),
  );
  expect([...used]).toEqual([
    ["order", 3],
    ["payment", 4],
  ]);
});
