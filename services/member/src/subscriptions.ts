// The facts the member service listens to, a line each.
import { on } from "@quadrille/bus";
import { events } from "@quadrille/contracts/events";
import type { BenefitStore } from "./benefits.store.ts";

export const subscriptions = (store: BenefitStore) => [
  on(events.orderPlaced, (fact, cause) => store.handle({ type: "OrderPlaced", ...fact }, cause)),
  on(events.orderConfirmed, (fact, cause) => store.handle({ type: "OrderConfirmed", ...fact }, cause)),
  on(events.orderCancelled, (fact, cause) => store.handle({ type: "OrderCancelled", ...fact }, cause)),
];
