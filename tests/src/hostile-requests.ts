// Requests of a route as its document describes them, and the same with one thing or another wrong.
import fc, { type Arbitrary } from "fast-check";
import { type Operation, type Parameter, pathWith } from "./open-api.ts";
import type { RawRequest } from "./raw-http.ts";
import { hardTexts, type Known, spoiled, toJson, valid } from "./schema-arbitraries.ts";

/** Tokens by role, and some that open nothing. */
export interface Tokens {
  readonly byRole: Readonly<Record<string, string>>;
  readonly bad: readonly string[];
}

/** A request before it is bytes. */
interface Draft {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** Characters as the bytes of their UTF-8, which is how they go on the line. */
const onLine = (text: string) => Buffer.from(text.toWellFormed()).toString("latin1");
const inHeader = (text: string) => onLine(text).replaceAll(/[\r\n\0]/g, "");
const encoded = (text: string) => encodeURIComponent(text.toWellFormed());

/** What the document promises an answer for. */
export function goodRequests(operation: Operation, known: Known, tokens: Tokens): Arbitrary<RawRequest> {
  return drafts(operation, known, tokens).map(toRequest);
}

/** The same with a fault or two; a few of the faults are none for some routes. */
export function badRequests(operation: Operation, known: Known, tokens: Tokens): Arbitrary<RawRequest> {
  const draft = drafts(operation, known, tokens);
  const faults: Arbitrary<(draft: Draft) => Draft> = fc.oneof(
    ...(operation.body === undefined
      ? []
      : [badBody(operation.body, known), badBytes, badBody(operation.body, known)]),
    ...(operation.path.includes("{") ? [badPlace(operation)] : []),
    ...[badQuery(operation), badHeader, badToken(tokens), badMethod, badPath],
  );
  return fc
    .tuple(
      draft,
      faults,
      fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: faults }),
    )
    .map(([good, fault, other]) => toRequest(other === undefined ? fault(good) : other(fault(good))));
}

/** For what the document does not describe: no body, no query, nothing that is said of it. */
export function strangeRequests(path: string, tokens: Tokens): Arbitrary<RawRequest> {
  const plain = { name: `GET ${path}`, method: "GET", path, parameters: [], body: undefined, roles: [] };
  const draft = drafts(plain, {}, tokens);
  const asIs: Arbitrary<(draft: Draft) => Draft> = fc.constant((good) => good);
  const faults = fc.oneof(asIs, badQuery(plain), badHeader, badToken(tokens), badMethod, badPath, badBytes);
  return fc.tuple(draft, faults).map(([good, fault]) => toRequest(fault(good)));
}

function toRequest({ method, path, query, headers, body }: Draft): RawRequest {
  const target = query === "" ? path : `${path}?${query}`;
  return { method, target, headers: Object.entries(headers), body };
}

function drafts(
  { method, path, parameters, body, roles }: Operation,
  known: Known,
  tokens: Tokens,
): Arbitrary<Draft> {
  const place = (where: Parameter["in"]) => {
    const some = parameters.filter((parameter) => parameter.in === where);
    const values = some.map(({ name, schema }) => [name, valid(schema, name, known)] as const);
    const isRequired = ({ required }: Parameter) => required === true || where === "path";
    const requiredKeys = some.filter(isRequired).map(({ name }) => name);
    return fc.record(Object.fromEntries(values), { requiredKeys, noNullPrototype: true });
  };
  const token = fc
    .constantFrom(...(roles.length === 0 ? ["member"] : roles))
    .map((role) => tokens.byRole[role]);
  // Most keys are new; the others repeat a request, or use its key for another.
  const key = fc.oneof({ weight: 4, arbitrary: fc.uuid() }, { weight: 1, arbitrary: fc.constant(undefined) });
  const json = body === undefined ? fc.constant(undefined) : valid(body, "", known);
  return fc
    .record({ places: place("path"), query: place("query"), own: place("header"), key, token, json })
    .map((made) => {
      const query = Object.entries(made.query).map(([name, value]) => `${name}=${encoded(String(value))}`);
      const given =
        made.key === undefined || made.own["Idempotency-Key"] === undefined
          ? {}
          : { "Idempotency-Key": made.key };
      const own = Object.entries({ ...made.own, ...given }).map(([name, value]) => [
        name,
        inHeader(String(value)),
      ]);
      const bytes = made.json === undefined ? undefined : Buffer.from(toJson(made.json));
      return {
        method,
        path: pathWith(path, made.places as Record<string, string>),
        query: query.join("&"),
        headers: {
          Host: "127.0.0.1",
          Authorization: `Bearer ${made.token}`,
          ...(bytes === undefined ? {} : { "Content-Type": "application/json" }),
          ...Object.fromEntries(own),
        },
        body: bytes,
      };
    });
}

