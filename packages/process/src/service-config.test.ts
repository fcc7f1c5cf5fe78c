import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "./config.ts";
import { readServiceConfig, serviceSettings } from "./service-config.ts";
import { duration, text } from "./settings.ts";

const own = {
  PATIENCE: duration({ default: "2s", meaning: "How long to wait." }),
  GREETING: text({ meaning: "What to say." }),
};
const needed = {
  DATABASE_URL: "postgres://u:hunter2@h/db",
  JWT_ISSUER: "i",
  JWT_KEYS: "/keys",
  GREETING: "hi",
};
const read = (env: NodeJS.ProcessEnv) => readServiceConfig("order", 7001, own, env);

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(`${(error as Error).stack}`).not.toContain("hunter2");
    return (error as ConfigError).faults.map((fault) => fault.split(":")[0] as string);
  }
}

describe("a service's configuration", () => {
  test("is grouped by the part that takes it, with defaults for whatever is not set", () => {
    expect(read(needed)).toEqual({
      own: expect.objectContaining({ PATIENCE: 2_000, GREETING: "hi" }),
      log: { service: "order", level: "info" },
      database: { url: needed.DATABASE_URL, poolMost: 8, name: "order" },
      most: 256,
      bus: {
        servers: ["nats://127.0.0.1:4222"],
        name: "order",
        user: undefined,
        pass: undefined,
        replicas: 1,
      },
      deliverTwice: false,
      sweepMs: 5_000,
      auth: { issuer: "i", audience: "quadrille", jwks: "/keys" },
      rpc: { host: "127.0.0.1", port: 7_001, reflection: undefined, tls: undefined },
    });
  });

  test("takes what is set", () => {
    const config = read({
      ...needed,
      RPC_HOST: "0.0.0.0",
      RPC_PORT: "0",
      RPC_TLS_CERT_FILE: "c",
      RPC_TLS_KEY_FILE: "k",
      RPC_TLS_CLIENT_CA_FILE: "a",
      RPC_REFLECTION_FILE: "d",
      DATABASE_POOL: "2",
      NATS_URL: "tls://n",
      NATS_USER: "u",
      NATS_PASSWORD: "p",
      NATS_REPLICAS: "3",
      JWT_AUDIENCE: "me",
      GROUP_MOST: "1",
      RELAY_SWEEP: "1s",
      DELIVER_TWICE: "true",
      LOG_LEVEL: "debug",
    });
    expect(config.rpc).toEqual({
      host: "0.0.0.0",
      port: 0,
      reflection: "d",
      tls: { certFile: "c", keyFile: "k", clientCaFile: "a" },
    });
    expect(config.bus).toMatchObject({ servers: ["tls://n"], user: "u", pass: "p", replicas: 3 });
    expect(config).toMatchObject({
      deliverTwice: true,
      most: 1,
      sweepMs: 1_000,
      auth: { audience: "me" },
      log: { level: "debug" },
      database: { poolMost: 2 },
    });
  });

  test("is frozen all the way down", () => {
    const config = read(needed);
    expect([config, config.bus, config.bus.servers, config.rpc].every(Object.isFrozen)).toBe(true);
  });

  test("tells every fault at once, its own and everyone's", () => {
    const wrong = {
      DATABASE_URL: "mysql://hunter2@h",
      DATABASE_POOL: "1",
      GROUP_MOST: "1001",
      PATIENCE: "hunter2",
      NATS_USER: "hunter2",
    };
    expect(faultsOf(wrong).toSorted()).toEqual([
      "DATABASE_POOL",
      "DATABASE_URL",
      "GREETING",
      "GROUP_MOST",
      "JWT_ISSUER",
      "JWT_KEYS",
      "NATS_PASSWORD",
      "PATIENCE",
    ]);
  });

  // A certificate without its key would be served as if neither were there: in the clear.
  test.each([
    [["RPC_TLS_CERT_FILE"], ["RPC_TLS_KEY_FILE"]],
    [["RPC_TLS_KEY_FILE"], ["RPC_TLS_CERT_FILE"]],
    [["RPC_TLS_CLIENT_CA_FILE"], ["RPC_TLS_CERT_FILE"]],
    [["RPC_TLS_CLIENT_CA_FILE", "RPC_TLS_CERT_FILE"], ["RPC_TLS_KEY_FILE"]],
    [["NATS_USER"], ["NATS_PASSWORD"]],
    [["NATS_PASSWORD"], ["NATS_USER"]],
    [["RPC_TLS_CERT_FILE", "RPC_TLS_KEY_FILE"], []],
    [["NATS_PASSWORD", "NATS_USER"], []],
  ])("with %j lacks %j", (given, missing) => {
    const env = Object.fromEntries(given.map((name) => [name, "x"]));
    expect(faultsOf({ ...needed, ...env })).toEqual(missing);
    expect(faultsOf({ ...needed, ...env, ...Object.fromEntries(missing.map((name) => [name, ""])) })).toEqual(
      missing,
    );
  });

  test.each([
    ["DATABASE_POOL", ["2", "100"], ["1", "101"]],
    ["NATS_REPLICAS", ["1", "5"], ["0", "6"]],
    ["GROUP_MOST", ["1", "1000"], ["0", "1001"]],
    ["RPC_PORT", ["0", "65535"], ["-1", "65536"]],
  ])("draws the bounds of %s where it says", (name, inside, outside) => {
    for (const value of inside) expect(faultsOf({ ...needed, [name]: value })).toEqual([]);
    for (const value of outside) expect(faultsOf({ ...needed, [name]: value })).toEqual([name]);
  });

  test("differs between services in its port alone", () => {
    const { RPC_PORT: one, ...rest } = serviceSettings(7001);
    const { RPC_PORT: other, ...same } = serviceSettings(7002);
    expect([one.default, other.default]).toEqual(["7001", "7002"]);
    expect(JSON.stringify(rest)).toBe(JSON.stringify(same));
  });
});
