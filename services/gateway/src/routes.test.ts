// Every route in one table: what a service is asked, what comes back, and what it refuses.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import type { HTTPMethods } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import * as example from "./testing/examples.ts";
import { openTestGateway, type TestGateway } from "./testing/open.ts";

interface Row {
  readonly operationId: string;
  readonly as: "member" | "operator";
  readonly request: readonly [method: HTTPMethods, url: string, body?: object];
  /** What the service hears, without the request id. */
  readonly heard: readonly [method: string, request: object];
  readonly answer: readonly [status: number, body: object];
  readonly location?: string;
  /** A refusal of the service that this route passes on. */
  readonly refuses: string;
}

const { product, cartJson, orderJson, paymentJson, stuckJson, memberJson, entryJson } = example;
const nothingPaged = { pageSize: 0, pageToken: "" };
const paged = { pageSize: 5, pageToken: "bXVn" };
const page = "pageSize=5&pageToken=bXVn";
const line = { variantId: "mug", quantity: 2 };
const placing = { points: 0n, expectedAmountDue: 9_600n, method: "PAYMENT_METHOD_CARD", payWithinSeconds: 0 };

const rows: readonly Row[] = [
  {
    operationId: "listProducts",
    as: "member",
    request: ["GET", `/v1/products?query=mu&${page}`],
    heard: ["searchVariants", { query: "mu", ...paged }],
    answer: [200, { products: [product], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "getProduct",
    as: "member",
    request: ["GET", "/v1/products/mug"],
    heard: ["batchGetVariants", { variantIds: ["mug"] }],
    answer: [200, product],
    refuses: "OVERLOADED",
  },
  {
    operationId: "getCart",
    as: "member",
    request: ["GET", "/v1/cart"],
    heard: ["getCart", {}],
    answer: [200, cartJson],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "addCartLine",
    as: "member",
    request: ["POST", "/v1/cart/lines", { productId: "mug", quantity: 2 }],
    heard: ["addCartLine", line],
    answer: [200, { version: 6 }],
    refuses: "CART_FULL",
  },
  {
    operationId: "changeCartLine",
    as: "member",
    request: ["PATCH", "/v1/cart/lines/mug", { quantity: 2 }],
    heard: ["changeCartLine", line],
    answer: [200, { version: 6 }],
    refuses: "CART_LINE_UNKNOWN",
  },
  {
    operationId: "removeCartLine",
    as: "member",
    request: ["DELETE", "/v1/cart/lines/mug"],
    heard: ["removeCartLine", { variantId: "mug" }],
    answer: [200, { version: 6 }],
    refuses: "REQUEST_ID_REUSED",
  },
  {
    operationId: "clearCart",
    as: "member",
    request: ["DELETE", "/v1/cart"],
    heard: ["clearCart", {}],
    answer: [200, { version: 6 }],
    refuses: "REQUEST_ID_REUSED",
  },
  {
    operationId: "placeOrder",
    as: "member",
    request: ["POST", "/v1/orders", { cart: true, expectedAmountDue: 9_600, method: "CARD" }],
    heard: ["placeOrder", { ...placing, source: { $case: "cart", value: {} } }],
    answer: [201, orderJson],
    location: "/v1/orders/o-1",
    refuses: "AMOUNT_CHANGED",
  },
  {
    operationId: "placeOrder",
    as: "member",
    request: [
      "POST",
      "/v1/orders",
      {
        lines: [{ productId: "mug", quantity: 2 }],
        points: 600,
        expectedAmountDue: Number.MAX_SAFE_INTEGER,
        method: "CARD",
        payWithinSeconds: 300,
      },
    ],
    heard: [
      "placeOrder",
      {
        ...placing,
        source: { $case: "lines", value: { lines: [line] } },
        points: 600n,
        expectedAmountDue: 9_007_199_254_740_991n,
        payWithinSeconds: 300,
      },
    ],
    answer: [201, orderJson],
    location: "/v1/orders/o-1",
    refuses: "REQUEST_ID_REUSED",
  },
  {
    operationId: "listOrders",
    as: "member",
    request: ["GET", `/v1/orders?${page}`],
    heard: ["listOrders", { memberId: "", ...paged }],
    answer: [200, { orders: [orderJson], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "getOrder",
    as: "member",
    request: ["GET", "/v1/orders/o-1"],
    heard: ["getOrder", { orderId: "o-1", memberId: "" }],
    answer: [200, orderJson],
    refuses: "ORDER_UNKNOWN",
  },
  {
    operationId: "cancelOrder",
    as: "member",
    request: ["POST", "/v1/orders/o-1/cancel"],
    heard: ["cancelOrder", { orderId: "o-1", memberId: "" }],
    answer: [200, orderJson],
    refuses: "NOT_SETTLED",
  },
  {
    operationId: "confirmPayment",
    as: "member",
    request: ["POST", "/v1/orders/o-1/payment/confirm", { paymentKey: "key", amount: 9_000 }],
    heard: ["confirmPayment", { orderId: "o-1", paymentKey: "key", amount: 9_000n }],
    answer: [200, paymentJson],
    refuses: "PAYMENT_DECLINED",
  },
  {
    operationId: "getPayment",
    as: "member",
    request: ["GET", "/v1/orders/o-1/payment"],
    heard: ["getPayment", { orderId: "o-1", memberId: "" }],
    answer: [200, paymentJson],
    refuses: "PAYMENT_UNKNOWN",
  },
  {
    operationId: "getMe",
    as: "member",
    request: ["GET", "/v1/me"],
    heard: ["getMember", { memberId: "" }],
    answer: [200, memberJson],
    refuses: "MEMBER_UNKNOWN",
  },
  {
    operationId: "listMyPointEntries",
    as: "member",
    request: ["GET", "/v1/me/points/entries"],
    heard: ["listPointEntries", { memberId: "", ...nothingPaged }],
    answer: [200, { entries: [entryJson], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "createProduct",
    as: "operator",
    request: ["POST", "/v1/operator/products", { id: "mug", title: "Mug", price: 4_800, onSale: true }],
    heard: ["createVariant", { variantId: "mug", title: "Mug", price: 4_800n, onSale: true }],
    answer: [201, product],
    location: "/v1/products/mug",
    refuses: "VARIANT_EXISTS",
  },
  {
    operationId: "changeProduct",
    as: "operator",
    request: ["PATCH", "/v1/operator/products/mug", { price: 0 }],
    heard: ["updateVariant", { variantId: "mug", price: 0n }],
    answer: [200, product],
    refuses: "VARIANT_UNKNOWN",
  },
  {
    operationId: "changeProduct",
    as: "operator",
    request: ["PATCH", "/v1/operator/products/mug", { title: "Cup", onSale: false }],
    heard: ["updateVariant", { variantId: "mug", title: "Cup", onSale: false }],
    answer: [200, product],
    refuses: "REQUEST_ID_REUSED",
  },
  {
    operationId: "receiveStock",
    as: "operator",
    request: ["POST", "/v1/operator/products/mug/receipts", { quantity: 2 }],
    heard: ["receiveStock", line],
    answer: [200, product],
    refuses: "VARIANT_UNKNOWN",
  },
  {
    operationId: "createMember",
    as: "operator",
    request: ["POST", "/v1/operator/members", { memberId: "7", name: "Ann" }],
    heard: ["createMember", { memberId: "7", name: "Ann" }],
    answer: [201, memberJson],
    location: "/v1/operator/members/7",
    refuses: "MEMBER_EXISTS",
  },
  {
    operationId: "getMember",
    as: "operator",
    request: ["GET", "/v1/operator/members/7"],
    heard: ["getMember", { memberId: "7" }],
    answer: [200, memberJson],
    refuses: "MEMBER_UNKNOWN",
  },
  {
    operationId: "listPointEntries",
    as: "operator",
    request: ["GET", `/v1/operator/members/7/points/entries?${page}`],
    heard: ["listPointEntries", { memberId: "7", ...paged }],
    answer: [200, { entries: [entryJson], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "adjustPoints",
    as: "operator",
    request: ["POST", "/v1/operator/members/7/points", { points: -5, note: "sorry" }],
    heard: ["adjustPoints", { memberId: "7", points: -5n, note: "sorry" }],
    answer: [200, memberJson],
    refuses: "NOT_ENOUGH_POINTS",
  },
  {
    operationId: "listMemberOrders",
    as: "operator",
    request: ["GET", "/v1/operator/members/7/orders"],
    heard: ["listOrders", { memberId: "7", ...nothingPaged }],
    answer: [200, { orders: [orderJson], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "getMemberOrder",
    as: "operator",
    request: ["GET", "/v1/operator/members/7/orders/o-1"],
    heard: ["getOrder", { orderId: "o-1", memberId: "7" }],
    answer: [200, orderJson],
    refuses: "ORDER_UNKNOWN",
  },
  {
    operationId: "cancelMemberOrder",
    as: "operator",
    request: ["POST", "/v1/operator/members/7/orders/o-1/cancel"],
    heard: ["cancelOrder", { orderId: "o-1", memberId: "7" }],
    answer: [200, orderJson],
    refuses: "ORDER_UNKNOWN",
  },
  {
    operationId: "getMemberPayment",
    as: "operator",
    request: ["GET", "/v1/operator/members/7/orders/o-1/payment"],
    heard: ["getPayment", { orderId: "o-1", memberId: "7" }],
    answer: [200, paymentJson],
    refuses: "PAYMENT_UNKNOWN",
  },
  {
    operationId: "listStuckPayments",
    as: "operator",
    request: ["GET", `/v1/operator/payments/stuck?${page}`],
    heard: ["listStuckPayments", paged],
    answer: [200, { payments: [stuckJson], nextPageToken: "next" }],
    refuses: "UNAVAILABLE",
  },
  {
    operationId: "resolvePayment",
    as: "operator",
    request: ["POST", "/v1/operator/payments/o-1/resolve", { resolution: "RETRY", note: "asked" }],
    heard: [
      "resolvePayment",
      { orderId: "o-1", resolution: "RESOLUTION_RETRY", transactionKey: "", note: "asked" },
    ],
    answer: [200, paymentJson],
    refuses: "PAYMENT_NOT_STUCK",
  },
  {
    operationId: "resolvePayment",
    as: "operator",
    request: [
      "POST",
      "/v1/operator/payments/o-1/resolve",
      { resolution: "CAPTURED", transactionKey: "tx", note: "asked" },
    ],
    heard: [
      "resolvePayment",
      { orderId: "o-1", resolution: "RESOLUTION_CAPTURED", transactionKey: "tx", note: "asked" },
    ],
    answer: [200, paymentJson],
    refuses: "REQUEST_ID_REUSED",
  },
];

/** The events of an order are a stream, and tested as such. */
const elsewhere = ["watchOrder"];
const key = "0123456789abcdef";

let refusing: string | undefined;
const or =
  <Answer>(answer: Answer) =>
  async (): Promise<Answer> => {
    if (refusing !== undefined) throw new Refusal(refusing, { details: { points: "4" } });
    return answer;
  };
const { variant, cart, order, payment, member, entry, stuck } = example;
const changed = or({ cartVersion: 6n });
const nextPageToken = "next";

let open: TestGateway;
let components: object;
let operations: readonly Documented[];
beforeAll(async () => {
  open = await openTestGateway({
    orders: {
      getCart: or({ cart }),
      addCartLine: changed,
      changeCartLine: changed,
      removeCartLine: changed,
      clearCart: changed,
      placeOrder: or({ order }),
      cancelOrder: or({ order }),
      getOrder: or({ order }),
      listOrders: or({ orders: [order], nextPageToken }),
    },
    products: {
      searchVariants: or({ variants: [variant], nextPageToken }),
      batchGetVariants: or({ variants: [variant] }),
      createVariant: or({ variant }),
      updateVariant: or({ variant }),
      receiveStock: or({ variant }),
    },
    members: {
      createMember: or({ member }),
      getMember: or({ member }),
      adjustPoints: or({ member }),
      listPointEntries: or({ entries: [entry], nextPageToken }),
    },
    payments: {
      confirmPayment: or({ payment }),
      getPayment: or({ payment }),
      listStuckPayments: or({ payments: [stuck], nextPageToken }),
      resolvePayment: or({ payment }),
    },
  });
  const document = (await open.ask({ url: "/openapi.json", as: null })).json();
  components = document.components.schemas;
  operations = Object.values<Record<string, Documented>>(document.paths).flatMap(Object.values);
});
afterAll(() => open[Symbol.asyncDispose]());

function ask({ as, request: [method, url, body] }: Row, headers: Record<string, string> = {}) {
  open.heard.length = 0;
  return open.ask({
    method: method as "GET",
    url,
    as: open.tokens[as],
    headers: { ...(method === "POST" ? { "idempotency-key": key } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

interface Documented {
  readonly operationId: string;
  readonly security: readonly { readonly token: readonly [string] }[];
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: TSchema }> }>;
}
test("the table has a row for every operation of the document", () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set([...rows.map(({ operationId }) => operationId), ...elsewhere])).toEqual(new Set(names));
});

describe.each(rows.map((row) => [`${row.request[0]} ${row.request[1]}`, row] as const))("%s", (_, row) => {
  test("asks the service and answers as the document says", async () => {
    const answer = await ask(row);
    const [status, body] = row.answer;
    expect([answer.statusCode, answer.json()]).toEqual([status, body]);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(answer.headers.location).toBe(row.location);
    const [method, request] = row.heard;
    const isChange = row.request[0] !== "GET";
    const [heard, ...more] = open.heard;
    expect(more).toEqual([]);
    expect(heard?.method).toBe(method);
    expect(heard?.request).toEqual(isChange ? { ...request, requestId: expect.any(String) } : request);
    const said = operations.find(({ operationId }) => operationId === row.operationId)?.responses[status];
    const shape = said?.content["application/json"]?.schema as TSchema;
    const text = JSON.stringify({ ...shape, $defs: components });
    const whole = Compile(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")) as TSchema);
    expect(whole.Errors(answer.json())).toEqual([]);
    expect(whole.Check({})).toBe(false);
  });

  test("passes on what the service refuses", async () => {
    refusing = row.refuses;
    const answer = await ask(row);
    refusing = undefined;
    expect(answer.json()).toMatchObject({ code: row.refuses, details: { points: "4" } });
  });

  test("is for those alone whom the document names", async () => {
    const { security = [] } = operations.find(({ operationId }) => operationId === row.operationId) ?? {};
    const may = security.map(({ token: [role] }) => role);
    for (const role of ["member", "operator", "service"] as const) {
      const answer = await ask(row, { authorization: `Bearer ${open.tokens[role]}` });
      expect([role, answer.statusCode]).toEqual([role, may.includes(role) ? row.answer[0] : 403]);
    }
    const nobody = await ask(row, { authorization: "" });
    expect([nobody.statusCode, nobody.headers["www-authenticate"]]).toEqual([
      401,
      'Bearer realm="quadrille", error="invalid_token"',
    ]);
  });

  test("keeps the rules of idempotency keys", async () => {
    const [method] = row.request;
    if (method === "GET") return;
    await ask(row, { "idempotency-key": key });
    expect(open.heard[0]?.request).toMatchObject({ requestId: key });
    for (const bad of ["short", "x".repeat(65), "with space", "ümlauts-8"]) {
      const answer = await ask(row, { "idempotency-key": bad });
      expect([answer.statusCode, answer.json().violations[0].field]).toEqual([400, "Idempotency-Key"]);
    }
    open.heard.length = 0;
    const [, url, body] = row.request;
    const without = await open.ask({
      method: method as "GET",
      url,
      as: open.tokens[row.as],
      ...(body === undefined ? {} : { body }),
    });
    if (method === "POST") {
      expect(without.json()).toMatchObject({
        code: "INVALID_REQUEST",
        violations: [{ field: "Idempotency-Key", description: "is required" }],
      });
      expect(open.heard).toEqual([]);
    } else {
      expect(without.statusCode).toBe(row.answer[0]);
      expect(open.heard[0]?.request).toMatchObject({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    }
  });
});

test("a list's last page names no next one", async () => {
  await using last = await openTestGateway({
    orders: { listOrders: async () => ({ orders: [], nextPageToken: "" }) },
  });
  expect((await last.ask({ url: "/v1/orders" })).json()).toEqual({ orders: [] });
});

describe("a product", () => {
  test.each(["/v1/products/mug", "/v1/products"])("%s is not sent again to who has it", async (url) => {
    const first = await open.ask({ url });
    const etag = first.headers.etag as string;
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    expect(first.headers["cache-control"]).toBe("private, no-cache");
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await open.ask({ url, headers: { "if-none-match": known } });
      expect([known, again.statusCode, again.body, again.headers.etag]).toEqual([known, 304, "", etag]);
    }
    const other = await open.ask({ url, headers: { "if-none-match": '"other"' } });
    expect([other.statusCode, other.body]).toEqual([200, first.body]);
  });

  test("has another tag in another state", async () => {
    const stocks = [3, 2];
    await using selling = await openTestGateway({
      products: {
        batchGetVariants: async () => ({ variants: [{ ...variant, available: stocks.shift() ?? 0 }] }),
      },
    });
    const tags = [1, 2].map(async () => (await selling.ask({ url: "/v1/products/mug" })).headers.etag);
    expect(new Set(await Promise.all(tags)).size).toBe(2);
  });

  test("that the service leaves out is unknown, and what is refused has no tag", async () => {
    await using empty = await openTestGateway({
      products: { batchGetVariants: async () => ({ variants: [] }) },
    });
    const answer = await empty.ask({ url: "/v1/products/mug" });
    expect([answer.statusCode, answer.json().code]).toEqual([404, "VARIANT_UNKNOWN"]);
    expect(answer.headers.etag).toBeUndefined();
  });
});
