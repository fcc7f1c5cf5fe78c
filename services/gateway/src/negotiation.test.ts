import { expect, test } from "@jest/globals";
import { accepts } from "./negotiation.ts";
import { openTestGateway } from "./testing/open.ts";

test.each([
  [undefined, true],
  ["", true],
  ["application/json", true],
  ["text/html, application/json;q=0.5", true],
  ["*/*", true],
  ["application/*;q=0.1", true],
  ["APPLICATION/JSON", true],
  ["text/html", false],
  ["application/json;q=0, */*", false],
  ["application/xml, text/*", false],
  ["nonsense", false],
])("Accept: %s", (header, expected) => {
  expect(accepts(header, "application/json")).toBe(expected);
});

test("what nobody here can write is refused before a service is asked", async () => {
  await using open = await openTestGateway();
  const answer = await open.ask({ url: "/v1/cart", headers: { accept: "text/csv" } });
  expect([answer.statusCode, answer.json().code]).toEqual([406, "NOT_ACCEPTABLE"]);
  expect(open.heard).toEqual([]);
});

test("no route at all is 404, with a token or without", async () => {
  await using open = await openTestGateway();
  for (const url of ["/nope", "/v1", "/v1/", "/v1/cart/", "/v1/orders/1/nope", "/v1/../health/live/x"]) {
    for (const as of [null, open.tokens.member]) {
      const answer = await open.ask({ url, as });
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, "ROUTE_UNKNOWN"]);
    }
  }
});

test("another method would do is 405, and says which", async () => {
  await using open = await openTestGateway();
  const allowed = async (method: "PUT" | "POST" | "OPTIONS", url: string) => {
    const answer = await open.ask({ method, url });
    expect([answer.statusCode, answer.json().code]).toEqual([405, "HTTP_METHOD_UNKNOWN"]);
    return answer.headers.allow;
  };
  expect(await allowed("PUT", "/v1/orders?x=1")).toBe("GET, HEAD, POST");
  expect(await allowed("POST", "/v1/cart")).toBe("DELETE, GET, HEAD");
  expect(await allowed("OPTIONS", "/v1/cart/lines/a")).toBe("DELETE, PATCH");
  expect(await allowed("POST", "/health/live")).toBe("GET, HEAD");
});