const withBody = (body: Buffer | string) => (draft: Draft) => ({
  ...draft,
  body: Buffer.from(body as string),
});
const withHeader = (name: string, value: string) => (draft: Draft) => ({
  ...draft,
  headers: { ...draft.headers, [name]: inHeader(value) },
});

function badBody(schema: NonNullable<Operation["body"]>, known: Known): Arbitrary<(draft: Draft) => Draft> {
  const twice = fc.constantFrom(...Object.keys(schema.properties ?? {}));
  return fc.oneof(
    { weight: 5, arbitrary: spoiled(schema, known).map((body) => withBody(toJson(body ?? null))) },
    {
      weight: 1,
      arbitrary: twice.map((name) => (draft: Draft) => {
        const rest = draft.body?.toString().slice(1) ?? "}";
        return { ...draft, body: Buffer.from(`{"${name}":1,"__proto__":{"${name}":1},${rest}`) };
      }),
    },
  );
}

/** Bytes that are no JSON, or not the JSON that the header says they are. */
const badBytes: Arbitrary<(draft: Draft) => Draft> = fc.oneof(
  fc
    .nat({ max: 200 })
    .map((at) => (draft: Draft) => ({ ...draft, body: (draft.body ?? Buffer.from("{}")).subarray(0, at) })),
  fc.constantFrom(
    ...[
      "",
      " ",
      "null",
      "[]",
      "{",
      "}",
      "\ufeff{}",
      "{}{}",
      "{'a':1}",
      '{"a":}',
      "\0",
      "quantity=1",
      "1",
      '"',
    ].map(withBody),
    ...[
      withBody(Buffer.from([0xff, 0xfe, 0x7b, 0x7d])),
      withBody(Buffer.alloc(65_537, " ")),
      withBody(Buffer.alloc(200_000, "[")),
    ],
    withBody("[".repeat(60_000)),
    withBody(`{"a":"${"\\u0000".repeat(10_000)}"}`),
  ),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => withBody(Buffer.from(bytes))),
  fc
    .constantFrom(
      ...[
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "application/json; charset=nope",
      ],
      ...[
        "application/json;",
        "APPLICATION/JSON",
        "application/jsonp",
        "json",
        "",
        ";",
        "*/*",
        "application/json, text/plain",
      ],
    )
    .map((type) => withHeader("Content-Type", type)),
);

function badPlace({ path }: Operation): Arbitrary<(draft: Draft) => Draft> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const segments = [
    ...hardTexts.filter((text) => text.length < 1_000).map(encoded),
    ...[
      "%",
      "%zz",
      "%c0%af",
      "%ff",
      "%2e%2e",
      "..",
      ".",
      "a;b=1",
      "a%2Fb",
      "*",
      ":orderId",
      "a%0d%0ab",
      "a".repeat(65),
      "a".repeat(501),
    ],
  ];
  return fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...segments))
    .map(([spoilt, segment]) => (draft) => ({
      ...draft,
      path: pathWith(path, Object.fromEntries(names.map((name) => [name, name === spoilt ? segment : "7"]))),
    }));
}

