// Payments over gRPC: a member confirms and sees their own, operators and services see those they name.
import {
  type Payment as PaymentMessage,
  PaymentServiceService,
  type PaymentStatus,
  ResolvePaymentResponse,
} from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { Refusal, type Rows, row } from "@quadrille/decider";
import { fields, type Service, service } from "@quadrille/rpc";
import { cutPage, momentAndId, momentAndIdKey, type Page, pageOf } from "@quadrille/rpc/page";
import { callerName, memberOf, reply, requestCause } from "@quadrille/rpc/request";
import type { Charging } from "./charging.ts";
import type { Resolution } from "./payment.resolve.ts";
import type { NewerThan, PaymentStore } from "./payment.store.ts";
import type { LivePayment, PaymentTables, Policy } from "./payment.ts";

export interface PaymentRpcConfig {
  readonly store: PaymentStore;
  readonly charging: Charging;
  readonly policy: Policy;
  readonly newId: () => string;
}

export function paymentRpc({ store, charging, policy, newId }: PaymentRpcConfig): Service {
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
          { orderId, memberId, paymentKey, amount, attemptId: newId() },
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
      async listStuckPayments(request) {
        const wanted = pageOf(request);
        const { unknownSeconds } = policy;
        const after = newerThan(wanted);
        const found = await store.stuck({ unknownSeconds, after, most: wanted.size + 1 });
        const { page, nextPageToken } = cutPage(found, wanted, ({ since, orderId }) =>
          momentAndIdKey({ moment: since, id: orderId }),
        );
        const payments = page.map(({ orderId, payment, since }) => {
          return {
            payment: toMessage(orderId, payment),
            memberId: payment.memberId,
            since,
            why: payment.why,
          };
        });
        return { payments, nextPageToken };
      },
      async resolvePayment(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const orderId = read.id("order_id", request.orderId);
        const wanted = read.oneOf("resolution", request.resolution, [
          "RESOLUTION_CAPTURED",
          "RESOLUTION_NOT_CAPTURED",
          "RESOLUTION_REFUNDED",
          "RESOLUTION_RETRY",
        ]);
        const isCaptured = wanted === "RESOLUTION_CAPTURED";
        const { transactionKey } = request;
        if (isCaptured) read.text("transaction_key", transactionKey, { max: 64 });
        else read.check("transaction_key", transactionKey === "", "is only for what was captured");
        const note = read.text("note", request.note, { max: 500 });
        read.done();
        const resolution = wanted.slice("RESOLUTION_".length) as Resolution;
        const by = callerName(call.caller);
        return await store.handle(
          { type: "ResolvePayment", orderId, resolution, transactionKey, by, note, policy },
          requestCause("ResolvePayment", requestId, call),
          reply(ResolvePaymentResponse, paymentIn(orderId)),
        );
      },
    },
    {
      confirmPayment: ["member"],
      getPayment: ["member", "operator", "service"],
      listStuckPayments: ["operator"],
      resolvePayment: ["operator"],
    },
  );
}

function paymentIn(orderId: string) {
  return (rows: Rows<PaymentTables>) => {
    const payment = row(rows.payments, orderId);
    return { payment: payment.status === "absent" ? undefined : toMessage(orderId, payment) };
  };
}

function newerThan({ after }: Page): NewerThan | undefined {
  if (after === undefined) return undefined;
  const { moment, id } = momentAndId(after);
  return { since: moment, orderId: id };
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
    refunded: payment.refunds.reduce(
      (sum, refund) => (refund.state === "done" ? sum + refund.amount : sum),
      0n,
    ),
  };
}
