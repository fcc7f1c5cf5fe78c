// Bytes that are no HTTP/1.1, or two requests that look like one, as whoever probes a server sends them.
import fc, { type Arbitrary } from "fast-check";
import type { Tokens } from "./hostile-requests.ts";

const end = "\r\n\r\n";

/** What to send on a connection of its own. */
export function malformed({ byRole }: Tokens): Arbitrary<Buffer> {
  const token = `Authorization: Bearer ${byRole.member}`;
  const known = [...requestLines(), ...headLines(token), ...framings(token)];
  const asBytes = fc.constantFrom(...known).map((text) => Buffer.from(text, "latin1"));
  return fc.oneof(
    { weight: 6, arbitrary: asBytes },
    {
      weight: 2,
      arbitrary: fc.tuple(asBytes, fc.nat({ max: 400 })).map(([bytes, at]) => bytes.subarray(0, at)),
    },
    { weight: 2, arbitrary: fc.tuple(asBytes, fc.nat({ max: 400 }), fc.nat({ max: 255 })).map(changedAt) },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    },
  );
}

function changedAt([bytes, at, by]: readonly [Buffer, number, number]): Buffer {
  const changed = Buffer.from(bytes);
  changed[at % bytes.length] = by;
  return changed;
}

function requestLines(): readonly string[] {
  const host = `\r\nHost: 127.0.0.1\r\nConnection: close${end}`;
  return [
    ...[
      "GET /v1/me",
      "GET",
      "GET  HTTP/1.1",
      "GET /v1/me HTTP/0.9",
      "GET /v1/me HTTP/3.0",
      "GET /v1/me HTTP/1.1 x",
    ],
    ...[
      "GET /v1/me\tHTTP/1.1",
      "get /v1/me HTTP/1.1",
      "G\0T /v1/me HTTP/1.1",
      "GET /v1/\0me HTTP/1.1",
      "GET v1/me HTTP/1.1",
    ],
    ...[
      "CONNECT evil.example:443 HTTP/1.1",
      "GET http://[::1 HTTP/1.1",
      "GET //evil.example/%2e%2e HTTP/1.1",
      "* * *",
    ],
    ...["PRI * HTTP/2.0", "OPTIONS * HTTP/1.1", "GET /v1/me HTTP/1.0", `GET /${"a".repeat(20_000)} HTTP/1.1`],
  ]
    .map((line) => `${line}${host}`)
    .concat([
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "\r\n\r\n\r\n",
      "\n",
      "\0\0\0\0",
      "SSH-2.0-x\r\n",
      `GET / HTTP/1.1\n\n`,
    ]);
}

function headLines(token: string): readonly string[] {
  const get = (...lines: readonly string[]) =>
    `${["GET /v1/products HTTP/1.1", ...lines].join("\r\n")}${end}`;
  const host = "Host: 127.0.0.1";
  return [
    get(token),
    get(host, host, token),
    get(host, token, token),
    get(host, "Authorization : Bearer x"),
    get(host, "Authorization: Bearer x\r\n folded"),
    get(host, ": no name"),
    get(host, "no colon"),
    get(host, "Na\0me: x"),
    get(host, "Name: a\0b"),
    get(host, "Name: a\rb"),
    get(host, "Näme: ü"),
    get(host, token, "Expect: a miracle"),
    get(
      host,
      token,
      "Connection: upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Key: eA==",
      "Sec-WebSocket-Version: 13",
    ),
    get(
      host,
      token,
      "Connection: upgrade, http2-settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
    ),
    get(host, ...Array.from({ length: 3_000 }, (_, index) => `a${index}: b`)),
    get(host, `Cookie: ${"a=b;".repeat(5_000)}`),
    get(host, token, "Idempotency-Key: injected\r\nX-Injected: 1\r\n\r\nGET /v1/me HTTP/1.1\r\nHost: x"),
  ];
}

function framings(token: string): readonly string[] {
  const post = (lines: readonly string[], body: string) =>
    `${["POST /v1/cart/lines HTTP/1.1", "Host: 127.0.0.1", token, "Idempotency-Key: a-framed-request", "Content-Type: application/json", ...lines].join("\r\n")}${end}${body}`;
  const line = '{"productId":"mug-white","quantity":1}';
  const inner = `GET /v1/me HTTP/1.1\r\nHost: x\r\n${token}${end}`;
  return [
    post(["Content-Length: 5"], line),
    post([`Content-Length: ${line.length + 50}`], line),
    post(["Content-Length: -1"], line),
    post(["Content-Length: 99999999999999999999"], line),
    post(["Content-Length: 1e2"], line),
    post([`Content-Length: ${line.length}`, "Content-Length: 3"], line),
    post([`Content-Length: ${line.length}`, "Transfer-Encoding: chunked"], `0\r\n\r\n${inner}`),
    post(["Transfer-Encoding: chunked"], `${line.length.toString(16)}\r\n${line}\r\n0\r\n\r\n`),
    post(["Transfer-Encoding: chunked"], `fffffffffffffffff\r\n${line}`),
    post(["Transfer-Encoding: chunked"], `-1\r\n${line}`),
    post(["Transfer-Encoding: chunked"], `5;${"x".repeat(20_000)}\r\n${line}`),
    post(["Transfer-Encoding: chunked"], `5\r\n${line}`),
    post(["Transfer-Encoding: chunked, identity"], line),
    post(["Transfer-Encoding: gzip"], line),
    post(["Transfer-Encoding: xchunked"], inner),
    post(["Transfer-Encoding:\x0bchunked"], inner),
    post(["Expect: 100-continue", `Content-Length: ${line.length}`], line),
    post(["Content-Length: 70000"], " ".repeat(70_000)),
    post(["Content-Length: 0"], inner),
    `${inner}${inner}${inner}`,
  ];
}
