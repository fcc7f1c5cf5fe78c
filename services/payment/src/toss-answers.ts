// toss-answers.ts: what an answer of Toss Payments proves, and nothing beyond it.
// source: https://docs.tosspayments.com/reference#payment-객체
import { z } from "zod";
import type { ProviderState } from "./payment.answers.ts";
import type { RefundAnswer } from "./payment.refunds.ts";
import type { ConfirmAnswer, QueryAsk, RefundAsk } from "./provider.ts";
import { declines, refundRefusals } from "./toss-codes.ts";
import type { Reply } from "./toss-wire.ts";

/** Nothing is left to give back. */
export const isAllGivenBack = (reply: Reply): boolean =>
  reply.kind === "reply" && reply.status === 400 && codeOf(reply.body) === "ALREADY_CANCELED_PAYMENT";

// Fields we do not know are fine; of those that only inform, a strange one must not cost us the verdict.
const code = z.string().regex(/^[A-Z][A-Z0-9_]{2,63}$/);
const words = z.string().max(40).nullish().catch(undefined);
const units = z.int().nonnegative();
const transactionKey = z.string().min(1).max(64);
const errorShape = z.object({ code });
const paymentShape = z.object({
  orderId: z.string(),
  status: code,
  currency: z.string(),
  totalAmount: units,
  balanceAmount: units,
  lastTransactionKey: transactionKey.nullish(),
  approvedAt: z.iso.datetime({ offset: true }).nullish(),
  method: words,
  card: z.object({ cardType: words }).nullish().catch(undefined),
  easyPay: z.object({ provider: words }).nullish().catch(undefined),
  failure: errorShape.nullish().catch(undefined),
  cancels: z
    .array(z.object({ transactionKey, cancelAmount: units, cancelStatus: z.string().nullish() }))
    .nullish(),
});
type Payment = z.infer<typeof paymentShape>;
type Unknown = { readonly kind: "unknown"; readonly why: string };

const unknown = (why: string): Unknown => ({ kind: "unknown", why });

export function confirmAnswer(reply: Reply, ask: QueryAsk): ConfirmAnswer {
  if (reply.kind === "failed") return unknown(reply.why);
  if (reply.status !== 200) {
    const refused = codeOf(reply.body);
    const isDecline = (reply.status === 400 || reply.status === 403) && declines.has(refused);
    return isDecline ? { kind: "declined", code: refused } : unknown(`HTTP_${reply.status} ${refused}`);
  }
  const payment = paymentOf(reply.body);
  if (payment === undefined) return unknown("UNDECODABLE");
  if (payment.orderId !== ask.orderId) return unknown("ORDER_MISMATCH");
  if (payment.status !== "DONE") return unknown(`STATUS_${payment.status}`);
  if (BigInt(payment.totalAmount) !== ask.amount) return unknown("AMOUNT_MISMATCH");
  return approved(payment, ask);
}

export function queryAnswer(reply: Reply, ask: QueryAsk): ProviderState {
  if (reply.kind === "failed") return unknown(reply.why);
  if (reply.status !== 200) {
    const refused = codeOf(reply.body);
    const isAbsent = reply.status === 404 && refused === "NOT_FOUND_PAYMENT";
    return isAbsent ? { kind: "absent" } : unknown(`HTTP_${reply.status} ${refused}`);
  }
  const payment = paymentOf(reply.body);
  if (payment === undefined) return unknown("UNDECODABLE");
  if (payment.orderId !== ask.orderId) return { kind: "foreign" };
  switch (payment.status) {
    case "DONE": {
      const taken = BigInt(payment.totalAmount);
      const isOther = taken !== ask.amount && payment.currency === ask.currency;
      return isOther ? { kind: "mismatch", amount: taken } : approved(payment, ask);
    }
    case "ABORTED":
    case "EXPIRED":
      return { kind: "declined", code: payment.failure?.code ?? payment.status };
    case "CANCELED":
      return payment.balanceAmount === 0
        ? { kind: "declined", code: payment.status }
        : unknown("BALANCE_MISMATCH");
    case "READY":
    case "IN_PROGRESS":
      return { kind: "running", status: payment.status };
    default: // A deposit that is waited for, a part given back, a status of tomorrow.
      return unknown(`STATUS_${payment.status}`);
  }
}

export function refundAnswer(reply: Reply, ask: RefundAsk): RefundAnswer {
  if (reply.kind === "failed") return unknown(reply.why);
  if (reply.status !== 200) {
    const refused = codeOf(reply.body);
    const isRefusal = reply.status >= 400 && reply.status < 500 && refundRefusals.has(refused);
    return isRefusal ? { kind: "refused", code: refused } : unknown(`HTTP_${reply.status} ${refused}`);
  }
  const payment = paymentOf(reply.body);
  if (payment === undefined) return unknown("UNDECODABLE");
  if (payment.orderId !== ask.orderId) return unknown("ORDER_MISMATCH");
  if (payment.status !== "CANCELED" && payment.status !== "PARTIAL_CANCELED") {
    return unknown(`STATUS_${payment.status}`);
  }
  // An answer that is repeated for the same key is the first one, byte by byte: its last refund is ours.
  const last = payment.cancels?.find((cancel) => cancel.transactionKey === payment.lastTransactionKey);
  if (last === undefined || BigInt(last.cancelAmount) !== ask.amount) return unknown("AMOUNT_MISMATCH");
  if (last.cancelStatus !== "DONE") return unknown("REFUND_RUNNING");
  return { kind: "refunded", transactionKey: last.transactionKey };
}

/**
 * Asked for a refund when nothing is left to give back. It is ours if one of that amount was made: the answer to it
 * was lost, and the provider forgot its key. Else somebody gave the money back otherwise, and a person has to look.
 */
export function givenBackAnswer(reply: Reply, ask: RefundAsk): RefundAnswer {
  if (reply.kind === "failed") return unknown(reply.why);
  const payment = reply.status === 200 ? paymentOf(reply.body) : undefined;
  if (payment?.orderId !== ask.orderId || payment.balanceAmount !== 0) return unknown("BALANCE_MISMATCH");
  const ours = payment.cancels?.find(
    (cancel) => BigInt(cancel.cancelAmount) === ask.amount && cancel.cancelStatus === "DONE",
  );
  return ours === undefined
    ? { kind: "refused", code: "ALREADY_CANCELED_PAYMENT" }
    : { kind: "refunded", transactionKey: ours.transactionKey };
}

/** The provider's code, or UNDECODABLE: whatever else a body holds stays in it. */
export function codeOf(body: string): string {
  return errorShape.safeParse(parsed(body)).data?.code ?? "UNDECODABLE";
}

function approved(payment: Payment, ask: QueryAsk): ConfirmAnswer {
  const { approvedAt, lastTransactionKey, method, card, easyPay } = payment;
  if (payment.currency !== ask.currency) return unknown("CURRENCY_MISMATCH");
  if (!approvedAt || !lastTransactionKey) return unknown("UNDECODABLE");
  const paidWith = [method, card?.cardType, easyPay?.provider].filter(Boolean).join(" ");
  return { kind: "approved", transactionKey: lastTransactionKey, paidWith, approvedAt: new Date(approvedAt) };
}

function paymentOf(body: string): Payment | undefined {
  return paymentShape.safeParse(parsed(body)).data;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
