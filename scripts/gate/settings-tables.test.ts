// The README's tables of settings are those of the code.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { withSettingTables } from "./settings-tables.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

test("the README lists every setting with its default; `npm run docs` writes them", () => {
  expect(readme).toBe(withSettingTables(readme));
});

test("a setting that is missing would be noticed", () => {
  expect(withSettingTables(readme.replace(/^\| `RPC_PORT`.*\n/m, ""))).toBe(readme);
});

test("a README without a place for them is a fault", () => {
  expect(() => withSettingTables("")).toThrow("service");
});
