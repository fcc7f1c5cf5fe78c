// Payments over gRPC: a member confirms and sees their own, operators and services see those they name.
import {
  type Payment as PaymentMessage,
  PaymentServiceService,
  type PaymentStatus,
} from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { Refusal } from "@quadrille/decider";
import { fields, type Service, service } from "@quadrille/rpc";
import { memberOf, requestCause } from "@quadrille/rpc/request";
import type { Charging } from "./charging.ts";
import type { PaymentStore } from "./payment.store.ts";
import type { LivePayment } from "./payment.ts";

export function paymentRpc(store: PaymentStore, charging: Charging, newId: () => string): Service {
  return service(
    PaymentServiceService,
    {
      async confirmPayment(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const orderId = read.id("order_id", request.orderId);
        const paymentKey = read.text("payment_key", request.paymentKey, { max: 200 });
        const amount = read.integer("amount", request.amount, { min: 1n });
        read.done();
        const memberId = memberOf(call.caller, "");
        const payment = await charging.confirm(
          { type: "ConfirmPayment", orderId, memberId, paymentKey, amount, attemptId: newId() },
          requestCause("ConfirmPayment", requestId, call),
          call.signal,
        );
        return { payment: toMessage(orderId, payment) };
      },
      async getPayment(request, call) {
        const read = fields();
        const orderId = read.id("order_id", request.orderId);
        read.done();
        const memberId = memberOf(call.caller, request.memberId);
        const payment = await store.payment(orderId);
        if (payment.status === "absent" || payment.memberId !== memberId)
          throw new Refusal("PAYMENT_UNKNOWN");
        return { payment: toMessage(orderId, payment) };
      },
    },
    {
      confirmPayment: ["member"],
      getPayment: ["member", "operator", "service"],
    },
  );
}

const statuses = {
  ready: "PAYMENT_STATUS_READY",
  confirming: "PAYMENT_STATUS_CONFIRMING",
  unknown: "PAYMENT_STATUS_UNKNOWN",
  approved: "PAYMENT_STATUS_APPROVED",
  declined: "PAYMENT_STATUS_DECLINED",
  voided: "PAYMENT_STATUS_VOIDED",
  refunding: "PAYMENT_STATUS_REFUNDING",
  refunded: "PAYMENT_STATUS_REFUNDED",
} as const satisfies Record<LivePayment["status"], PaymentStatus>;

function toMessage(orderId: string, payment: LivePayment): PaymentMessage {
  const { amountDue, currency, method, payBy, verdict } = payment;
  const approved = verdict?.type === "payment.approved" ? verdict.data : undefined;
  return {
    orderId,
    status: statuses[payment.status],
    amountDue,
    currency,
    method,
    payBy,
    approvedAt: approved?.approvedAt,
    transactionKey: approved?.transactionKey ?? "",
    reason: verdict !== undefined && "reason" in verdict.data ? verdict.data.reason : "",
    refunded: payment.refunds.reduce((sum, refund) => (refund.isDone ? sum + refund.amount : sum), 0n),
  };
}
