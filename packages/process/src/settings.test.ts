import { describe, expect, test } from "@jest/globals";
import { readConfig } from "./config.ts";
import {
  duration,
  flag,
  integer,
  oneOf,
  optional,
  port,
  type Setting,
  secret,
  setting,
  text,
  url,
} from "./settings.ts";

const meaning = "A test.";

function read<T>(one: Setting<T>, value: string | undefined): T | "refused" {
  try {
    return readConfig({ ONE: one }, { ONE: value }).ONE as T;
  } catch {
    return "refused";
  }
}

describe("each kind of value takes what it should and refuses the rest", () => {
  test.each<[string, Setting<unknown>, Record<string, unknown>]>([
    ["text", text({ meaning }), { hello: "hello" }],
    ["port", port({ meaning }), { 0: 0, 65535: 65_535, 65536: "refused", "-1": "refused", "80a": "refused" }],
    [
      "integer",
      integer({ meaning, min: -2, max: 3 }),
      { "-2": -2, 3: 3, 4: "refused", "-3": "refused", "1.5": "refused", "1e1": "refused", " 1": "refused" },
    ],
    [
      "duration",
      duration({ meaning }),
      {
        "250ms": 250,
        "5s": 5_000,
        "10m": 600_000,
        "1h": 3_600_000,
        "7d": 604_800_000,
        "5": "refused",
        "-5s": "refused",
        "1.5s": "refused",
        "5 s": "refused",
      },
    ],
    [
      "duration within bounds",
      duration({ meaning, min: "1s", max: "1h" }),
      { "1000ms": 1_000, "60m": 3_600_000, "999ms": "refused", "0s": "refused", "3601s": "refused" },
    ],
    ["duration of no measure", duration({ meaning }), { [`${"9".repeat(30)}d`]: "refused", "0s": 0 }],
    ["flag", flag({ meaning }), { true: true, TRUE: true, 1: true, false: false, 0: false, yes: "refused" }],
    ["oneOf", oneOf(["info", "debug"], { meaning }), { info: "info", trace: "refused" }],
    [
      "url",
      url(["postgres", "postgresql"], { meaning }),
      {
        "postgres://u:p@h:5432/db": "postgres://u:p@h:5432/db",
        "postgresql://h/db": "postgresql://h/db",
        "http://h": "refused",
        "postgres://[": "refused",
        h: "refused",
      },
    ],
    [
      "setting",
      setting("a letter", (value) => (value.length === 1 ? value : undefined), { meaning }),
      { a: "a", ab: "refused" },
    ],
  ])("%s", (_name, one, cases) => {
    for (const [value, expected] of Object.entries(cases))
      expect([value, read(one, value)]).toEqual([value, expected]);
    expect(read(one, undefined)).toBe("refused");
    expect(read(optional(one), undefined)).toBeUndefined();
  });

  test("a default stands in, read by the same rule", () => {
    expect(read(duration({ meaning, default: "5s" }), undefined)).toBe(5_000);
    expect(read(duration({ meaning, default: "5s" }), "1s")).toBe(1_000);
    expect(read(port({ meaning, default: "7001" }), "")).toBe(7_001);
  });

  test("the types are those of the values", () => {
    const { AT, LEVEL, NAME } = readConfig(
      {
        AT: port({ meaning }),
        LEVEL: oneOf(["info", "warn"], { meaning }),
        NAME: optional(secret(text({ meaning }))),
      },
      { AT: "1", LEVEL: "warn" },
    );
    const at: number = AT;
    const level: "info" | "warn" = LEVEL;
    const name: string | undefined = NAME;
    // @ts-expect-error a name may be missing
    const always: string = NAME;
    expect([at, level, name, always]).toEqual([1, "warn", undefined, undefined]);
  });
});
