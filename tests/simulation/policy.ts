// How long things may take in a run: what the services have when nobody configures them.
import type { Policy as OrderPolicy } from "@quadrille/order/order";
import type { Policy as PaymentPolicy } from "@quadrille/payment/payment";
import { callSeconds, keySeconds } from "./provider.ts";

const usual: OrderPolicy = {
  pendingSeconds: 60,
  payWithinSeconds: 600,
  unknownSeconds: 3_600,
  slackSeconds: 86_400,
};

/** A doubt about a payment outlasts the holds of its order. */
const tight: OrderPolicy = { pendingSeconds: 6, payWithinSeconds: 15, unknownSeconds: 2, slackSeconds: 0 };

export interface Policies {
  readonly order: OrderPolicy;
  readonly payment: PaymentPolicy;
}

export function policiesOf(areHoldsShort: boolean): Policies {
  const order = areHoldsShort ? tight : usual;
  const { unknownSeconds } = order;
  return { order, payment: { callSeconds: callSeconds + 2, keySeconds, unknownSeconds } };
}

export const currency = "KRW";
export const minimumCharge = 100n;
