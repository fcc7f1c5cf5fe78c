import { expect, test } from "@jest/globals";
import { readProductConfig } from "./config.ts";

test("the product service has a currency and a port of its own", () => {
  const needed = { DATABASE_URL: "postgres://h/db", JWT_ISSUER: "i", JWT_KEYS: "/keys" };
  expect(readProductConfig(needed)).toMatchObject({ own: { CURRENCY: "KRW" }, rpc: { port: 7_002 } });
  expect(readProductConfig({ ...needed, CURRENCY: "JPY" }).own.CURRENCY).toBe("JPY");
});

test("every fault is told at once", () => {
  for (const name of ["DATABASE_URL", "JWT_ISSUER", "JWT_KEYS"])
    expect(() => readProductConfig({})).toThrow(`${name}: expected`);
});
