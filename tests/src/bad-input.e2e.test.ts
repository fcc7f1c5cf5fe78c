// Whatever is wrong with a request, it gets a clear no with its reason, changes nothing and gives nothing away.
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import { PlaceOrderRequest } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import { type Clients, connectAs } from "@quadrille/stack/clients";
import { addFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { audit, withOpenOrders } from "./audit.ts";
import {
  type BadRequest,
  badCarts,
  badChanges,
  badOrders,
  badPayments,
  badReads,
  type Scene,
} from "./bad-requests.ts";
import {
  buy,
  confirm,
  enrolMember,
  newRequestId,
  orderRequest,
  patiently,
  place,
  stockVariant,
} from "./buying.ts";
import { forgedTokens } from "./forged-tokens.ts";
import { leaks, secretsOf } from "./secrets.ts";
import { type Snapshot, snapshot } from "./snapshot.ts";
import { openSystem, type System } from "./system.ts";
import { callOnWire } from "./wire.ts";

jest.setTimeout(60_000);

let system: System;
let service: Clients;
let scene: Scene;
let before: Snapshot;
let forged: Readonly<Record<string, string>>;
/** Every answer a service gave on the wire. */
const said: string[] = [];

beforeAll(async () => {
  system = await openSystem({ env: { LOG_LEVEL: "trace" } }); // What must not be logged must not at any level.
  const { operator, stack } = system;
  const skus = Array.from({ length: 101 }, (_, index) => `sku-${index}`);
  await Promise.all([
    stockVariant(operator, "lamp", { price: 12_000n, units: 100 }),
    stockVariant(operator, "shelved", { price: 500n, units: 100 }),
    ...skus.map((sku) => stockVariant(operator, sku, { price: 500n, units: 0 })),
    enrolMember(operator, "ann", 5_000n),
    enrolMember(operator, "bob", 0n),
  ]);
  await operator.products.updateVariant({
    requestId: newRequestId(),
    variantId: "shelved",
    onSale: false,
  });
  const [ann, bob, nobody] = await Promise.all([system.as("ann"), system.as("bob"), system.as("nobody")]);
  for (const variantId of skus.slice(0, 100))
    await bob.orders.addCartLine({ requestId: newRequestId(), variantId, quantity: 1 });
  service = await connectAs(stack, "service", "order");
  const { orderId: foreign } = await buy(system, bob, { lines: { lamp: 1 }, due: 12_000n });
  const { orderId: payable } = await place(ann, { lines: { lamp: 1 }, due: 12_000n });
  const { paymentKey } = await payInWindow(stack.providerUrl, payable, 12_000n);
  scene = { ann, bob, nobody, operator, service, foreign, payable, paymentKey };
  forged = await forgedTokens(stack.keys, "ann");
  before = await snapshot(system);
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

async function refusal(asked: Promise<unknown>): Promise<Refusal> {
  try {
    const answer = await asked;
    throw new Error(
      `it was answered: ${JSON.stringify(answer, (_, it) => (typeof it === "bigint" ? `${it}` : it))}`,
    );
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

describe.each([
  ["an order", badOrders],
  ["a cart", badCarts],
  ["a look", badReads],
  ["a payment", badPayments],
  ["a change", badChanges],
] as const)("%s is refused", (_what, requests: readonly BadRequest[]) => {
  test.each(requests)("$name: $code", async ({ ask, code, field }) => {
    const refused = await refusal(ask(scene));
    expect(refused.code).toBe(code);
    if (field !== undefined) expect(refused.violations.map((violation) => violation.field)).toContain(field);
  });
});

const anyMethod: Readonly<Record<Service, string>> = {
  order: "/quadrille.order.v1.OrderService/GetCart",
  product: "/quadrille.product.v1.ProductService/SearchVariants",
  member: "/quadrille.member.v1.MemberService/GetMember",
  payment: "/quadrille.payment.v1.PaymentService/GetPayment",
};
const placing = "/quadrille.order.v1.OrderService/PlaceOrder";

/** A call with a token, whatever else is wrong with it; "" sends no token at all. */
async function call(to: Service, path: string, bytes: Uint8Array, token = scene.ann.token) {
  const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
  const answer = await callOnWire(system.stack.addresses[to], { path, bytes, headers });
  said.push(answer.text);
  return answer;
}

describe.each(services)("the %s service", (to) => {
  test("believes no token that is wrong in any way", async () => {
    const reasons: Record<string, string | undefined> = {};
    for (const [name, token] of Object.entries(forged))
      reasons[name] = (await call(to, anyMethod[to], new Uint8Array(), token)).reason;
    expect(reasons).toEqual(Object.fromEntries(Object.keys(forged).map((name) => [name, "UNAUTHENTICATED"])));
    const { reason } = await callOnWire(system.stack.addresses[to], {
      path: anyMethod[to],
      headers: { authorization: `Basic ${Buffer.from("ann:secret").toString("base64")}` },
    });
    expect(reason).toBe("UNAUTHENTICATED");
  });

  test("refuses bytes that are no message", async () => {
    const messages = ["ff", "0aff", "0a05616263", "08", "0b0b0b", "ff".repeat(1000)];
    for (const hex of messages)
      expect({ hex, reason: (await call(to, anyMethod[to], Buffer.from(hex, "hex"))).reason }).toEqual({
        hex,
        reason: "INVALID_REQUEST",
      });
  });

  test("refuses 300 KiB, and does not even read them without a token", async () => {
    const large = Buffer.alloc(300 * 1024, "a");
    expect((await call(to, anyMethod[to], large)).reason).toBe("REQUEST_TOO_LARGE");
    expect((await call(to, anyMethod[to], large, "")).status).not.toBe(0);
  });

  test("knows no other method, and ends a call with endless metadata", async () => {
    expect((await call(to, `${anyMethod[to]}s`, new Uint8Array())).reason).toBe("METHOD_UNKNOWN");
    expect((await call(to, anyMethod[to], new Uint8Array(), "t".repeat(40_000))).status).not.toBe(0);
  });
});

describe("an order on the wire", () => {
  const fields = PlaceOrderRequest.encode({
    ...orderRequest({ lines: { lamp: 1 }, due: 12_000n }),
  } as PlaceOrderRequest).finish();

  test("with a method of a newer schema is refused", async () => {
    const { reason, text } = await call("order", placing, Buffer.concat([fields, Buffer.from([0x30, 99])]));
    expect(reason).toBe("INVALID_REQUEST");
    expect(text).toContain("method");
  });

  test("cut off in the middle is refused", async () => {
    expect((await call("order", placing, fields.subarray(0, -3))).reason).toBe("INVALID_REQUEST");
  });

  test("with nothing in it is told everything that is missing", async () => {
    const { reason, text } = await call("order", placing, new Uint8Array());
    expect(reason).toBe("INVALID_REQUEST");
    for (const field of ["request_id", "source", "method"]) expect(text).toContain(field);
  });
});

test("nothing changed in any database, nor at the provider", async () => {
  expect(await snapshot(system)).toEqual(before);
  expect(await audit(system, withOpenOrders)).toEqual([]);
});

test("a payment in doubt and a broken database are answered without a word too much", async () => {
  const { ann, payable: orderId, paymentKey } = scene;
  // Not even when it is asked again: an answer within the call's own patience would end the doubt.
  const silence = { fault: "reset_after_effect", on: ["confirm", "query"], orderId, times: 1_000 };
  await addFaults(system.stack.providerUrl, [silence]);
  const { status } = await confirm(ann, { orderId, paymentKey, amount: 12_000n });
  expect(status).toBe("PAYMENT_STATUS_UNKNOWN");
  await Promise.all(
    services.map((each) =>
      system.query(
        each,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      ),
    ),
  );
  await patiently(() => ann.orders.getOrder({ orderId, memberId: "" }));
});

test("nothing secret stands in any log line or answer", async () => {
  const used = [...Object.values(forged), scene.ann.token, scene.service.token, scene.paymentKey];
  const secrets = secretsOf(system, used);
  expect(secrets.length).toBeGreaterThan(20);
  const spoken = new Set(system.log.map(({ process }) => process));
  expect([...spoken]).toEqual(expect.arrayContaining([...services, "provider", "postgres", "nats"]));
  expect(system.log.map(({ text }) => text).join()).toContain("payment in doubt");
  expect(leaks(system, secrets)).toEqual([]);
  expect(said.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
  const inside = /node_modules|\.ts:\d+|select |insert |postgres:|at async/;
  expect(said.filter((text) => inside.test(text))).toEqual([]);
  const blabbed = { ...system, log: [{ process: "order", text: `{"token":"${scene.ann.token}"}` }] };
  expect(leaks(blabbed, secrets)).toHaveLength(1); // It would have been found.
});
