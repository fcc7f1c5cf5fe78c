import { expect, test } from "@jest/globals";
import { readMemberConfig } from "./config.ts";

test("the member service has a port of its own, and otherwise what every service has", () => {
  const needed = { DATABASE_URL: "postgres://h/db", JWT_ISSUER: "i", JWT_KEYS: "/keys" };
  expect(readMemberConfig(needed)).toMatchObject({ rpc: { port: 7_003 }, log: { service: "member" } });
});

test("every fault is told at once", () => {
  for (const name of ["DATABASE_URL", "JWT_ISSUER", "JWT_KEYS"])
    expect(() => readMemberConfig({})).toThrow(`${name}: expected`);
});
