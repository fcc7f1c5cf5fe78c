import { expect, test } from "@jest/globals";
import { openHealth } from "./health.ts";

test("ready is when every part is, and the report says which is not", () => {
  let database = false;
  const health = openHealth({ database: () => database, config: () => true });
  expect(health.isReady()).toBe(false);
  expect(health.report()).toEqual({ ready: false, parts: { database: false, config: true } });
  database = true;
  expect(health.isReady()).toBe(true);
  expect(health.report()).toEqual({ ready: true, parts: { database: true, config: true } });
});

test("a part that throws is not ready", () => {
  const health = openHealth({
    database: () => {
      throw new Error("x");
    },
  });
  expect(health.isReady()).toBe(false);
  expect(health.report()).toEqual({ ready: false, parts: { database: false } });
});

test("without parts there is nothing to wait for", () => {
  expect(openHealth({}).isReady()).toBe(true);
});
