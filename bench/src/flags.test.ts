import { describe, expect, test } from "@jest/globals";
import { readFlags } from "./flags.ts";

describe("flags", () => {
  test("measure four levels of product and floor unless told otherwise", () => {
    expect(readFlags([])).toMatchObject({ levels: [1, 16, 64, 256], seconds: 12, only: undefined });
  });

  test("are taken", () => {
    expect(
      readFlags(["--levels", "1,8", "--seconds", "0.5", "--warm-up", "2", "--only", "floor"]),
    ).toMatchObject({ levels: [1, 8], seconds: 0.5, warmUpSeconds: 2, only: "floor" });
  });

  test("smoke is short, and still takes what is said besides", () => {
    expect(readFlags(["--smoke"])).toMatchObject({ levels: [4], seconds: 2 });
    expect(readFlags(["--smoke", "--levels", "2"])).toMatchObject({ levels: [2], seconds: 2 });
  });

  test.each([
    [["--levels", "0"], "--levels"],
    [["--levels", "1,x"], "--levels"],
    [["--levels", "1001"], "--levels"],
    [["--seconds", "-1"], "--seconds"],
    [["--warm-up", "long"], "--warm-up"],
    [["--only", "half"], "--only"],
    [["--fast"], "--fast"],
  ])("%j is refused by name", (args, name) => expect(() => readFlags(args)).toThrow(name));
});
