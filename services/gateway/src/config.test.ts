import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ConfigError } from "@quadrille/process/config";
import { makeCertificate } from "@quadrille/rpc/testing/certificate";
import { openFolder } from "@quadrille/rpc/testing/open";
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
    CORS_ORIGINS: "https://Shop.Example, http://localhost:3000,HTTPS://a.example:443",
    TRUSTED_PROXIES: "10.0.0.0/8,::1, fc00::/7",
  });
  expect(read.corsOrigins).toEqual(["https://shop.example", "http://localhost:3000", "https://a.example"]);
  expect(read.trustedProxies).toEqual(["10.0.0.0/8", "::1", "fc00::/7"]);
  for (const CORS_ORIGINS of [
    "*",
    "a.example",
    "https://a.example/",
    "https://a.example/path",
    "https://a.example,",
    "https://me@a.example",
    "https://a.example?x",
  ])
    expect(() => readGatewayConfig({ ...needed, CORS_ORIGINS })).toThrow("CORS_ORIGINS: expected origins");
  for (const TRUSTED_PROXIES of [
    "everyone",
    "10.0.0.0/8 ::1",
    "999.1.1.1",
    "10.0.0.0/64",
    "10.0.0.0/0",
    "::/129",
    "10.0.0",
    "::1,",
  ])
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

test("a certificate is shown to services whose authority is known, with its key", async () => {
  await using folder = await openFolder();
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const authority = makeCertificate("authority");
  const own = makeCertificate("gateway", authority);
  const caFile = await write("ca.pem", authority.certPem);
  const certFile = await write("own.pem", own.certPem);
  const keyFile = await write("own.key", own.keyPem);
  const tls = { NEIGHBOUR_CA_FILE: caFile, NEIGHBOUR_CERT_FILE: certFile, NEIGHBOUR_KEY_FILE: keyFile };
  const read = (changed: Partial<typeof tls>) => readGatewayConfig({ ...needed, ...tls, ...changed });
  expect(read({}).neighbours.tls).toEqual({ caFile, certFile, keyFile });
  expect(readGatewayConfig({ ...needed, NEIGHBOUR_CA_FILE: caFile }).neighbours.tls).toMatchObject({
    caFile,
  });
  expect(() => read({ NEIGHBOUR_KEY_FILE: "" })).toThrow("NEIGHBOUR_KEY_FILE");
  expect(() => read({ NEIGHBOUR_CA_FILE: "" })).toThrow("NEIGHBOUR_CA_FILE");
  for (const name of Object.keys(tls))
    for (const path of [
      "/no/such/file",
      folder.path,
      await write("empty", ""),
      await write("text", "hello"),
    ]) {
      expect(() => read({ [name]: path })).toThrow(ConfigError);
      expect(() => read({ [name]: path })).toThrow(`${name}: expected the path of a PEM`);
    }
  const stranger = await write("stranger.key", makeCertificate("stranger").keyPem);
  expect(() => read({ NEIGHBOUR_KEY_FILE: stranger })).toThrow("NEIGHBOUR_KEY_FILE: expected the key of");
});

const spans = Object.entries(settings).filter(([, { expected }]) => expected.startsWith("a time span"));

test.each(spans.map(([name]) => name))("%s is neither none nor more than a timer takes", (name) => {
  const wrong = name === "EVENT_LOOP_DELAY_MOST" ? ["25d", "600d"] : ["0s", "0ms", "25d", "600d"];
  for (const span of wrong)
    expect(() => readGatewayConfig({ ...needed, [name]: span })).toThrow(`${name}: expected a time span`);
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
