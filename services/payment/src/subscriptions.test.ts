import { expect, test } from "@jest/globals";
import { handledBy } from "@quadrille/bus/testing/lines";
import type { PaymentStore } from "./payment.store.ts";
import { subscriptions } from "./subscriptions.ts";

test("every fact the payment service hears is handled once, under its own name, and no other", async () => {
  expect(await handledBy("payment", (store) => subscriptions(store as unknown as PaymentStore))).toEqual({});
});
