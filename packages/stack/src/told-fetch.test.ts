import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { toldFetch } from "./told-fetch.ts";

let server: Server;
let url: string;
let lines: string[];
let bodies: string[];
/** Set by each test. */
let answer: (response: ServerResponse) => unknown;
const fetchTold = toldFetch((line) => void lines.push(line));

beforeEach(async () => {
  [lines, bodies] = [[], []];
  server = createServer(async (request, response) => {
    bodies.push(await text(request));
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test("a call is told with its answer, which stays to be read", async () => {
  answer = (response) => response.end('{"products":[]}');
  expect(await (await fetchTold(`${url}/v1/products?query=oak`)).json()).toEqual({ products: [] });
  expect(lines).toEqual(["GET /v1/products?query=oak → 200"]);
});

test("it is told without the payment key, with which money could be taken", async () => {
  answer = (response) => response.end("{}");
  const body = '{"paymentKey":"secret","amount":1}';
  await fetchTold(new Request(`${url}/v1/pay`, { method: "POST", body }));
  expect(bodies).toEqual([body]);
  expect(lines).toEqual(['POST /v1/pay {"paymentKey":"…","amount":1} → 200']);
});

test("what is refused is told with its code and the fields at fault", async () => {
  const problem = {
    code: "INVALID_REQUEST",
    violations: [{ field: "quantity", description: "must be >= 1" }],
  };
  answer = (response) =>
    response
      .writeHead(400, { "content-type": "application/problem+json; charset=utf-8" })
      .end(JSON.stringify(problem));
  const response = await fetchTold(`${url}/v1/cart`, { method: "DELETE" });
  expect(await response.json()).toEqual(problem);
  expect(lines).toEqual(["DELETE /v1/cart → 400 INVALID_REQUEST quantity must be >= 1"]);
});

test("a stream is told when it begins", async () => {
  answer = (response) =>
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: x\n\n");
  const gone = new AbortController();
  await fetchTold(`${url}/v1/orders/o/events`, { signal: gone.signal });
  expect(lines).toEqual(["GET /v1/orders/o/events → 200"]);
  gone.abort();
});
