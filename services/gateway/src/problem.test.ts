import { describe, expect, test } from "@jest/globals";
import { type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { RpcError } from "@quadrille/rpc";
import { problemOf, rawProblem, refusalOf, typeOf } from "./problem.ts";
import { openTestGateway } from "./testing/open.ts";

const codes = Object.keys(refusals) as RefusalCode[];

test("every code of the catalogue comes out of a service as its problem, and leads to a page about it", async () => {
  let next: RefusalCode = "INTERNAL";
  await using open = await openTestGateway({
    orders: {
      getCart: async () => {
        throw new Refusal(next);
      },
    },
  });
  for (const code of codes) {
    next = code;
    const answer = await open.ask({ url: "/v1/cart" });
    const { http, sentence } = refusals[code];
    expect([code, answer.statusCode]).toEqual([code, http]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["cache-control"]).toBe("no-store");
    const problem = answer.json();
    expect(problem).toMatchObject({ type: typeOf(code), title: sentence, status: http, code });
    expect("retry-after" in answer.headers).toBe(http === 503 || http === 429);
    const page = await open.ask({ url: problem.type, as: null });
    expect(page.json()).toMatchObject({ code, status: http, title: sentence });
  }
});

test("a type is the code in kebab case", () => {
  expect(typeOf("OUT_OF_STOCK")).toBe("/problems/out-of-stock");
});

test("violations and details name the fields as they were sent here", () => {
  const violations = [
    { field: "request_id", description: "is required" },
    { field: "lines[2].variant_id", description: "is required" },
    { field: "variant_ids[0]", description: "is required" },
    { field: "pay_within_seconds", description: "is more than 600" },
  ];
  const refusal = new Refusal("INVALID_REQUEST", {
    violations,
    details: { amount_due: "5", variant_id: "a" },
  });
  const problem = problemOf(refusalOf(refusal));
  expect(problem.violations?.map(({ field }) => field)).toEqual([
    "Idempotency-Key",
    "lines[2].productId",
    "productId",
    "payWithinSeconds",
  ]);
  expect(problem.details).toEqual({ amountDue: "5", productId: "a" });
});

test("what says nothing more has no place for it", () => {
  expect(Object.keys(problemOf(new Refusal("CART_EMPTY")))).toEqual(["type", "title", "status", "code"]);
});

describe("what was thrown", () => {
  test.each([
    [new Refusal("CART_EMPTY"), "CART_EMPTY"],
    [new Refusal("NOT_OF_THIS_CATALOGUE"), "INTERNAL"],
    [new RpcError("UNAVAILABLE", "no connection"), "UNAVAILABLE"],
    [new RpcError("DEADLINE_EXCEEDED", "too late"), "DEADLINE_EXCEEDED"],
    [new RpcError("CANCELLED", "gone"), "UNAVAILABLE"],
    [new RpcError("INTERNAL", "the connection broke"), "UNAVAILABLE"],
    [new RpcError("RESOURCE_EXHAUSTED", "the connection broke"), "UNAVAILABLE"],
    [new RpcError("UNKNOWN", "what?"), "INTERNAL"],
    [new RpcError("UNAUTHENTICATED", "by whom?"), "INTERNAL"],
    [new TypeError("ours"), "INTERNAL"],
    [
      Object.assign(new Error("x"), { code: "FST_ERR_CTP_BODY_TOO_LARGE", statusCode: 413 }),
      "REQUEST_TOO_LARGE",
    ],
    [Object.assign(new Error("x"), { code: "FST_ERR_BAD_URL", statusCode: 400 }), "INVALID_REQUEST"],
    [Object.assign(new Error("x"), { code: "FST_ERR_OTHER", statusCode: 500 }), "INTERNAL"],
    [Object.assign(new Error("x"), { code: "ENOENT", statusCode: 404 }), "INTERNAL"],
  ])("%s stands for a code", (thrown, code) => {
    expect(refusalOf(thrown).code).toBe(code);
  });
});

test("a defect is told with an id, under which the log has what happened, and in no other words", async () => {
  await using open = await openTestGateway({ orders: { getCart: async () => ({ cart: undefined }) } });
  const answer = await open.ask({ url: "/v1/cart" });
  expect(answer.statusCode).toBe(500);
  const { id } = answer.json().details;
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.body).not.toContain("without");
  expect(open.lines.filter((line) => line.includes(id))).toEqual([
    expect.stringContaining("answered without a cart"),
  ]);
});

test("a service's own defect keeps the id under which that service logged it", async () => {
  await using open = await openTestGateway({
    orders: {
      getCart: async () => {
        throw new Refusal("INTERNAL", { details: { id: "theirs" } });
      },
    },
  });
  expect((await open.ask({ url: "/v1/cart" })).json().details).toEqual({ id: "theirs" });
});

test("an answer to what is no request is whole HTTP", () => {
  const [head = "", body = ""] = rawProblem("REQUEST_TIMEOUT", { "x-guard": "on" }).split("\r\n\r\n");
  expect(head.split("\r\n")).toEqual([
    "HTTP/1.1 408 Request Timeout",
    "x-guard: on",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ]);
  expect(JSON.parse(body)).toMatchObject({ code: "REQUEST_TIMEOUT", status: 408 });
});
