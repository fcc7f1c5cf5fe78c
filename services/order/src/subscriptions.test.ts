import { expect, test } from "@jest/globals";
import { handledBy } from "@quadrille/bus/testing/lines";
import type { OrderStore } from "./order.store.ts";
import { subscriptions } from "./subscriptions.ts";

test("every fact the order service hears is handled once, under its own name; holds are judged by the policy", async () => {
  const policy = { pendingSeconds: 1, payWithinSeconds: 2, unknownSeconds: 3, slackSeconds: 4 };
  expect(await handledBy("order", (store) => subscriptions(store as unknown as OrderStore, policy))).toEqual({
    StockHeld: { policy },
    BenefitsHeld: { policy },
  });
});
