import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hear } from "@quadrille/outbox/testing/kept";
import { entriesOf } from "@quadrille/outbox/testing/read-books";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { migrations } from "./migrations.ts";
import { stockBooks } from "./stock.books.ts";
import { openStockStore, type StockStore } from "./stock.store.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<StockStore>>>;
let opened: Opened;

const own = { kind: "own", id: "test" } as const;
const future = new Date("2099-12-31T23:59:59.999Z");
const line = (quantity: number) => ({ variantId: "lamp", quantity, unitPrice: 1n, title: "t" });
const money = { memberId: "m", subtotal: 1n, points: 0n, amountDue: 1n, currency: "KRW" };
const read = <Kind extends "variants" | "stockHolds" | "orderLedgers">(kind: Kind) =>
  entriesOf(stockBooks({ url: opened.url }), kind);

/** Ten lamps: two sold, one held, three held and let go. */
beforeAll(async () => {
  opened = await openTestStore("product", migrations, openStockStore);
  const { store } = opened;
  await store.handle({ type: "CreateVariant", variantId: "lamp", title: "t", price: 1n, onSale: true }, own);
  await store.handle({ type: "ReceiveStock", variantId: "lamp", quantity: 10 }, own);
  const times = { placedAt: future, pendingUntil: future, holdUntil: future, payWithinSeconds: 600 };
  const place = (orderId: string, quantity: number) => {
    const method = "PAYMENT_METHOD_CARD" as const;
    return hear(store, { type: "OrderPlaced", orderId, lines: [line(quantity)], ...money, method, ...times });
  };
  await place("sold", 2);
  await place("held", 1);
  await place("gone", 3);
  await hear(store, {
    type: "OrderConfirmed",
    orderId: "sold",
    lines: [line(2)],
    ...money,
    confirmedAt: future,
  });
  const cancel = { reason: "BY_MEMBER", wasConfirmed: false, benefitsWanted: false, cancelledAt: future };
  await hear(store, { type: "OrderCancelled", orderId: "gone", lines: [line(3)], ...money, ...cancel });
});
afterAll(async () => await opened[Symbol.asyncDispose]());

test("holds say what they keep: units held, units sold, nothing", async () => {
  const units = (quantity: bigint) => [{ variantId: "lamp", quantity }];
  expect(await read("stockHolds")).toEqual([
    {
      orderId: "gone",
      status: "released",
      held: [],
      sold: [],
      lines: units(3n),
      version: 2,
      holdUntil: future,
    },
    {
      orderId: "held",
      status: "held",
      held: units(1n),
      sold: [],
      lines: units(1n),
      version: 1,
      holdUntil: future,
    },
    {
      orderId: "sold",
      status: "committed",
      held: [],
      sold: units(2n),
      lines: units(2n),
      version: 2,
      holdUntil: future,
    },
  ]);
});

test("a variant is counted, moved and kept alike", async () => {
  const counts = { available: 7n, held: 1n, spent: 2n };
  const same = { variantId: "lamp", counted: counts, moved: counts, lowest: 0n, keptHeld: 1n, keptSold: 2n };
  expect(await read("variants")).toEqual([same]);
});

test("the ledger is summed up by order and variant, without what came in for no order", async () => {
  const sum = (available: bigint, held: bigint, spent: bigint, taken: bigint) => [
    { of: "lamp", moved: { available, held, spent }, taken },
  ];
  expect(await read("orderLedgers")).toEqual([
    { orderId: "gone", sums: sum(0n, 0n, 0n, 3n) },
    { orderId: "held", sums: sum(-1n, 1n, 0n, 1n) },
    { orderId: "sold", sums: sum(-2n, 0n, 2n, 2n) },
  ]);
});

test("each of the three is told from its own rows", async () => {
  await opened.query("set session_replication_role = replica"); // As who can: the ledger lets nobody else.
  const seen = async (sql: string) => {
    await opened.query(sql);
    const [variant] = await read("variants");
    return variant;
  };
  expect((await seen("update variants set available = 8"))?.counted?.available).toBe(8n);
  expect((await seen("delete from movements where destination = 'sold'"))?.moved).toMatchObject({
    spent: 0n,
    held: 3n,
  });
  expect((await seen("update holds set status = 'expired' where order_id = 'held'"))?.keptHeld).toBe(0n);
  expect((await seen("delete from movements where origin = 'outside'"))?.lowest).toBe(-6n);
  await opened.query("delete from variants");
  expect(await read("variants")).toMatchObject([
    { variantId: "lamp", counted: { available: 0n }, keptSold: 2n },
  ]);
});
