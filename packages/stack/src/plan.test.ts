import { existsSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { services } from "@quadrille/contracts/events";
import type { DevKeys } from "@quadrille/rpc/devkeys";
import {
  addressOf,
  demoSettings,
  planGateway,
  planProvider,
  planServices,
  type Surroundings,
} from "./plan.ts";

const around: Surroundings = {
  ports: {
    services: { order: [11, 21], product: [12], member: [13], payment: [14, 24] },
    gateway: [10, 20],
    provider: 15,
    nats: undefined,
    postgres: undefined,
  },
  databases: { order: "db-order", product: "db-product", member: "db-member", payment: "db-payment" },
  natsUrl: "nats://n",
  keys: { auth: { issuer: "i", audience: "a", jwks: "j" }, jwksFile: "/keys" } as DevKeys,
  tokenFile: "/token",
  providerDir: "/provider",
  env: { LOG_LEVEL: "warn", DATABASE_POOL: undefined },
};

describe("the plan", () => {
  const planned = planServices(around);
  const gateways = planGateway(around);
  const everything = [...planned, ...gateways, planProvider(around)];

  test("has a process for every replica, each with a name and a port of its own", () => {
    expect(planned.map(({ name, env }) => [name, env.RPC_PORT])).toEqual([
      ["order", "11"],
      ["order-2", "21"],
      ["product", "12"],
      ["member", "13"],
      ["payment", "14"],
      ["payment-2", "24"],
    ]);
  });

  test("names files that are there", () => {
    for (const { entry, env } of everything) {
      expect(existsSync(entry)).toBe(true);
      if (env.RPC_REFLECTION_FILE !== undefined) expect(existsSync(env.RPC_REFLECTION_FILE)).toBe(true);
    }
  });

  test("gives replicas one database, and every service its own", () => {
    for (const { name, env } of planned) expect(env.DATABASE_URL).toBe(`db-${name.split("-")[0]}`);
    expect(new Set(planned.map(({ env }) => env.DATABASE_URL)).size).toBe(services.length);
  });

  test("lets payment talk to the provider with the secret that it knows", () => {
    const provider = planProvider(around).env;
    const payment = planned.find(({ name }) => name === "payment")?.env;
    expect(payment?.TOSS_URL).toBe(`http://127.0.0.1:${provider.PORT}`);
    expect(payment?.TOSS_SECRET_KEY).toBe(provider.SECRET_KEY);
  });

  test("lets the gateway reach every replica of every service, and send buyers to the provider's window", () => {
    expect(gateways.map(({ name, env }) => [name, env.GATEWAY_PORT])).toEqual([
      ["gateway", "10"],
      ["gateway-2", "20"],
    ]);
    for (const { env } of gateways)
      expect(env).toMatchObject({
        ORDER_ADDRESS: "ipv4:127.0.0.1:11,127.0.0.1:21",
        PRODUCT_ADDRESS: "ipv4:127.0.0.1:12",
        MEMBER_ADDRESS: "ipv4:127.0.0.1:13",
        PAYMENT_ADDRESS: "ipv4:127.0.0.1:14,127.0.0.1:24",
        PAYMENT_WINDOW_URL: "http://127.0.0.1:15/window",
      });
  });

  test("lets the gateway take the same tokens as the services behind it", () => {
    const taken = { JWT_ISSUER: "i", JWT_AUDIENCE: "a", JWT_KEYS: "/keys" };
    for (const { env } of [...planned, ...gateways]) expect(env).toMatchObject(taken);
  });

  test("is overridden by what the environment adds, which may take a variable away too", () => {
    for (const { env } of everything) {
      expect(env.LOG_LEVEL).toBe("warn");
      expect("DATABASE_POOL" in env && env.DATABASE_POOL === undefined).toBe(true);
    }
  });

  test("lets neighbours reach every replica in turn", () => {
    expect(addressOf("payment", around.ports)).toBe("ipv4:127.0.0.1:14,127.0.0.1:24");
    const order = planned.find(({ name }) => name === "order-2")?.env;
    expect(order).toMatchObject({
      PRODUCT_ADDRESS: "ipv4:127.0.0.1:12",
      MEMBER_ADDRESS: "ipv4:127.0.0.1:13",
      SERVICE_TOKEN_FILE: "/token",
    });
  });
});

test("the settings of a demonstration give way to what the person who starts it says", () => {
  expect(demoSettings({ LOG_LEVEL: "warn" })).toEqual({ TOSS_TIMEOUT: "3s" });
  expect(demoSettings({ TOSS_TIMEOUT: "9s" })).toEqual({ TOSS_TIMEOUT: "9s" });
});
