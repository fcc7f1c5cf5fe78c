import { describe, expect, test } from "@jest/globals";
import { kst, kstWithMilliseconds, parseKst } from "./timestamp.ts";

describe("Korean time", () => {
  const at = Date.UTC(2024, 1, 13, 3, 18, 14, 123);

  test("is written with its offset, in whole seconds", () => {
    expect(kst(at)).toBe("2024-02-13T12:18:14+09:00");
    expect(kst(at + 800)).toBe("2024-02-13T12:18:14+09:00");
    expect(kst(at + 900)).toBe("2024-02-13T12:18:15+09:00");
    expect(kstWithMilliseconds(at)).toBe("2024-02-13T12:18:14.123");
  });

  test.each([
    ["2024-02-13T12:18:14.123", at],
    ["2024-02-13T12:18:14", at - 123],
    ["2024-02-13", Date.UTC(2024, 1, 12, 15)],
    ["2024-02-13T12:18:14+09:00", undefined],
    ["2024-13-01", undefined],
    ["yesterday", undefined],
    ["", undefined],
  ])("%s is read as %s", (text, expected) => {
    expect(parseKst(text)).toBe(expected);
  });
});
