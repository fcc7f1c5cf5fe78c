// What a payment answers to every input in every state. The tests compare `decide` with it, and the docs print it.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { acts, type Cell, quiet, refuses } from "@quadrille/decider/table";
import type { Payment, PaymentFact, PaymentInput } from "./payment.ts";

/** The part after the comma is the special case. Unless it says otherwise money is due and the order wants it. */
export type State =
  | Payment["status"]
  | "ready, overdue"
  | "confirming, unwanted"
  | "unknown, unwanted"
  | "approved, nothing due"
  | "voided, tombstone"
  | "refunding, declined"
  | "refunded, declined";

/** Unless it says otherwise the provider took the money, and the key is the one of the attempt. */
export type Input =
  | PaymentInput["type"]
  | "OrderPayable, nothing due"
  | "OrderPayable, past pay_by"
  | "ConfirmPayment, other key"
  | "ConfirmPayment, foreign member"
  | "ConfirmPayment, other amount"
  | "ProviderAnswered, declined"
  | "ProviderAnswered, unknown"
  | "ProviderAnswered, other attempt"
  | "ProviderRefunded, other number";

type Name =
  | Exclude<PaymentFact["type"], "payment.voided">
  | "payment.voided CANCELLED"
  | "payment.voided EXPIRED";
type Row = Record<Input, Cell<Payment["status"], Name, RefusalCode>>;

export function nameOf(fact: PaymentFact): string {
  return fact.type === "payment.voided" ? `${fact.type} ${fact.data.reason}` : fact.type;
}

const absent = {
  OrderPayable: acts("ready", "payment.opened"),
  "OrderPayable, nothing due": acts("approved", "payment.opened", "payment.approved"),
  "OrderPayable, past pay_by": acts("voided", "payment.opened", "payment.voided EXPIRED"),
  OrderCancelRequested: acts("voided", "payment.voided CANCELLED"),
  OrderCancelled: acts("voided", "payment.voided CANCELLED"),
  OrderConfirmationFailed: acts("voided", "payment.voided CANCELLED"),
  ConfirmPayment: refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, other key": refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, other amount": refuses("PAYMENT_NOT_READY"),
  ProviderAnswered: quiet,
  "ProviderAnswered, declined": quiet,
  "ProviderAnswered, unknown": quiet,
  "ProviderAnswered, other attempt": quiet,
  ProviderRefunded: quiet,
  "ProviderRefunded, other number": quiet,
  DeadlinePassed: quiet,
} satisfies Row;

