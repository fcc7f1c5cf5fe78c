// What the order service knows of one order: who asked, what was told, where the broker has it, what was heard, what was parked.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { factCause } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { v7 } from "uuid";
import { migrations } from "./migrations.ts";
import { type OrderStore, openOrderStore } from "./order.store.ts";
import { explainOrder } from "./order.why.ts";
import { newId, placeInput, policy } from "./testing/wishes.ts";

let opened: Awaited<ReturnType<typeof openTestStore<OrderStore>>>;
let store: OrderStore;

beforeAll(async () => {
  opened = await openTestStore("order", migrations, openOrderStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const explain = (orderId: string, factIds: string[] = []) => explainOrder(store)({ orderId, factIds });
const future = new Date("2099-12-31T23:59:59.999Z");
const request = (caller: string, requestId: string) =>
  ({ kind: "request", caller, method: "CancelOrder", requestId, hash: "h" }) as const;

async function placed(): Promise<string> {
  const orderId = newId("o");
  await store.handle(placeInput(orderId), { kind: "own", id: `r-${orderId}` });
  return orderId;
}

const seen = async (orderId: string, factIds: string[] = []) => {
  const { steps } = await explain(orderId, factIds);
  return steps.map(({ kind, type, causationId, id, detail, deliveries }) => {
    return { kind: kind.slice("STEP_KIND_".length), type, causationId, id, detail, deliveries };
  });
};

test("an order nobody placed is not known, and waits for nothing", async () => {
  const { service, status, steps, waits, readAt } = await explain("nobody");
  expect([service, status, steps, waits]).toEqual(["order", "", [], []]);
  expect(Math.abs(Number(readAt) - Date.now())).toBeLessThan(60_000);
});

test("a request, what it told, and where the broker has that", async () => {
  const orderId = await placed();
  const asked = {
    kind: "ASKED",
    type: "PlaceOrder",
    id: `r-${orderId}`,
    detail: "by member:m",
    deliveries: 0,
  };
  const told = { kind: "TOLD", type: "order.placed", causationId: `r-${orderId}`, id: "" };
  expect(await seen(orderId)).toMatchObject([asked, told]);
  const [row] = await opened.query("select id from outbox where aggregate_id = $1", [orderId]);
  const id = row?.id as string;
  await store.outbox.mark([{ id, placement: { stream: "QUADRILLE_ORDER", seq: 17n, duplicate: false } }]);
  expect(await seen(orderId)).toMatchObject([
    asked,
    { ...told, detail: expect.stringMatching(/ KRW due, 100 points, hold until .*Z$/) },
    { kind: "PUBLISHED", type: "order.placed", causationId: id, detail: "QUADRILLE_ORDER 17" },
  ]);
});

test("a fact is heard once, with its deliveries, whether it led to anything or was only asked about", async () => {
  const orderId = await placed();
  const [benefits, stock] = [factCause(), { ...factCause(), seq: 5n, deliveries: 3 }];
  const held = { orderId, holdUntil: future, policy };
  await store.handle({ type: "BenefitsHeld", ...held, memberId: "m", points: 100n }, benefits);
  await store.handle({ type: "StockHeld", ...held, lines: [] }, stock);
  const heard = { kind: "HEARD", type: "", causationId: stock.id, id: stock.id, detail: "QUADRILLE_TEST 5" };
  const payable = { kind: "TOLD", type: "order.payable", causationId: stock.id };
  expect((await seen(orderId)).slice(2)).toMatchObject([{ ...heard, deliveries: 3 }, payable]);
  const another = v7(); // Told to somebody else.
  expect((await seen(orderId, [benefits.id, another, "no id"])).slice(2)).toMatchObject([
    { kind: "HEARD", id: benefits.id, deliveries: 1 },
    { ...heard, deliveries: 3 },
    payable,
  ]);
});

test.each(["member:m", "operator:ann"])(
  "a cancel is asked by %s, and by nobody with the same request id",
  async (caller) => {
    const [orderId, other] = [await placed(), await placed()];
    const cancel = (id: string) =>
      ({ type: "CancelOrder", orderId: id, memberId: "m", by: "BY_MEMBER" }) as const;
    const requestId = `c-${orderId}`;
    await store.handle(cancel(orderId), request(caller, requestId));
    await store.handle(cancel(other), request("member:stranger", requestId));
    const { steps, status, waits } = await explain(orderId);
    expect(steps.filter(({ kind }) => kind === "STEP_KIND_ASKED")).toMatchObject([
      { type: "PlaceOrder" },
      { type: "CancelOrder", id: requestId, detail: `by ${caller}` },
    ]);
    expect(steps.at(-1)).toMatchObject({ type: "order.cancelled", causationId: requestId });
    expect(status).toBe("CANCELLED");
    expect(waits.map(({ who }) => who)).toEqual(["product", "member", "payment"]);
  },
);

test("a parked fact is named with its error, also one too broken to be read, until somebody ends it", async () => {
  const orderId = await placed();
  const about = { durable: "order_hears_product", stream: "QUADRILLE_PRODUCT", seq: 9n, subject: "s" };
  const odd = { ...about, payload: new Uint8Array(), error: "Error: cannot be" };
  const headers = { "ce-subject": orderId, "ce-type": "quadrille.product.v1.StockHeld" };
  const [named, nameless] = [v7(), v7()];
  await store.park({ ...odd, factId: named, headers });
  await store.park({ ...odd, factId: nameless, headers: {} });
  const parked = { kind: "PARKED", detail: "PARKED in order_hears_product: Error: cannot be" };
  expect((await seen(orderId)).slice(2)).toMatchObject([
    { ...parked, type: "product.stock_held", causationId: named },
  ]);
  await store.parked.discard({ durable: about.durable, factId: named });
  expect((await seen(orderId, [nameless])).slice(2)).toMatchObject([
    { kind: "PARKED", causationId: named, detail: "DISCARDED in order_hears_product: Error: cannot be" },
    { ...parked, type: "", causationId: nameless },
  ]);
});
