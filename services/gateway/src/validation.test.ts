import { describe, expect, test } from "@jest/globals";
import { cart, order } from "./testing/examples.ts";
import { openTestGateway } from "./testing/open.ts";
import { violationsOf } from "./validation.ts";

const placing = { cart: true, expectedAmountDue: 9_600, method: "CARD" };
const line = { productId: "mug", quantity: 1 };

/** The fields named when an order is placed with this body. */
async function faultsOf(body: unknown): Promise<string[] | number> {
  await using open = await openTestGateway({ orders: { placeOrder: async () => ({ order }) } });
  const answer = await open.ask({
    method: "POST",
    url: "/v1/orders",
    headers: { "idempotency-key": "0123456789", "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  if (answer.statusCode === 201) return 201;
  expect([answer.statusCode, answer.json().code]).toEqual([400, "INVALID_REQUEST"]);
  expect(open.heard).toEqual([]);
  return answer.json().violations?.map(({ field }: { field: string }) => field) ?? [];
}

describe("a body", () => {
  test.each([
    ["as it should be", placing, 201],
    ["with lines in the cart's place", { ...placing, cart: undefined, lines: [line] }, 201],
    ["of another kind", [], ["body"]],
    ["of nothing", null, ["body"]],
    ["without what is required", { cart: true }, ["expectedAmountDue", "method"]],
    ["with what nobody knows", { ...placing, variant_id: "a" }, ["variant_id"]],
    [
      "with a line at fault",
      { ...placing, cart: undefined, lines: [line, { productId: "a/b", quantity: 0 }] },
      ["lines[1].productId", "lines[1].quantity"],
    ],
    [
      "with a line unfinished",
      { ...placing, cart: undefined, lines: [{}] },
      ["lines[0].productId", "lines[0].quantity"],
    ],
    ["with both cart and lines", { ...placing, lines: [line] }, ["body"]],
    ["with neither", { ...placing, cart: undefined }, ["body"]],
    ["with a name beyond measure", { ...placing, ["x".repeat(9_000)]: 1 }, ["x".repeat(200)]],
    ["with text for a number", { ...placing, expectedAmountDue: "9600" }, ["expectedAmountDue"]],
    ["with a part of a unit", { ...placing, expectedAmountDue: 9600.5 }, ["expectedAmountDue"]],
    [
      "with more than numbers carry",
      '{"cart":true,"expectedAmountDue":9007199254740993,"method":"CARD"}',
      ["expectedAmountDue"],
    ],
    ["with an unknown way to pay", { ...placing, method: "SHELLS" }, ["method"]],
    ["that poisons", '{"cart":true,"expectedAmountDue":1,"method":"CARD","__proto__":{"points":1}}', []],
    ["that poisons deeper", '{"cart":true,"constructor":{"prototype":{}}}', []],
    ["that is no JSON", "{", []],
  ])("%s", async (_, body, expected) => {
    expect(await faultsOf(body)).toEqual(expected);
  });
});

describe("a query", () => {
  test.each([
    ["", 200],
    ["?pageSize=1&pageToken=bXVn", 200],
    ["?pageSize=100", 200],
    ["?pageSize=0", "pageSize"],
    ["?pageSize=101", "pageSize"],
    ["?pageSize=1.5", "pageSize"],
    ["?pageSize=1e1", "pageSize"],
    ["?pageSize=", "pageSize"],
    ["?pageSize=%201", "pageSize"],
    ["?pageSize=5&pageSize=6", "pageSize"],
    ["?pageToken=", "pageToken"],
    ["?other=1", "other"],
    ["?__proto__=1", "__proto__"],
  ])("%s", async (query, expected) => {
    await using open = await openTestGateway({
      orders: { listOrders: async () => ({ orders: [], nextPageToken: "" }) },
    });
    const answer = await open.ask({ url: `/v1/orders${query}` });
    const [violation] = answer.json().violations ?? [];
    expect(violation?.field ?? answer.statusCode).toBe(expected);
  });
});

test.each([
  ["GET", "/v1/cart"],
  ["GET", "/v1/me"],
  ["GET", "/v1/products/mug"],
  ["DELETE", "/v1/cart"],
  ["POST", "/v1/orders/o-1/cancel"],
] as const)("where nothing can be asked for, what is asked for is named: %s %s", async (method, url) => {
  await using open = await openTestGateway();
  const headers = { "idempotency-key": "0123456789" };
  const answer = await open.ask({ method, url: `${url}?foo=1`, headers });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().violations).toEqual([{ field: "foo", description: "is not known here" }]);
  expect(open.heard).toEqual([]);
});

test.each([
  ["/v1/orders/a%2Fb", "orderId"],
  ["/v1/orders/%00", "orderId"],
  [`/v1/orders/${"x".repeat(65)}`, "orderId"],
  ["/v1/products/a.b", "productId"],
])("an id that cannot be one is named: %s", async (url, field) => {
  await using open = await openTestGateway();
  const answer = await open.ask({ url });
  expect([answer.statusCode, answer.json().violations[0].field]).toEqual([400, field]);
});

test("a path longer than any of ours is a problem as well", async () => {
  await using open = await openTestGateway();
  const url = `/v1/orders/${"x".repeat(600)}`;
  const answer = await open.ask({ url });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "INVALID_REQUEST", violations: [{ field: "orderId" }] });
  expect(answer.body).not.toContain("xxx");
  expect((await open.ask({ url, as: null })).statusCode).toBe(401);
});

test.each(["/v1/%ff", "/%", "/v1/products/a%zz?query=b", "/v1/caf%C3"])(
  "a path that is no text is told so and not repeated: %s",
  async (url) => {
    await using open = await openTestGateway();
    const answer = await open.ask({ url });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: "INVALID_REQUEST", violations: [{ field: "path" }] });
    expect(answer.body).not.toContain(url.split("/").at(-1));
  },
);

test("a path may have what is written with percent signs, and a query what it likes", async () => {
  await using open = await openTestGateway();
  expect((await open.ask({ url: "/v1/caf%C3%A9%2F" })).statusCode).toBe(404);
  expect((await open.ask({ url: "/v1/orders?other=%ff" })).json().violations[0].field).toBe("other");
});

test("a body is JSON or none; its type without a body means none", async () => {
  await using open = await openTestGateway({
    orders: { cancelOrder: async () => ({ order }), getCart: async () => ({ cart }) },
  });
  const cancel = { method: "POST", url: "/v1/orders/o-1/cancel" } as const;
  const clear = { method: "DELETE", url: "/v1/cart" } as const;
  const headers = { "idempotency-key": "0123456789" };
  const empty = await open.ask({ ...cancel, headers: { ...headers, "content-type": "application/json" } });
  expect(empty.statusCode).toBe(200);
  for (const type of [
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
  ]) {
    for (const change of [cancel, clear]) {
      const answer = await open.ask({
        ...change,
        headers: { ...headers, "content-type": type },
        body: "a=1",
      });
      expect([answer.statusCode, answer.json().code]).toEqual([415, "MEDIA_TYPE_UNSUPPORTED"]);
    }
  }
});

test("faults that name nothing still say where", () => {
  expect(
    violationsOf([{ keyword: "additionalProperties", instancePath: "", schemaPath: "", params: {} }], "body"),
  ).toEqual([{ field: "body", description: "is not valid" }]);
  expect(
    violationsOf([{ keyword: "x", instancePath: "/a~1b/0", schemaPath: "", params: {} }], "body"),
  ).toEqual([{ field: "a/b[0]", description: "is not valid" }]);
});
