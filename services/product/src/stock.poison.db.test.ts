// A full group of holds of which two cannot be: each buyer beside them is served once.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FactCause } from "@quadrille/contracts/envelope";
import { factCause } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { migrations } from "./migrations.ts";
import { line, placed } from "./stock.examples.ts";
import { openStockStore, type StockStore } from "./stock.store.ts";

const most = 256;
const holdUntil = new Date("2099-12-31T23:59:59.999Z");
const own = { kind: "own", id: "test" } as const;

let opened: Awaited<ReturnType<typeof openTestStore<StockStore>>>;
beforeAll(async () => {
  opened = await openTestStore("product", migrations, openStockStore);
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

test("among 256 holds of one variant an impossible and an unstorable one cost the 254 others nothing", async () => {
  const { store, query } = opened;
  const create = {
    type: "CreateVariant",
    variantId: "v",
    title: "A thing",
    price: 1n,
    onSale: true,
  } as const;
  await store.handle(create, own);
  await store.handle({ type: "ReceiveStock", variantId: "v", quantity: 1_000 }, own);

  const [impossible, unstorable] = [31, 222];
  const orders = Array.from({ length: most }, (_, index) => {
    const quantity = index === impossible ? 0 : 1;
    // No text column takes a NUL, which is seen only when the fact that tells of the hold is written.
    const cause: FactCause = { ...factCause(), traceparent: index === unstorable ? "00-\0" : undefined };
    const input = { ...placed, orderId: `order-${index}`, lines: [line("v", quantity)], holdUntil };
    return { input, cause };
  });
  const giveAll = async (to: StockStore) => {
    const results = await Promise.allSettled(orders.map(({ input, cause }) => to.handle(input, cause)));
    return results.flatMap((result, index) =>
      result.status === "rejected" ? [[index, result.reason] as const] : [],
    );
  };
  const poisoned = [
    [impossible, expect.objectContaining({ code: "INVALID_REQUEST" })],
    [unstorable, expect.objectContaining({ name: "TransactionFailed", kind: "data" })],
  ];
  const once = async () => {
    const [variant] = await query("select available, held, sold from variants where variant_id = 'v'");
    expect(variant).toEqual({ available: 746, held: 254, sold: 0 });
    const [kept] = await query(`select
      (select count(*)::int from holds where status = 'held' and version = 1) as holds,
      (select count(*)::int from outbox where type = 'product.stock_held') as told,
      (select count(distinct aggregate_id)::int from outbox) as about,
      (select count(*)::int from movements where destination = 'held') as moved,
      (select count(*)::int from inbox) as heard`);
    expect(kept).toEqual({ holds: 254, told: 254, about: 254, moved: 254, heard: 254 });
  };

  let commits = 0;
  store.onCommit(() => {
    commits += 1;
  });
  expect(await giveAll(store)).toEqual(poisoned);
  expect(commits).toBe(8); // A half, a quarter, and so on until the unstorable one was alone.
  await once();

  // Heard again by another replica: its 254 are known, its two are as impossible as before.
  const other = await opened.replica();
  expect(await giveAll(other)).toEqual(poisoned);
  expect(other.duplicates).toBe(254);
  await once();
});