const ready = {
  OrderPayable: quiet,
  "OrderPayable, nothing due": quiet,
  "OrderPayable, past pay_by": quiet,
  OrderCancelRequested: acts("voided", "payment.voided CANCELLED"),
  OrderCancelled: acts("voided", "payment.voided CANCELLED"),
  OrderConfirmationFailed: acts("voided", "payment.voided CANCELLED"),
  ConfirmPayment: acts("confirming", "attemptStarted"),
  "ConfirmPayment, other key": acts("confirming", "attemptStarted"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  ProviderAnswered: quiet,
  "ProviderAnswered, declined": quiet,
  "ProviderAnswered, unknown": quiet,
  "ProviderAnswered, other attempt": quiet,
  ProviderRefunded: quiet,
  "ProviderRefunded, other number": quiet,
  DeadlinePassed: quiet,
} satisfies Row;

const confirming = {
  OrderPayable: quiet,
  "OrderPayable, nothing due": quiet,
  "OrderPayable, past pay_by": quiet,
  OrderCancelRequested: quiet, // The provider's answer will be the verdict.
  OrderCancelled: acts("confirming", "madeUnwanted"),
  OrderConfirmationFailed: acts("confirming", "madeUnwanted"),
  ConfirmPayment: quiet, // The attempt under way will be the answer.
  "ConfirmPayment, other key": refuses("PAYMENT_IN_DOUBT"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  ProviderAnswered: acts("approved", "payment.approved"),
  "ProviderAnswered, declined": acts("declined", "payment.declined"),
  "ProviderAnswered, unknown": acts("unknown", "answerDoubted"),
  "ProviderAnswered, other attempt": quiet,
  ProviderRefunded: quiet,
  "ProviderRefunded, other number": quiet,
  DeadlinePassed: quiet, // The provider may have taken it: only its answer ends this.
} satisfies Row;

const unknown = {
  ...confirming,
  OrderCancelled: acts("unknown", "madeUnwanted"),
  OrderConfirmationFailed: acts("unknown", "madeUnwanted"),
  "ProviderAnswered, unknown": quiet,
} satisfies Row;

/** The order has ended: what was taken goes back at once. */
const unwanted = {
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  ProviderAnswered: acts("refunding", "payment.approved", "refundStarted"),
} satisfies Partial<Row>;

const approved = {
  OrderPayable: quiet,
  "OrderPayable, nothing due": quiet,
  "OrderPayable, past pay_by": quiet,
  OrderCancelRequested: acts("approved", "payment.approved"), // The verdict, told again.
  OrderCancelled: acts("refunding", "refundStarted"),
  OrderConfirmationFailed: acts("refunding", "refundStarted"),
  ConfirmPayment: quiet,
  "ConfirmPayment, other key": refuses("PAYMENT_ENDED"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  ProviderAnswered: quiet,
  "ProviderAnswered, declined": quiet,
  "ProviderAnswered, unknown": quiet,
  "ProviderAnswered, other attempt": quiet,
  ProviderRefunded: quiet,
  "ProviderRefunded, other number": quiet,
  DeadlinePassed: quiet,
} satisfies Row;

const declined = {
  ...approved,
  OrderCancelRequested: acts("declined", "payment.declined"),
  OrderCancelled: quiet, // Nothing was taken.
  OrderConfirmationFailed: quiet,
  ProviderAnswered: acts("refunding", "refundStarted"), // Taken after all: it goes back, and nobody is asked.
} satisfies Row;

const voided = {
  OrderPayable: quiet,
  "OrderPayable, nothing due": quiet,
  "OrderPayable, past pay_by": quiet,
  OrderCancelRequested: acts("voided", "payment.voided CANCELLED"),
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  ConfirmPayment: refuses("PAYMENT_ENDED"),
  "ConfirmPayment, other key": refuses("PAYMENT_ENDED"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  ProviderAnswered: quiet, // Nothing was ever tried, so this is no answer to us.
  "ProviderAnswered, declined": quiet,
  "ProviderAnswered, unknown": quiet,
  "ProviderAnswered, other attempt": quiet,
  ProviderRefunded: quiet,
  "ProviderRefunded, other number": quiet,
  DeadlinePassed: quiet,
} satisfies Row;

const refunding = {
  ...approved,
  OrderCancelRequested: acts("refunding", "payment.approved"),
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  ProviderRefunded: acts("refunded", "payment.refunded"),
} satisfies Row;

const refunded = {
  ...refunding,
  OrderCancelRequested: acts("refunded", "payment.approved"),
  ProviderRefunded: quiet,
} satisfies Row;

export const table = {
  absent,
  ready,
  "ready, overdue": {
    ...ready,
    ConfirmPayment: acts("voided", "payment.voided EXPIRED"),
    "ConfirmPayment, other key": acts("voided", "payment.voided EXPIRED"),
    DeadlinePassed: acts("voided", "payment.voided EXPIRED"),
  },
  confirming,
  "confirming, unwanted": { ...confirming, ...unwanted },
  unknown,
  "unknown, unwanted": { ...unknown, ...unwanted },
  approved,
  "approved, nothing due": {
    ...approved,
    OrderCancelled: quiet, // There is nothing to give back.
    OrderConfirmationFailed: quiet,
    ConfirmPayment: refuses("AMOUNT_MISMATCH"),
    "ConfirmPayment, other key": refuses("AMOUNT_MISMATCH"),
  },
  declined,
  voided,
  "voided, tombstone": {
    ...voided, // Nobody knows whose it would have been.
    "ConfirmPayment, foreign member": refuses("PAYMENT_ENDED"),
    "ConfirmPayment, other amount": refuses("PAYMENT_ENDED"),
  },
  refunding,
  "refunding, declined": { ...refunding, OrderCancelRequested: acts("refunding", "payment.declined") },
  refunded,
  "refunded, declined": { ...refunded, OrderCancelRequested: acts("refunded", "payment.declined") },
} satisfies Record<State, Row>;
