// payment-object.ts: a payment as the provider shows it, field by field of its documented Payment object.
// source: https://docs.tosspayments.com/reference#payment-객체 (version 2022-11-16), fixtures/payment-canceled.json.
import { errorMessage } from "./errors.ts";
import type { Cancel, Payment } from "./payment.ts";
import { kst } from "./timestamp.ts";

export const MERCHANT_ID = "tosspayments";
export const CARD = "카드";
const RECEIPT = "https://dashboard.tosspayments.com/receipt/redirection?transactionId=";
const CHECKOUT = "https://api.tosspayments.com/v1/payments/";

export const receiptUrl = (paymentKey: string): string => `${RECEIPT}${paymentKey}&ref=PX`;

const shownCancel = (cancel: Cancel) => ({
  transactionKey: cancel.transactionKey,
  cancelReason: cancel.reason,
  taxExemptionAmount: 0,
  canceledAt: kst(cancel.at),
  transferDiscountAmount: 0,
  easyPayDiscountAmount: 0,
  receiptKey: null,
  cancelAmount: cancel.amount,
  taxFreeAmount: 0,
  refundableAmount: cancel.balanceAfter,
  cancelStatus: "DONE",
  cancelRequestId: null,
});

const shownCard = (amount: number) => ({
  issuerCode: "71",
  acquirerCode: "71",
  number: "12345678****000*",
  installmentPlanMonths: 0,
  isInterestFree: false,
  interestPayer: null,
  approveNo: "00000000",
  useCardPoint: false,
  cardType: "신용",
  ownerType: "개인",
  acquireStatus: "READY",
  amount,
});

/** The same payment gives the same bytes: a replayed answer is made again from its snapshot. */
export function paymentObject(payment: Payment) {
  const authenticated = payment.status !== "READY";
  const supplied = Math.round(payment.balanceAmount / 1.1);
  const paid = payment.approvedAt !== null;
  return {
    mId: MERCHANT_ID,
    lastTransactionKey: payment.lastTransactionKey,
    paymentKey: payment.paymentKey,
    orderId: payment.orderId,
    orderName: payment.orderName,
    taxExemptionAmount: 0,
    status: payment.status,
    requestedAt: kst(payment.requestedAt),
    approvedAt: payment.approvedAt === null ? null : kst(payment.approvedAt),
    useEscrow: false,
    cultureExpense: false,
    card: paid ? shownCard(payment.totalAmount) : null,
    virtualAccount: null,
    transfer: null,
    mobilePhone: null,
    giftCertificate: null,
    cashReceipt: null,
    cashReceipts: null,
    discount: null,
    cancels: payment.cancels.length === 0 ? null : payment.cancels.map(shownCancel),
    secret: null,
    type: "NORMAL",
    easyPay: null,
    country: "KR",
    failure:
      payment.failureCode === null
        ? null
        : { code: payment.failureCode, message: errorMessage(payment.failureCode) },
    isPartialCancelable: true,
    receipt: paid ? { url: receiptUrl(payment.paymentKey) } : null,
    checkout: { url: `${CHECKOUT}${payment.paymentKey}/checkout` },
    currency: "KRW",
    totalAmount: payment.totalAmount,
    balanceAmount: payment.balanceAmount,
    suppliedAmount: supplied,
    vat: payment.balanceAmount - supplied,
    taxFreeAmount: 0,
    method: authenticated ? CARD : null,
    version: "2022-11-16",
    metadata: null,
  };
}

export const paymentBody = (payment: Payment): string => JSON.stringify(paymentObject(payment));
