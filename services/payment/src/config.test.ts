import { expect, test } from "@jest/globals";
import { readPaymentConfig, settings } from "./config.ts";

const needed = {
  DATABASE_URL: "postgres://h/db",
  JWT_ISSUER: "i",
  JWT_KEYS: "/keys",
  TOSS_URL: "https://provider",
  TOSS_SECRET_KEY: "test_sk_hunter2",
};

test("the payment service has its provider, and a port of its own", () => {
  const { own, rpc } = readPaymentConfig(needed);
  expect(own).toMatchObject({ TOSS_URL: "https://provider", TOSS_TIMEOUT: 10_000, TOSS_CONNECTIONS: 512 });
  expect(rpc.port).toBe(7_004);
  expect(settings.TOSS_SECRET_KEY.secret).toBe(true);
});

test.each([
  ["1", true],
  ["1000", true],
  ["0", false],
  ["1001", false],
])("%s connections to the provider: %p", (value, isRight) => {
  const read = () => readPaymentConfig({ ...needed, TOSS_CONNECTIONS: value });
  if (isRight) expect(read().own.TOSS_CONNECTIONS).toBe(Number(value));
  else expect(read).toThrow("TOSS_CONNECTIONS: expected");
});

test("every fault is told at once, and no secret", () => {
  const wrong = { TOSS_URL: "ftp://hunter2", TOSS_TIMEOUT: "hunter2", TOSS_SECRET_KEY: "" };
  for (const name of [...Object.keys(wrong), "DATABASE_URL", "JWT_ISSUER", "JWT_KEYS"])
    expect(() => readPaymentConfig(wrong)).toThrow(`${name}: expected`);
  expect(() => readPaymentConfig(wrong)).not.toThrow("hunter2");
});
