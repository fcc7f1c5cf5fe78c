// Paying for the caller's own orders.

import type { Payment as PaymentMessage } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { Refusal } from "@quadrille/decider";
import type { Gateway } from "./app.ts";
import { KeyRequired, requestIdOf } from "./idempotency.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, operation } from "./operation.ts";
import { OrderParams, Payment, PaymentConfirmation } from "./schemas.ts";
import { required, toPayment } from "./wire.ts";

const member = ["member"] as const;
const tags = ["payments"];

export function paymentRoutes(app: Gateway, neighbours: Neighbours): void {
  const { payments } = neighbours;
  app.post(
    "/orders/:orderId/payment/confirm",
    operation(
      {
        operationId: "confirmPayment",
        tags,
        summary: "Confirms what the buyer authorised in the provider's window.",
        description: "Safe to repeat with the same key, however the first time ended.",
      },
      member,
      {
        headers: KeyRequired,
        params: OrderParams,
        body: PaymentConfirmation,
        response: { 200: answer("The payment as it stands.", Payment) },
      },
      [
        ...(["PAYMENT_UNKNOWN", "PAYMENT_NOT_READY", "PAYMENT_IN_DOUBT", "PAYMENT_DECLINED"] as const),
        ...(["PAYMENT_ENDED", "AMOUNT_MISMATCH", "REQUEST_ID_REUSED", "PROVIDER_UNAVAILABLE"] as const),
      ],
    ),
    async (request, reply) => {
      const { paymentKey, amount } = request.body;
      const { orderId } = request.params;
      const { payment } = await payments.confirmPayment(
        { requestId: requestIdOf(request), orderId, paymentKey, amount: BigInt(amount) },
        neighbours.asPayer(request, reply),
      );
      return toPayment(required(payment, "a payment"));
    },
  );
  app.get(
    "/orders/:orderId/payment",
    operation(
      { operationId: "getPayment", tags, summary: "The payment of an order." },
      member,
      { params: OrderParams, response: { 200: answer("The payment.", Payment) } },
      ["PAYMENT_UNKNOWN"],
    ),
    async (request, reply) => {
      const asked = { orderId: request.params.orderId, memberId: "" };
      const { payment } = await payments.getPayment(asked, neighbours.asCaller(request, reply));
      return toPayment(everOpen(payment));
    },
  );
}

/** Refuses PAYMENT_UNKNOWN for what an order leaves that ended before it was payable: it has no amount, nor a currency. */
export function everOpen(payment: PaymentMessage | undefined): PaymentMessage {
  const found = required(payment, "a payment");
  if (found.method === "PAYMENT_METHOD_UNSPECIFIED") throw new Refusal("PAYMENT_UNKNOWN");
  return found;
}
