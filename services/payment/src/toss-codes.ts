// toss-codes.ts: which error codes of Toss Payments prove something, and which we cause ourselves.
// source: https://docs.tosspayments.com/reference/error-codes

/**
 * The closed list: the card, the account, its limits or the buyer were refused, so surely nothing was taken.
 * Left out on purpose, though they read like a "no":
 * - PROVIDER_ERROR, CARD_PROCESSING_ERROR: the card network may have acted before it failed.
 * - ALREADY_PROCESSED_PAYMENT, DUPLICATED_ORDER_ID: somebody was charged; asking tells who.
 * - NOT_FOUND_PAYMENT, NOT_FOUND_PAYMENT_SESSION: nothing more can be taken, but it may have been taken before.
 * - FDS_ERROR: the buyer can still lift it. NOT_AVAILABLE_BANK, NOT_AVAILABLE_PAYMENT: a later hour can.
 * - INVALID_REQUEST, FORBIDDEN_REQUEST and what is wrong with our own account: says nothing about the money.
 */
export const declines: ReadonlySet<string> = new Set([
  "BELOW_MINIMUM_AMOUNT",
  "EXCEED_MAX_AMOUNT",
  "EXCEED_MAX_AUTH_COUNT",
  "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
  "EXCEED_MAX_DAILY_PAYMENT_COUNT",
  "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
  "EXCEED_MAX_ONE_DAY_AMOUNT",
  "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT",
  "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
  "EXCEED_MAX_PAYMENT_AMOUNT",
  "INVALID_ACCOUNT_INFO_RE_REGISTER",
  "INVALID_CARD_EXPIRATION",
  "INVALID_CARD_INSTALLMENT_PLAN",
  "INVALID_CARD_LOST_OR_STOLEN",
  "INVALID_CARD_NUMBER",
  "INVALID_PASSWORD",
  "INVALID_REJECT_CARD",
  "INVALID_STOPPED_CARD",
  "NOT_ALLOWED_POINT_USE",
  "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
  "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN",
  "REJECT_ACCOUNT_PAYMENT",
  "REJECT_CARD_COMPANY",
  "REJECT_CARD_PAYMENT",
  "REJECT_TOSSPAY_INVALID_ACCOUNT",
  "RESTRICTED_TRANSFER_ACCOUNT",
]);

/** A refund that was refused for good, again a closed list: what is not in it is asked again. */
export const refundRefusals: ReadonlySet<string> = new Set([
  "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT",
  "EXCEED_CANCEL_LIMIT",
  "EXCEED_MAX_REFUND_DUE",
  "FORBIDDEN_BANK_REFUND_REQUEST",
  "NOT_ALLOWED_PARTIAL_REFUND",
  "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT",
  "NOT_CANCELABLE_AMOUNT",
  "NOT_CANCELABLE_PAYMENT",
  "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER",
  "NOT_FOUND_PAYMENT",
  "NOT_MATCHES_REFUNDABLE_AMOUNT",
  "REFUND_REJECTED",
]);

/** Our own key is wrong, whatever the HTTP status: nobody can pay until a person mends it. */
export const keyFaults: ReadonlySet<string> = new Set([
  "INCORRECT_BASIC_AUTH_FORMAT",
  "INVALID_API_KEY",
  "UNAUTHORIZED_KEY",
]);
