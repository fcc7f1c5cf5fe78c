import { describe, expect, test } from "@jest/globals";
import { ConfigError, freeze, readConfig, settingRows, settingTable } from "./config.ts";
import { duration, optional, port, secret, setting, text, url } from "./settings.ts";

const settings = {
  RPC_PORT: port({ default: "7001", meaning: "Where gRPC is served." }),
  DATABASE_URL: secret(url(["postgres"], { meaning: "The service's own database." })),
  SWEEP: duration({ default: "5s", meaning: "How often to sweep." }),
  TOSS_SECRET: secret(text({ default: "test_sk", meaning: "The provider's key." })),
  REFLECTION: optional(text({ meaning: "A descriptor set." })),
};

describe("readConfig", () => {
  test("reads what is set and fills in the rest", () => {
    expect(readConfig(settings, { DATABASE_URL: "postgres://h/db", SWEEP: "1m", UNRELATED: "x" })).toEqual({
      RPC_PORT: 7_001,
      DATABASE_URL: "postgres://h/db",
      SWEEP: 60_000,
      TOSS_SECRET: "test_sk",
    });
  });

  test("tells every fault at once, and no value", () => {
    const env = { RPC_PORT: "hunter2", DATABASE_URL: "http://hunter2@h", SWEEP: "", TOSS_SECRET: "hunter2" };
    const fault = (() => {
      try {
        return readConfig(settings, env);
      } catch (error) {
        return error as ConfigError;
      }
    })() as ConfigError;
    expect(fault).toBeInstanceOf(ConfigError);
    expect(fault.faults).toEqual([
      "RPC_PORT: expected a port from 0 to 65535; it is something else",
      "DATABASE_URL: expected a URL that starts with postgres://; it is something else",
    ]);
    expect(fault.message).toBe(`the configuration does not fit:\n  ${fault.faults.join("\n  ")}`);
    expect(`${fault.stack}`).not.toContain("hunter2");
  });

  test("says what is missing", () => {
    expect(() => readConfig(settings, {})).toThrow(
      "DATABASE_URL: expected a URL that starts with postgres://; it is not set",
    );
  });

  test("is frozen all the way down", () => {
    const list = setting("a list", (value) => ({ words: value.split(",") }), { meaning: "Words." });
    const config = readConfig({ LIST: list }, { LIST: "a,b" });
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => config.LIST.words.push("c")).toThrow(TypeError);
    expect(config.LIST.words).toEqual(["a", "b"]);
  });

  test("freezing takes anything", () => {
    expect(freeze(null)).toBeNull();
    expect(freeze(7)).toBe(7);
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(Object.isFrozen(freeze(loop))).toBe(true);
  });
});

describe("the table of variables", () => {
  test("has a row for each, and shows no secret", () => {
    expect(settingRows(settings).map((row) => [row.name, row.default])).toEqual([
      ["RPC_PORT", "`7001`"],
      ["DATABASE_URL", "required"],
      ["SWEEP", "`5s`"],
      ["TOSS_SECRET", "a development value"],
      ["REFLECTION", "none"],
    ]);
    const table = settingTable(settings);
    expect(table.split("\n").slice(0, 3)).toEqual([
      "| Variable | Default | Meaning |",
      "|---|---|---|",
      "| `RPC_PORT` | `7001` | Where gRPC is served. |",
    ]);
    expect(table).not.toContain("test_sk");
  });
});
