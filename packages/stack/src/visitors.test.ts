import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { DevKeys } from "@quadrille/rpc/devkeys";
import { buyerAt, operatorAt } from "./visitors.ts";

let server: Server;
let door: Parameters<typeof buyerAt>[0];
let lines: string[];
/** Set by each test. */
let answer: (request: IncomingMessage, response: ServerResponse) => unknown;

const tell = (line: string) => void lines.push(line);
const keys = { mintToken: async ({ sub, role }) => `${role}:${sub}` } as DevKeys;

beforeEach(async () => {
  lines = [];
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  door = { keys, gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** What each call said, answered with this. */
function heard(body: object): object[] {
  const calls: object[] = [];
  answer = async (request, response) => {
    const { method, url, headers } = request;
    calls.push([method, url, headers.authorization, await text(request)]);
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  };
  return calls;
}

describe("a buyer", () => {
  test("orders what is in the cart, or a line, in the buyer's name", async () => {
    const buyer = await buyerAt(door, "7", tell);
    const calls = heard({ orderId: "o" });
    await buyer.place({ points: 5, due: 10 });
    await buyer.place({ units: { productId: "p", quantity: 2 }, points: 0, due: 20, payWithinSeconds: 3 });
    expect(calls).toEqual([
      [
        "POST",
        "/v1/orders",
        "Bearer member:7",
        '{"cart":true,"points":5,"expectedAmountDue":10,"method":"CARD"}',
      ],
      [
        "POST",
        "/v1/orders",
        "Bearer member:7",
        '{"lines":[{"productId":"p","quantity":2}],"points":0,"expectedAmountDue":20,"method":"CARD","payWithinSeconds":3}',
      ],
    ]);
  });

  test("follows an order where the stream was cut, until nothing can change any more", async () => {
    const seen: unknown[] = [];
    answer = ({ headers }, response) => {
      seen.push(headers["last-event-id"]);
      const change = (id: number, status: string) =>
        `id: ${id}\nevent: change\ndata: {"number":${id},"status":"${status}"}\n\n`;
      if (seen.length === 1) response.end(change(1, "PENDING") + change(2, "PAYABLE"));
      else response.end(`${change(3, "CONFIRMED")}event: end\ndata: {"number":3}\n\n`);
    };
    const buyer = await buyerAt(door, "7", tell);
    const statuses = [];
    for await (const { status } of buyer.changes("o", AbortSignal.timeout(10_000))) statuses.push(status);
    expect(statuses).toEqual(["PENDING", "PAYABLE", "CONFIRMED"]);
    expect(seen).toEqual(["0", "2"]);
  });

  test("who asks again and again is told once, until the answer is another", async () => {
    const buyer = await buyerAt(door, "7", tell);
    heard({ status: "UNKNOWN" });
    for (let times = 0; times < 3; times += 1) await buyer.payment("o");
    await buyer.order("o");
    await buyer.payment("o");
    expect(lines).toEqual([
      "    GET /v1/orders/o/payment → 200",
      "    GET /v1/orders/o → 200",
      "    GET /v1/orders/o/payment → 200",
    ]);
  });
});

test("a call is told with what came of it, and without the payment key, with which money could be taken", async () => {
  const buyer = await buyerAt(door, "7", tell);
  const calls = heard({});
  await buyer.confirm("o", "secret", 1, "key-1");
  expect(calls).toEqual([
    ["POST", "/v1/orders/o/payment/confirm", "Bearer member:7", '{"paymentKey":"secret","amount":1}'],
  ]);
  let asked = 0;
  answer = (_, response) => {
    asked += 1;
    const violations = [{ field: "points", description: "must be >= 0" }];
    const problem = { code: "INVALID_REQUEST", title: "No.", violations };
    response.writeHead(503, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  };
  await expect(buyer.clearCart()).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  expect(asked).toBe(1);
  expect(lines).toEqual([
    '    POST /v1/orders/o/payment/confirm {"paymentKey":"…","amount":1} → 200',
    "    DELETE /v1/cart → 503 INVALID_REQUEST points must be >= 0",
  ]);
});

test("an operator fills the shelves and gives points, in the operator's name", async () => {
  const operator = await operatorAt(door, "anna", tell);
  const calls = heard({});
  await operator.addProduct("p", "A lamp", 2_000);
  await operator.receive({ productId: "p", quantity: 3 });
  await operator.addMember("7", "Ann");
  await operator.adjustPoints("7", 500, "welcome");
  const by = "Bearer operator:anna";
  expect(calls).toEqual([
    ["POST", "/v1/operator/products", by, '{"id":"p","title":"A lamp","price":2000,"onSale":true}'],
    ["POST", "/v1/operator/products/p/receipts", by, '{"quantity":3}'],
    ["POST", "/v1/operator/members", by, '{"memberId":"7","name":"Ann"}'],
    ["POST", "/v1/operator/members/7/points", by, '{"points":500,"note":"welcome"}'],
  ]);
});
