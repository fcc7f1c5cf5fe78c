import { expect, test } from "@jest/globals";
import { readGatewayConfig, settings } from "./config.ts";

const needed = { JWT_ISSUER: "i", JWT_KEYS: "/keys" };

test("the usual values fit together", () => {
  const { http, limits, neighbours, corsOrigins, trustedProxies, events } = readGatewayConfig(needed);
  expect(http).toEqual({ host: "127.0.0.1", port: 7_000 });
  expect(neighbours).toMatchObject({
    orders: "127.0.0.1:7001",
    payments: "127.0.0.1:7004",
    deadlineMs: 5_000,
    payingDeadlineMs: 15_000,
  });
  expect(neighbours.tls).toBeUndefined();
  expect([corsOrigins, trustedProxies]).toEqual([[], []]);
  expect(limits.headersMs).toBeLessThanOrEqual(limits.requestMs);
  expect(limits.heapBytesMost).toBeGreaterThan(100 * 1024 * 1024);
  // A buyer's requests, and a stream for each of their orders.
  expect(limits.perCallerMinute).toBeLessThan(limits.perAddressMinute);
  expect(events.streamsPerMemberMost).toBeLessThan(events.streamsMost);
  expect(events.streamsMost).toBeLessThan(limits.connectionsMost);
});

test("lists are read, and what is none is told", () => {
  const read = readGatewayConfig({
    ...needed,
    CORS_ORIGINS: "https://a.example, http://localhost:3000",
    TRUSTED_PROXIES: "10.0.0.0/8,::1",
  });
  expect(read.corsOrigins).toEqual(["https://a.example", "http://localhost:3000"]);
  expect(read.trustedProxies).toEqual(["10.0.0.0/8", "::1"]);
  for (const CORS_ORIGINS of [
    "*",
    "a.example",
    "https://a.example/",
    "https://a.example/path",
    "https://a.example,",
  ])
    expect(() => readGatewayConfig({ ...needed, CORS_ORIGINS })).toThrow("CORS_ORIGINS: expected origins");
  for (const TRUSTED_PROXIES of ["everyone", "10.0.0.0/8 ::1"])
    expect(() => readGatewayConfig({ ...needed, TRUSTED_PROXIES })).toThrow("TRUSTED_PROXIES: expected");
});

test("every fault is told at once", () => {
  const wrong = {
    CALL_DEADLINE: "soon",
    RATE_PER_ADDRESS: "-1",
    BODY_BYTES_MOST: "0",
    HEAP_PERCENT_MOST: "101",
  };
  for (const name of [...Object.keys(wrong), "JWT_ISSUER", "JWT_KEYS"])
    expect(() => readGatewayConfig(wrong)).toThrow(`${name}: expected`);
});

test("a certificate is shown to services whose authority is known, with its key", () => {
  const tls = { NEIGHBOUR_CA_FILE: "ca", NEIGHBOUR_CERT_FILE: "cert", NEIGHBOUR_KEY_FILE: "key" };
  expect(readGatewayConfig({ ...needed, ...tls }).neighbours.tls).toEqual({
    caFile: "ca",
    certFile: "cert",
    keyFile: "key",
  });
  expect(readGatewayConfig({ ...needed, NEIGHBOUR_CA_FILE: "ca" }).neighbours.tls).toMatchObject({
    caFile: "ca",
  });
  expect(() => readGatewayConfig({ ...needed, ...tls, NEIGHBOUR_KEY_FILE: "" })).toThrow(
    "NEIGHBOUR_KEY_FILE",
  );
  expect(() => readGatewayConfig({ ...needed, ...tls, NEIGHBOUR_CA_FILE: "" })).toThrow("NEIGHBOUR_CA_FILE");
});

test("limits that mean none are none", () => {
  const off = {
    RATE_PER_ADDRESS: "0",
    RATE_PER_CALLER: "0",
    HEAP_PERCENT_MOST: "0",
    EVENT_LOOP_DELAY_MOST: "0ms",
  };
  expect(readGatewayConfig({ ...needed, ...off }).limits).toMatchObject({
    perAddressMinute: 0,
    perCallerMinute: 0,
    heapBytesMost: 0,
    eventLoopDelayMsMost: 0,
  });
  expect(Object.keys(settings)).toEqual(expect.arrayContaining(Object.keys(off)));
});
