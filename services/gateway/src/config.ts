// The gateway's configuration.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { getHeapStatistics } from "node:v8";
import { ConfigError, freeze, readConfig } from "@quadrille/process/config";
import { levels } from "@quadrille/process/log";
import { duration, integer, oneOf, optional, port, setting, text, url } from "@quadrille/process/settings";

const most = (value: string, max: number, meaning: string) =>
  integer({ min: 1, max, default: value, meaning });
const perMinute = (value: string, meaning: string) =>
  integer({ min: 0, max: 10_000_000, default: value, meaning });
const list = (expected: string, read: (one: string) => string | undefined, meaning: string) =>
  optional(
    setting(
      `${expected}, with commas between`,
      (value) => {
        const all = value.split(",").map((one) => read(one.trim()));
        return all.every((one) => one !== undefined) ? all : undefined;
      },
      { meaning },
    ),
  );

/** As a browser names it: in small letters, without the scheme's usual port. It has no path, nor a slash at its end. */
const origin = (one: string) =>
  /^https?:\/\/[^/\\?#@]+$/i.test(one) && URL.canParse(one) ? new URL(one).origin : undefined;

function network(one: string): string | undefined {
  const [, address = "", prefix] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(one) ?? [];
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const wanted = Number(prefix ?? bits);
  return wanted >= 1 && wanted <= bits ? one : undefined;
}

/** The path of a PEM file, which `read` understands. */
const pemFile = (what: string, read: (pem: Buffer) => unknown, meaning: string) =>
  optional(
    setting(
      `the path of a PEM ${what} that can be read`,
      (path) => {
        try {
          read(readFileSync(path));
          return path;
        } catch {
          return undefined; // Whatever it is, it is told as the variable's fault.
        }
      },
      { meaning },
    ),
  );
const certificate = (pem: Buffer) => new X509Certificate(pem);

export const settings = {
  GATEWAY_HOST: text({ default: "127.0.0.1", meaning: "Address on which HTTP is served." }),
  GATEWAY_PORT: port({ default: "7000", meaning: "Port on which HTTP is served; 0 takes a free one." }),
  ORDER_ADDRESS: text({
    default: "127.0.0.1:7001",
    meaning: "Where the order service is: `host:port` or `dns:///name:port`.",
  }),
  PRODUCT_ADDRESS: text({ default: "127.0.0.1:7002", meaning: "Where the product service is." }),
  MEMBER_ADDRESS: text({ default: "127.0.0.1:7003", meaning: "Where the member service is." }),
  PAYMENT_ADDRESS: text({ default: "127.0.0.1:7004", meaning: "Where the payment service is." }),
  NEIGHBOUR_CA_FILE: pemFile(
    "certificate",
    certificate,
    "PEM authority of the services; with it they are called over TLS.",
  ),
  NEIGHBOUR_CERT_FILE: pemFile("certificate", certificate, "PEM certificate shown to the services."),
  NEIGHBOUR_KEY_FILE: pemFile("key", createPrivateKey, "PEM key of that certificate."),
  CALL_DEADLINE: duration({
    min: "100ms",
    max: "1m",
    default: "5s",
    meaning: "How long a service may take to answer.",
  }),
  PAYING_DEADLINE: duration({
    min: "100ms",
    max: "5m",

    default: "15s",
    meaning: "The same for a payment's confirmation; longer than the provider may take to answer.",
  }),
  JWT_ISSUER: text({ meaning: "Who signs the tokens that are accepted." }),
  JWT_AUDIENCE: text({ default: "quadrille", meaning: "For whom those tokens are made." }),
  JWT_KEYS: text({ meaning: "The public keys: path or http(s) URL of a JWKS." }),
  CORS_ORIGINS: list(
    "origins such as https://shop.example",
    origin,
    "Whose pages may call from a browser, besides our own.",
  ),
  TRUSTED_PROXIES: list("addresses or networks", network, "Proxies whose `X-Forwarded-For` is believed."),
  PAYMENT_WINDOW_URL: optional(url(["http", "https"], { meaning: "Where the page sends a buyer to pay." })),
  RATE_PER_ADDRESS: perMinute("3000", "Requests of one address in a minute; 0 for any number."),
  RATE_PER_CALLER: perMinute("600", "Requests of one caller in a minute; 0 for any number."),
  REQUESTS_MOST: most("1000", 1_000_000, "Requests at work at once; more are turned away with 503."),
  STREAMS_MOST: most("2000", 1_000_000, "Event streams open at once."),
  STREAMS_PER_MEMBER: most("20", 1_000_000, "Of those, streams of one member."),
  STREAM_HEARTBEAT: duration({
    min: "1s",
    max: "10m",

    default: "15s",
    meaning: "How often a stream without news says that it lives.",
  }),
  STREAM_GIVE_UP: duration({
    min: "1s",
    max: "1h",

    default: "30s",
    meaning: "How long the order service may be out of reach before a stream ends.",
  }),
  CONNECTIONS_MOST: most("10000", 1_000_000, "Connections open at once."),
  BODY_BYTES_MOST: most("65536", 16_777_216, "Bytes of a request's body."),
  HEADERS_TIMEOUT: duration({
    min: "100ms",
    max: "5m",

    default: "5s",
    meaning: "How long the headers of a request may take to arrive.",
  }),
  REQUEST_TIMEOUT: duration({
    min: "100ms",
    max: "5m",
    default: "15s",
    meaning: "How long a whole request may take to arrive.",
  }),
  KEEP_ALIVE: duration({
    min: "1s",
    max: "1h",

    default: "75s",
    meaning: "How long an idle connection is kept; longer than a proxy before us keeps it.",
  }),
  EVENT_LOOP_DELAY_MOST: duration({
    min: "0ms",
    max: "1m",

    default: "500ms",
    meaning: "How late the process may run before it turns requests away; 0ms for any.",
  }),
  HEAP_PERCENT_MOST: integer({
    min: 0,
    max: 100,
    default: "85",
    meaning: "How much of its heap may be used before it turns requests away; 0 for any.",
  }),
  LOG_LEVEL: oneOf(levels, { default: "info", meaning: "The least level that is logged." }),
};

export function readGatewayConfig(env: Readonly<Record<string, string | undefined>>) {
  const values = readConfig(settings, env);
  const { NEIGHBOUR_CA_FILE: caFile, NEIGHBOUR_CERT_FILE: certFile, NEIGHBOUR_KEY_FILE: keyFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError(["NEIGHBOUR_CERT_FILE and NEIGHBOUR_KEY_FILE: expected both or none"]);
  if (certFile !== undefined && caFile === undefined)
    throw new ConfigError(["NEIGHBOUR_CA_FILE: expected beside NEIGHBOUR_CERT_FILE; it is not set"]);
  if (certFile !== undefined && keyFile !== undefined && !belongTogether(certFile, keyFile))
    throw new ConfigError(["NEIGHBOUR_KEY_FILE: expected the key of NEIGHBOUR_CERT_FILE; it is another's"]);
  return freeze({
    log: { service: "gateway", level: values.LOG_LEVEL },
    auth: { issuer: values.JWT_ISSUER, audience: values.JWT_AUDIENCE, jwks: values.JWT_KEYS },
    http: { host: values.GATEWAY_HOST, port: values.GATEWAY_PORT },
    neighbours: {
      orders: values.ORDER_ADDRESS,
      products: values.PRODUCT_ADDRESS,
      members: values.MEMBER_ADDRESS,
      payments: values.PAYMENT_ADDRESS,
      deadlineMs: values.CALL_DEADLINE,
      payingDeadlineMs: values.PAYING_DEADLINE,
      tls: caFile === undefined ? undefined : { caFile, certFile, keyFile },
    },
    corsOrigins: values.CORS_ORIGINS ?? [],
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    paymentWindowUrl: values.PAYMENT_WINDOW_URL,
    events: {
      streamsMost: values.STREAMS_MOST,
      streamsPerMemberMost: values.STREAMS_PER_MEMBER,
      heartbeatMs: values.STREAM_HEARTBEAT,
      giveUpMs: values.STREAM_GIVE_UP,
    },
    limits: {
      perAddressMinute: values.RATE_PER_ADDRESS,
      perCallerMinute: values.RATE_PER_CALLER,
      requestsMost: values.REQUESTS_MOST,
      connectionsMost: values.CONNECTIONS_MOST,
      bodyBytesMost: values.BODY_BYTES_MOST,
      headersMs: values.HEADERS_TIMEOUT,
      requestMs: values.REQUEST_TIMEOUT,
      keepAliveMs: values.KEEP_ALIVE,
      eventLoopDelayMsMost: values.EVENT_LOOP_DELAY_MOST,
      heapBytesMost: Math.floor((getHeapStatistics().heap_size_limit * values.HEAP_PERCENT_MOST) / 100),
    },
  });
}

function belongTogether(certFile: string, keyFile: string): boolean {
  return certificate(readFileSync(certFile)).checkPrivateKey(createPrivateKey(readFileSync(keyFile)));
}
