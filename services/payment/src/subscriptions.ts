// The facts the payment service listens to, a line each.
import { on } from "@quadrille/bus";
import { events } from "@quadrille/contracts/events";
import type { PaymentStore } from "./payment.store.ts";

export const subscriptions = (store: PaymentStore) => [
  on(events.orderPayable, (fact, cause) => store.handle({ type: "OrderPayable", ...fact }, cause)),
  on(events.orderCancelRequested, (fact, cause) =>
    store.handle({ type: "OrderCancelRequested", ...fact }, cause),
  ),
  on(events.orderCancelled, (fact, cause) => store.handle({ type: "OrderCancelled", ...fact }, cause)),
  on(events.orderConfirmationFailed, (fact, cause) =>
    store.handle({ type: "OrderConfirmationFailed", ...fact }, cause),
  ),
];
