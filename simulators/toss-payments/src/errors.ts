// errors.ts: every refusal the simulator gives on its own, with the HTTP status the provider documents for it.
// source: https://docs.tosspayments.com/reference/error-codes (codes and statuses; the sentences are ours).
export type Answer<Body = string> = Readonly<{ status: number; body: Body }>;

const CATALOGUE: Readonly<Record<string, readonly [status: number, message: string]>> = {
  INVALID_REQUEST: [400, "The request is malformed or lacks a field."],
  ALREADY_PROCESSED_PAYMENT: [400, "This payment was confirmed before."],
  ALREADY_CANCELED_PAYMENT: [400, "This payment was canceled before."],
  PROVIDER_ERROR: [400, "The card network failed for a moment. Try again later."],
  DUPLICATED_ORDER_ID: [400, "Another payment of this order was confirmed or canceled before."],
  BELOW_MINIMUM_AMOUNT: [400, "A card payment is 100 won or more."],
  INVALID_ORDER_ID: [400, "An orderId has 6 to 64 letters, digits, '-', '_' or '='."],
  INVALID_IDEMPOTENCY_KEY: [400, "An Idempotency-Key has at most 300 characters."],
  INVALID_TRANSACTION_KEY: [400, "No such transaction to page from."],
  INVALID_DATE_FORMAT: [400, "startDate and endDate are yyyy-MM-ddTHH:mm:ss, the earlier one first."],
  INVALID_REJECT_CARD: [400, "The card issuer refused the card."],
  INVALID_CARD_EXPIRATION: [400, "The card's expiry date is wrong."],
  INVALID_STOPPED_CARD: [400, "The card is suspended."],
  INVALID_CARD_LOST_OR_STOLEN: [400, "The card is reported lost or stolen."],
  INVALID_CARD_NUMBER: [400, "The card number is wrong."],
  INVALID_CARD_INSTALLMENT_PLAN: [400, "The instalment plan is wrong."],
  EXCEED_MAX_DAILY_PAYMENT_COUNT: [400, "Too many payments today."],
  EXCEED_MAX_PAYMENT_AMOUNT: [400, "Above what may be paid in a day."],
  EXCEED_MAX_AMOUNT: [400, "Above the limit of a payment."],
  NOT_MATCHES_REFUNDABLE_AMOUNT: [400, "The refundable amount differs."],
  REFUND_REJECTED: [400, "The refund was refused by the issuer."],
  UNAUTHORIZED_KEY: [401, "The secret key is unknown."],
  INCORRECT_BASIC_AUTH_FORMAT: [403, "The secret key is encoded together with a colon after it."],
  FORBIDDEN_REQUEST: [403, "The values differ from those of the payment request."],
  REJECT_CARD_PAYMENT: [403, "The card's limit or balance does not cover the payment."],
  REJECT_CARD_COMPANY: [403, "The card issuer refused the payment."],
  REJECT_ACCOUNT_PAYMENT: [403, "The account's balance does not cover the payment."],
  EXCEED_MAX_AUTH_COUNT: [403, "Too many authentication attempts."],
  EXCEED_MAX_ONE_DAY_AMOUNT: [403, "Above the limit of one day."],
  INVALID_PASSWORD: [403, "The payment password is wrong."],
  FDS_ERROR: [403, "The payment was held as suspicious."],
  NOT_CANCELABLE_AMOUNT: [403, "More than what is left to refund."],
  NOT_CANCELABLE_PAYMENT: [403, "Nothing was captured that could be canceled."],
  FORBIDDEN_CONSECUTIVE_REQUEST: [403, "The same request came too soon again."],
  EXCEED_MAX_REFUND_DUE: [403, "Too late for a refund."],
  PAY_PROCESS_CANCELED: [400, "The buyer left the payment window."],
  NOT_FOUND: [404, "No such resource."],
  NOT_FOUND_PAYMENT: [404, "No such payment."],
  NOT_FOUND_PAYMENT_SESSION: [404, "The payment session does not exist or has expired."],
  IDEMPOTENT_REQUEST_PROCESSING: [409, "The first request with this Idempotency-Key is still running."],
  FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING: [500, "The payment could not be completed."],
  FAILED_INTERNAL_SYSTEM_PROCESSING: [500, "An internal operation failed."],
  UNKNOWN_PAYMENT_ERROR: [500, "The payment failed for an unknown reason."],
  // Not the provider's: what the simulator says when one of its own limits is reached.
  SIMULATOR_FULL: [503, "The simulator holds as much as it may. Start it with a larger MAX_PAYMENTS."],
};

/** A code looks like the provider's; one outside the catalogue is answered with HTTP 400. */
export const looksLikeCode = (text: unknown): text is string =>
  typeof text === "string" && /^[A-Z][A-Z0-9_]{2,63}$/.test(text);

export function errorAnswer(code: string, detail?: string): Answer {
  const [status, message] = CATALOGUE[code] ?? [400, "An error asked for by its code."];
  return { status, body: JSON.stringify({ code, message: detail ?? message }) };
}

export const errorMessage = (code: string): string =>
  CATALOGUE[code]?.[1] ?? "An error asked for by its code.";
