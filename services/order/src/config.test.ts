import { expect, test } from "@jest/globals";
import { readOrderConfig } from "./config.ts";

const needed = {
  DATABASE_URL: "postgres://h/db",
  JWT_ISSUER: "i",
  JWT_KEYS: "/keys",
  SERVICE_TOKEN_FILE: "/token",
};

test("the usual times are those of an order's policy, in whole seconds", () => {
  const { policy, own, rpc } = readOrderConfig(needed);
  expect(policy).toEqual({
    pendingSeconds: 60,
    payWithinSeconds: 600,
    unknownSeconds: 3_600,
    slackSeconds: 86_400,
  });
  expect(own).toMatchObject({
    CURRENCY: "KRW",
    MINIMUM_CHARGE: 100,
    LOOK_UP_TIMEOUT: 800,
    BACKLOG_MOST: 50_000,
  });
  expect(rpc.port).toBe(7_001);
  expect(Object.isFrozen(policy)).toBe(true);
});

test("a part of a second is rounded up, so that no time is shorter than it was set", () => {
  expect(readOrderConfig({ ...needed, PENDING_DEADLINE: "1001ms" }).policy.pendingSeconds).toBe(2);
});

test("every fault is told at once", () => {
  const wrong = { PENDING_DEADLINE: "soon", PAY_WINDOW: "-1s", BACKLOG_MOST: "0" };
  const names = ["SERVICE_TOKEN_FILE", ...Object.keys(wrong), "DATABASE_URL", "JWT_ISSUER", "JWT_KEYS"];
  for (const name of names) expect(() => readOrderConfig(wrong)).toThrow(`${name}: expected`);
});

test("neighbours are called over TLS when their authority is known, and shown our own certificate if we have one", () => {
  expect(readOrderConfig(needed).lookUpTls).toBeUndefined();
  expect(readOrderConfig({ ...needed, LOOK_UP_CA_FILE: "ca" }).lookUpTls).toMatchObject({ caFile: "ca" });
  const own = { RPC_TLS_CERT_FILE: "cert", RPC_TLS_KEY_FILE: "key" };
  expect(readOrderConfig({ ...needed, ...own, LOOK_UP_CA_FILE: "ca" }).lookUpTls).toEqual({
    caFile: "ca",
    certFile: "cert",
    keyFile: "key",
  });
});
