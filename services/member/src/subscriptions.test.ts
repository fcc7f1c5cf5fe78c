import { expect, test } from "@jest/globals";
import { handledBy } from "@quadrille/bus/testing/lines";
import type { BenefitStore } from "./benefits.store.ts";
import { subscriptions } from "./subscriptions.ts";

test("every fact the member service hears is handled once, under its own name, and no other", async () => {
  expect(await handledBy("member", (store) => subscriptions(store as unknown as BenefitStore))).toEqual({});
});
