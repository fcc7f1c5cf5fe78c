// The docs say what the code says.
import { expect, test } from "@jest/globals";
import { events } from "@quadrille/contracts/events";
import { refusals } from "@quadrille/contracts/refusals";
import { drifted, pages } from "../docs.ts";
import { withSettingTables } from "./readme.ts";

test("no page has drifted: `npm run docs` writes them anew", () => {
  expect(drifted()).toEqual([]);
});

test("every fact and every refusal has its line", () => {
  for (const { type, messageName, meaning } of Object.values(events)) {
    for (const said of [type, messageName, meaning]) expect(pages["docs/events.md"]?.()).toContain(said);
  }
  for (const [code, { sentence }] of Object.entries(refusals)) {
    for (const said of [code, sentence]) expect(pages["docs/errors.md"]?.()).toContain(said);
  }
});

test("what is final has no way out in the pictures", () => {
  const order = pages["docs/saga.md"]?.().split("## An order")[1]?.split("## A hold of stock")[0] ?? "";
  expect(order).toContain("[*] --> pending: placed");
  expect(order).toContain("confirmed --> cancelled");
  expect(order).not.toContain("cancelled -->");
});

test("a setting the README leaves out, and a README without a place for it, are noticed", () => {
  const readme = pages["README.md"]?.() ?? "";
  expect(withSettingTables(readme.replace(/^\| `RPC_PORT`.*\n/m, ""))).toBe(readme);
  expect(() => withSettingTables("")).toThrow("no place for the settings");
});