function badQuery({ parameters }: Operation): Arbitrary<(draft: Draft) => Draft> {
  const known = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const name = fc.constantFrom(
    ...known,
    "pageSize",
    "pageToken",
    "query",
    "extra",
    "__proto__",
    "__proto__[a]",
    "constructor",
    "",
  );
  const value = fc.oneof(
    fc.constantFrom(
      "0",
      "-1",
      "101",
      "1.0",
      "1e1",
      "٣",
      " 1",
      "+1",
      "0x1",
      "NaN",
      "9".repeat(30),
      "%",
      "%zz",
      "%ff",
      "%00",
    ),
    fc.constantFrom(...hardTexts).map(encoded),
    fc.string({ unit: "binary", maxLength: 300 }).map((some) => Buffer.from(some).toString("base64url")),
  );
  const pair = fc.tuple(name, value).map(([left, right]) => `${left}=${right}`);
  const odd = fc.constantFrom(
    "&&&",
    "=",
    "?",
    "%",
    "pageSize",
    "pageSize[]=1",
    "pageSize[$gt]=1",
    `query=${"q".repeat(9_000)}`,
  );
  return fc
    .array(fc.oneof({ weight: 5, arbitrary: pair }, { weight: 1, arbitrary: odd }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((pairs) => (draft) => ({ ...draft, query: [draft.query, ...pairs].filter(Boolean).join("&") }));
}

const oddHeaders: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    "text/html",
    "application/json;q=0",
    "*/*;q=abc",
    ";;,",
    "image/*",
    "text/*, */*;q=0",
    "a".repeat(5_000),
  ],
  "Idempotency-Key": [
    "",
    "short",
    "a".repeat(65),
    "a b c d e f",
    "ключ-ключ",
    "the-same-key",
    "../../../x",
    "key\tkey\tkey",
  ],
  "If-None-Match": ["*", '""', "W/", '"a", "b"', "é", "a".repeat(1_001), ",,,"],
  "Last-Event-ID": ["-1", "0", "1", "99999999999", "NaN", "1e3", " 1", ""],
  Expect: ["100-continue", "200-ok", ""],
  Connection: ["close", "upgrade", "keep-alive, upgrade", "x"],
  Upgrade: ["websocket", "h2c"],
  traceparent: ["00-0-0-0", "nonsense", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`],
  "X-Forwarded-For": ["1.2.3.4", "garbage", "::1, 127.0.0.1"],
  "X-HTTP-Method-Override": ["DELETE"],
  "Content-Encoding": ["gzip", "nope"],
  Range: ["bytes=0-1", "bytes=9-1"],
  Origin: ["null", "https://evil.example"],
  Cookie: ["a=b", "__proto__=1"],
  Host: ["evil.example", "", "a:b:c", "127.0.0.1:99999"],
  Large: ["x".repeat(15_000), "x".repeat(20_000)],
};

const badHeader: Arbitrary<(draft: Draft) => Draft> = fc
  .constantFrom(
    ...Object.entries(oddHeaders).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
  )
  .map(([name, value]) => withHeader(name, value));

function badToken({ bad, byRole }: Tokens): Arbitrary<(draft: Draft) => Draft> {
  const wrong = [
    ...bad.map((token) => `Bearer ${token}`),
    "Bearer",
    "Basic YTpi",
    "",
    "Bearer a.b.c",
    "bearer  x",
  ];
  const others = Object.values(byRole).map((token) => `Bearer ${token}`);
  return fc.constantFrom(...wrong, ...others).map((value) => withHeader("Authorization", value));
}

const badMethod: Arbitrary<(draft: Draft) => Draft> = fc
  .constantFrom(
    "PUT",
    "TRACE",
    "OPTIONS",
    "HEAD",
    "PROPFIND",
    "QUERY",
    "GET",
    "POST",
    "PATCH",
    "DELETE",
    "get",
    "NOPE",
    "PURGE",
  )
  .map((method) => (draft) => ({ ...draft, method }));

const badPath: Arbitrary<(draft: Draft) => Draft> = fc
  .constantFrom<(path: string) => string>(
    (path) => `${path}/`,
    (path) => `/${path}`,
    (path) => path.toUpperCase(),
    (path) => `${path}/..`,
    (path) => `${path}%20`,
    (path) => path.replace("/v1", "/v1/../v1"),
    (path) => path.replace("/v1", "/v2"),
    (path) => path.replace("/v1", "/%76%31"),
    (path) => `${path}/%zz`,
    (path) => `${path};a=b`,
    (path) => `${path}#fragment`,
    (path) => `${path}/${onLine("é😀")}`,
    (path) => `http://other.example${path}`,
    () => "*",
    () => "//",
    () => "/%",
    () => "/docs/static/../../package.json",
    () => "/docs/static/..%2f..%2fpackage.json",
    () => "/docs/%2e%2e/%2e%2e/etc/passwd",
    () => "/problems/__proto__",
    () => `/${"a/".repeat(4_000)}`,
  )
  .map((spoil) => (draft) => ({ ...draft, path: spoil(draft.path) }));
