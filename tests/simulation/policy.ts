// How long things may take in a run: what the services have when nobody configures them.
import type { Policy as OrderPolicy } from "@quadrille/order/order";
import type { Policy as PaymentPolicy } from "@quadrille/payment/payment";
import { callSeconds, keySeconds } from "./provider.ts";

export const orderPolicy: OrderPolicy = {
  pendingSeconds: 60,
  payWithinSeconds: 600,
  unknownSeconds: 3_600,
  slackSeconds: 86_400,
};

export const paymentPolicy: PaymentPolicy = {
  callSeconds: callSeconds + 2,
  keySeconds,
  unknownSeconds: orderPolicy.unknownSeconds,
};

export const currency = "KRW";
export const minimumCharge = 100n;
