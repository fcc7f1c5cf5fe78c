// The facts the order service listens to, and what each one means to an order.
import { on } from "@quadrille/bus";
import { events } from "@quadrille/contracts/events";
import type { OrderStore } from "./order.store.ts";
import type { Policy } from "./order.ts";

export const subscriptions = (store: OrderStore, policy: Policy) => [
  on(events.stockHeld, (fact, cause) => store.handle({ type: "StockHeld", policy, ...fact }, cause)),
  on(events.stockRejected, (fact, cause) => store.handle({ type: "StockRejected", ...fact }, cause)),
  on(events.stockCommitted, (fact, cause) => store.handle({ type: "StockCommitted", ...fact }, cause)),
  on(events.stockReleased, (fact, cause) => store.handle({ type: "StockReleased", ...fact }, cause)),
  on(events.stockCommitFailed, (fact, cause) => store.handle({ type: "StockCommitFailed", ...fact }, cause)),
  on(events.benefitsHeld, (fact, cause) => store.handle({ type: "BenefitsHeld", policy, ...fact }, cause)),
  on(events.benefitsRejected, (fact, cause) => store.handle({ type: "BenefitsRejected", ...fact }, cause)),
  on(events.benefitsSpent, (fact, cause) => store.handle({ type: "BenefitsSpent", ...fact }, cause)),
  on(events.benefitsSpendFailed, (fact, cause) =>
    store.handle({ type: "BenefitsSpendFailed", ...fact }, cause),
  ),
  on(events.benefitsReleased, (fact, cause) => store.handle({ type: "BenefitsReleased", ...fact }, cause)),
  on(events.paymentApproved, (fact, cause) => store.handle({ type: "PaymentApproved", ...fact }, cause)),
  on(events.paymentDeclined, (fact, cause) => store.handle({ type: "PaymentDeclined", ...fact }, cause)),
  on(events.paymentVoided, (fact, cause) => store.handle({ type: "PaymentVoided", ...fact }, cause)),
  on(events.paymentRefunded, (fact, cause) => store.handle({ type: "PaymentRefunded", ...fact }, cause)),
];
