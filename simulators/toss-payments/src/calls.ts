// calls.ts: the five requests of the provider's API, checked and turned into what they do to the book.
import type { FastifyRequest } from "fastify";
import type { Outcome } from "./book.ts";
import { type Desk, newTransactionKey } from "./desk.ts";
import { type Answer, errorAnswer } from "./errors.ts";
import type { Asked } from "./fault-rules.ts";
import type { Entry } from "./ledger.ts";
import type { Payment } from "./payment.ts";
import { CARD, MERCHANT_ID, receiptUrl } from "./payment-object.ts";
import { kst, parseKst } from "./timestamp.ts";

/** What a fault may change about an effect. */
export type Bent = Readonly<{ declineWith?: string | undefined; amount?: number | undefined }>;
/** A checked request: whom it is about, what it does. */
export type Call = Asked &
  Readonly<{
    amount?: number;
    perform: (bent: Bent, scope: string | undefined) => Pick<Outcome, "answer"> & Partial<Outcome>;
  }>;

const REASON_LENGTH_MAX = 200;
const PAGE = 100;
const PAGE_MAX = 5_000;

export const isAmount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0;
export const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= most;
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

export function confirmCall(desk: Desk, request: FastifyRequest): Call | Answer {
  const { paymentKey, orderId, amount } = fields(request.body);
  if (!isText(paymentKey, 200) || !isText(orderId, 64) || !isAmount(amount))
    return errorAnswer("INVALID_REQUEST");
  return {
    operation: "confirm",
    paymentKey,
    orderId,
    amount,
    perform: (bent, scope) =>
      desk.book.apply(
        paymentKey,
        {
          type: "Confirm",
          orderId,
          amount,
          transactionKey: newTransactionKey(),
          orderTaken: desk.book.orderTaken(orderId, paymentKey),
          declineWith: bent.declineWith,
          captureAmount: bent.amount,
        },
        desk.now(),
        scope,
      ),
  };
}

export function cancelCall(desk: Desk, request: FastifyRequest): Call | Answer {
  const { paymentKey } = request.params as { paymentKey: string };
  const { cancelReason, cancelAmount = null } = fields(request.body);
  if (!isText(cancelReason, REASON_LENGTH_MAX) || (cancelAmount !== null && !isAmount(cancelAmount))) {
    return errorAnswer("INVALID_REQUEST");
  }
  return {
    operation: "cancel",
    paymentKey,
    orderId: desk.book.find(paymentKey, desk.now())?.orderId ?? "",
    perform: (_bent, scope) =>
      desk.book.apply(
        paymentKey,
        {
          type: "Cancel",
          reason: cancelReason,
          amount: cancelAmount ?? undefined,
          transactionKey: newTransactionKey(),
        },
        desk.now(),
        scope,
      ),
  };
}

export function queryByKey(desk: Desk, request: FastifyRequest): Call {
  const { paymentKey } = request.params as { paymentKey: string };
  return query({ paymentKey, orderId: "" }, () => desk.book.find(paymentKey, desk.now()));
}

export function queryByOrder(desk: Desk, request: FastifyRequest): Call {
  const { orderId } = request.params as { orderId: string };
  return query({ paymentKey: "", orderId }, () => desk.book.findByOrder(orderId, desk.now()));
}

function query(asked: { paymentKey: string; orderId: string }, find: () => Payment | undefined): Call {
  const { paymentKey, orderId } = find() ?? asked;
  // Looked up again when it is answered: a fault may have held the question for a while.
  const perform = () => {
    const payment = find();
    return {
      answer: payment === undefined ? errorAnswer("NOT_FOUND_PAYMENT") : { status: 200, body: payment },
    };
  };
  return { operation: "query", paymentKey, orderId, perform };
}

/** source: https://docs.tosspayments.com/guides/apis/transactions */
export function listCall(desk: Desk, request: FastifyRequest): Call | Answer {
  const {
    startDate = "",
    endDate = "",
    startingAfter,
    limit = `${PAGE}`,
  } = request.query as Record<string, string>;
  const from = parseKst(startDate);
  const last = parseKst(endDate);
  if (from === undefined || last === undefined || from > last) return errorAnswer("INVALID_DATE_FORMAT");
  const rows = Number(limit);
  if (!isAmount(rows) || rows > PAGE_MAX) return errorAnswer("INVALID_REQUEST");
  // An end without milliseconds means the whole second; a bare day is its first one.
  const to = endDate.includes(".") ? last + 1 : last + 1_000;
  return {
    operation: "list",
    paymentKey: "",
    orderId: "",
    perform: () => {
      const entries = desk.ledger.between({ from, to, after: startingAfter, limit: rows });
      if (entries === undefined) return { answer: errorAnswer("INVALID_TRANSACTION_KEY") };
      return { answer: { status: 200, body: JSON.stringify(entries.map(transaction)) } };
    },
  };
}

/** Amounts are positive in every row; the status tells a capture from a refund. */
const transaction = (entry: Entry) => ({
  mId: MERCHANT_ID,
  transactionKey: entry.transactionKey,
  paymentKey: entry.paymentKey,
  orderId: entry.orderId,
  method: CARD,
  customerKey: entry.customerKey,
  useEscrow: false,
  receiptUrl: receiptUrl(entry.paymentKey),
  status: entry.status,
  transactionAt: kst(entry.at),
  currency: "KRW",
  amount: entry.amount,
});
