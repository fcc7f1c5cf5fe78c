// What the product service knows of one order: what it heard and told, and that its hold waits for the order's end.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { factCause } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { migrations } from "./migrations.ts";
import { openStockStore, type StockStore } from "./stock.store.ts";
import { explainStock } from "./stock.why.ts";

let opened: Awaited<ReturnType<typeof openTestStore<StockStore>>>;
let store: StockStore;

beforeAll(async () => {
  opened = await openTestStore("product", migrations, openStockStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const moment = new Date("2020-01-01T00:00:00.123Z");
const holdUntil = new Date("2099-12-31T23:59:59.999Z");

const placed = (orderId: string, quantity: number) => ({
  ...{ orderId, memberId: "m", subtotal: 1n, points: 0n, amountDue: 1n, currency: "KRW" },
  lines: [{ variantId: "v", quantity, unitPrice: 1n, title: "t" }],
  ...({ type: "OrderPlaced", method: "PAYMENT_METHOD_CARD", payWithinSeconds: 600 } as const),
  ...{ placedAt: moment, pendingUntil: moment, holdUntil },
});

test("what was heard, what it led to, and what the hold waits for", async () => {
  const own = { kind: "own", id: "test" } as const;
  const variant = { variantId: "v", title: "t", price: 1n, onSale: true };
  await store.handle({ type: "CreateVariant", ...variant }, own);
  await store.handle({ type: "ReceiveStock", variantId: "v", quantity: 2 }, own);
  const explain = async (orderId: string) => {
    const { status, steps, waits } = await explainStock(store)({ orderId, factIds: [] });
    const words = steps.map(({ kind, type, causationId, detail }) => [kind, type, causationId, detail]);
    return { status, words, waits: waits.map(({ who, until }) => ({ who, until })) };
  };
  expect(await explain("o-1")).toEqual({ status: "", words: [], waits: [] });
  const [cause, another] = [factCause(), factCause()];
  await store.handle(placed("o-1", 2), cause);
  await store.handle(placed("o-2", 1), another);
  expect(await explain("o-1")).toEqual({
    status: "HELD",
    words: [
      ["STEP_KIND_HEARD", "", cause.id, "QUADRILLE_TEST 1"],
      ["STEP_KIND_TOLD", "product.stock_held", cause.id, `hold until ${holdUntil.toISOString()}`],
    ],
    waits: [{ who: "order", until: holdUntil }],
  });
  expect(await explain("o-2")).toMatchObject({
    status: "REJECTED",
    words: [{}, ["STEP_KIND_TOLD", "product.stock_rejected", another.id, "OUT_OF_STOCK, too few of v"]],
    waits: [],
  });
});
