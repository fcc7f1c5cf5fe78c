// The facts the product service listens to, a line each.
import { on } from "@quadrille/bus";
import { events } from "@quadrille/contracts/events";
import type { StockStore } from "./stock.store.ts";

export const subscriptions = (store: StockStore) => [
  on(events.orderPlaced, (fact, cause) => store.handle({ type: "OrderPlaced", ...fact }, cause)),
  on(events.orderConfirmed, (fact, cause) => store.handle({ type: "OrderConfirmed", ...fact }, cause)),
  on(events.orderCancelled, (fact, cause) => store.handle({ type: "OrderCancelled", ...fact }, cause)),
];
