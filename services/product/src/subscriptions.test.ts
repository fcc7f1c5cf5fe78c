import { expect, test } from "@jest/globals";
import { handledBy } from "@quadrille/bus/testing/lines";
import type { StockStore } from "./stock.store.ts";
import { subscriptions } from "./subscriptions.ts";

test("every fact the product service hears is handled once, under its own name, and no other", async () => {
  expect(await handledBy("product", (store) => subscriptions(store as unknown as StockStore))).toEqual({});
});
