// What a payment answers to every input in every state. The tests compare `decide` with it, and the docs print it.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { acts, type Cell, quiet, refuses } from "@quadrille/decider/table";
import type { ErrandKind, Intent, Payment, PaymentFact, PaymentInput } from "./payment.ts";

/** The part after the comma is the special case. Unless it says otherwise money is due, the order wants it, and somebody is asking. */
export type State =
  | Payment["status"]
  | "ready, overdue"
  | "confirming, lease over"
  | "confirming, cancel asked"
  | "confirming, unwanted"
  | "unknown, due"
  | "unknown, asked by another"
  | "unknown, past pay_by"
  | "unknown, cancel asked"
  | "unknown, unwanted"
  | "unknown, for too long"
  | "declined, given up"
  | "approved, nothing due"
  | "voided, tombstone"
  | "refunding, lease over"
  | "refunding, declined"
  | "refunding, wrong amount"
  | "refunding, refused"
  | "refunded, declined";

/** Unless it says otherwise the provider took the money, the key is the one of the attempt, and the lease is the first. */
export type Input =
  | PaymentInput["type"]
  | "OrderPayable, nothing due"
  | "OrderPayable, past pay_by"
  | "ConfirmPayment, other key"
  | "ConfirmPayment, foreign member"
  | "ConfirmPayment, other amount"
  | "ConfirmPayment, no provider"
  | "ProviderAnswered, declined"
  | "ProviderAnswered, wrong amount"
  | "ProviderAnswered, foreign"
  | "ProviderAnswered, running"
  | "ProviderAnswered, absent"
  | "ProviderAnswered, absent after the key's life"
  | "ProviderAnswered, unknown"
  | "ProviderAnswered, other attempt"
  | "TakeLease, early"
  | "RefundAnswered, refused"
  | "RefundAnswered, unknown"
  | "RefundAnswered, older lease"
  | "RefundAnswered, other number"
  | "ResolvePayment, not captured"
  | "ResolvePayment, refunded"
  | "ResolvePayment, retry";

type Name =
  | Exclude<PaymentFact["type"], "payment.voided" | "leased" | "intended">
  | "payment.voided CANCELLED"
  | "payment.voided EXPIRED"
  | `leased ${ErrandKind}`
  | `intended ${Intent}`;
type Row = Record<Input, Cell<Payment["status"], Name, RefusalCode>>;

export function nameOf(fact: PaymentFact): string {
  switch (fact.type) {
    case "payment.voided":
      return `${fact.type} ${fact.data.reason}`;
    case "leased":
      return `${fact.type} ${fact.errand}`;
    case "intended":
      return `${fact.type} ${fact.intent}`;
    default:
      return fact.type;
  }
}

/** Nobody has asked the provider anything, so nothing it says is an answer to us. */
const unasked = {
  ProviderAnswered: quiet,
  "ProviderAnswered, declined": quiet,
  "ProviderAnswered, wrong amount": quiet,
  "ProviderAnswered, foreign": quiet,
  "ProviderAnswered, running": quiet,
  "ProviderAnswered, absent": quiet,
  "ProviderAnswered, absent after the key's life": quiet,
  "ProviderAnswered, unknown": quiet,
  "ProviderAnswered, other attempt": quiet,
  TakeLease: quiet,
  "TakeLease, early": quiet,
} satisfies Partial<Row>;

const nothingToRefund = {
  RefundAnswered: quiet,
  "RefundAnswered, refused": quiet,
  "RefundAnswered, unknown": quiet,
  "RefundAnswered, older lease": quiet,
  "RefundAnswered, other number": quiet,
} satisfies Partial<Row>;

const notStuck = {
  ResolvePayment: refuses("PAYMENT_NOT_STUCK"),
  "ResolvePayment, not captured": refuses("PAYMENT_NOT_STUCK"),
  "ResolvePayment, refunded": refuses("PAYMENT_NOT_STUCK"),
  "ResolvePayment, retry": refuses("PAYMENT_NOT_STUCK"),
} satisfies Partial<Row>;

const absent = {
  ...unasked,
  ...nothingToRefund,
  OrderPayable: acts("ready", "registered", "payment.opened"),
  "OrderPayable, nothing due": acts("approved", "registered", "payment.approved"),
  "OrderPayable, past pay_by": acts("voided", "registered", "payment.voided EXPIRED"),
  OrderCancelRequested: acts("voided", "registered", "payment.voided CANCELLED"),
  OrderCancelled: acts("voided", "registered", "payment.voided CANCELLED"),
  OrderConfirmationFailed: acts("voided", "registered", "payment.voided CANCELLED"),
  ConfirmPayment: refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, other key": refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, other amount": refuses("PAYMENT_NOT_READY"),
  "ConfirmPayment, no provider": refuses("PAYMENT_NOT_READY"),
  DeadlinePassed: quiet,
  ResolvePayment: refuses("PAYMENT_UNKNOWN"),
  "ResolvePayment, not captured": refuses("PAYMENT_UNKNOWN"),
  "ResolvePayment, refunded": refuses("PAYMENT_UNKNOWN"),
  "ResolvePayment, retry": refuses("PAYMENT_UNKNOWN"),
} satisfies Row;

/** It is there already, so the order tells nothing new. */
const toldAgain = {
  OrderPayable: quiet,
  "OrderPayable, nothing due": quiet,
  "OrderPayable, past pay_by": quiet,
} satisfies Partial<Row>;

const ready = {
  ...unasked,
  ...nothingToRefund,
  ...notStuck,
  ...toldAgain,
  OrderCancelRequested: acts("voided", "payment.voided CANCELLED"),
  OrderCancelled: acts("voided", "payment.voided CANCELLED"),
  OrderConfirmationFailed: acts("voided", "payment.voided CANCELLED"),
  ConfirmPayment: acts("confirming", "attemptStarted", "leased confirm"),
  "ConfirmPayment, other key": acts("confirming", "attemptStarted", "leased confirm"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  "ConfirmPayment, no provider": refuses("PROVIDER_UNAVAILABLE"),
  DeadlinePassed: quiet,
} satisfies Row;

const confirming = {
  ...nothingToRefund,
  ...notStuck,
  ...toldAgain,
  OrderCancelRequested: acts("confirming", "intended cancel"), // The provider's answer will be the verdict.
  OrderCancelled: acts("confirming", "intended giveBack"),
  OrderConfirmationFailed: acts("confirming", "intended giveBack"),
  ConfirmPayment: quiet, // The attempt under way will be the answer.
  "ConfirmPayment, other key": refuses("PAYMENT_IN_DOUBT"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  "ConfirmPayment, no provider": quiet,
  ProviderAnswered: acts("approved", "payment.approved"),
  "ProviderAnswered, declined": acts("declined", "payment.declined"),
  "ProviderAnswered, wrong amount": acts("refunding", "captureFound", "refundStarted"),
  "ProviderAnswered, foreign": acts("declined", "payment.declined"),
  "ProviderAnswered, running": acts("confirming", "leased confirm"),
  "ProviderAnswered, absent": acts("confirming", "leased confirm"),
  "ProviderAnswered, absent after the key's life": acts("confirming", "leased confirm"),
  "ProviderAnswered, unknown": acts("unknown", "postponed"),
  "ProviderAnswered, other attempt": quiet,
  TakeLease: quiet,
  "TakeLease, early": quiet, // Somebody is asking.
  DeadlinePassed: quiet, // The provider may have taken it: only its answer ends this.
} satisfies Row;

/** An answer that is not final is not asked about again before its time. */
const unknown = {
  ...confirming,
  OrderCancelRequested: acts("unknown", "intended cancel"),
  OrderCancelled: acts("unknown", "intended giveBack"),
  OrderConfirmationFailed: acts("unknown", "intended giveBack"),
  "ProviderAnswered, running": acts("unknown", "leased confirm"), // With the same key, as long as the order wants it.
  "ProviderAnswered, absent": acts("unknown", "leased confirm"),
  "ProviderAnswered, absent after the key's life": acts("unknown", "leased confirm"),
  "TakeLease, early": acts("unknown", "leased query"),
  "ResolvePayment, retry": acts("unknown", "resolved", "hastened"),
} satisfies Row;

/** Nothing more is tried; what the provider has not ended by itself is waited for. */
const noMoreTries = {
  "ProviderAnswered, running": acts("unknown", "postponed"),
  "ProviderAnswered, absent": acts("unknown", "postponed"),
  "ProviderAnswered, absent after the key's life": acts("declined", "payment.declined", "postponed"),
} satisfies Partial<Row>;

/** The order has ended: what was taken goes back at once. */
const unwanted = {
  OrderCancelRequested: quiet,
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  ProviderAnswered: acts("refunding", "payment.approved", "refundStarted"),
} satisfies Partial<Row>;

/** What was asked under an older lease may have changed since; only what is final counts. */
const askedByAnother = {
  "ProviderAnswered, running": quiet,
  "ProviderAnswered, absent": quiet,
  "ProviderAnswered, absent after the key's life": quiet,
  "ProviderAnswered, unknown": quiet,
  "TakeLease, early": quiet,
} satisfies Partial<Row>;

const approved = {
  ...unasked,
  ...nothingToRefund,
  ...notStuck,
  ...toldAgain,
  OrderCancelRequested: acts("approved", "payment.approved"), // The verdict, told again.
  OrderCancelled: acts("refunding", "refundStarted"),
  OrderConfirmationFailed: acts("refunding", "refundStarted"),
  ConfirmPayment: quiet,
  "ConfirmPayment, other key": refuses("PAYMENT_ENDED"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("AMOUNT_MISMATCH"),
  "ConfirmPayment, no provider": quiet,
  DeadlinePassed: quiet,
} satisfies Row;

const declined = {
  ...approved,
  OrderCancelRequested: acts("declined", "payment.declined"),
  OrderCancelled: quiet, // Nothing was taken.
  OrderConfirmationFailed: quiet,
  ProviderAnswered: acts("refunding", "captureFound", "refundStarted"), // Taken after all: it goes back, and nobody is asked.
  "ProviderAnswered, wrong amount": acts("refunding", "captureFound", "refundStarted"),
  "ResolvePayment, retry": acts("declined", "resolved", "hastened"),
} satisfies Row;

const voided = {
  ...unasked,
  ...nothingToRefund,
  ...notStuck,
  ...toldAgain,
  OrderCancelRequested: acts("voided", "payment.voided CANCELLED"),
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  ConfirmPayment: refuses("PAYMENT_ENDED"),
  "ConfirmPayment, other key": refuses("PAYMENT_ENDED"),
  "ConfirmPayment, foreign member": refuses("PAYMENT_UNKNOWN"),
  "ConfirmPayment, other amount": refuses("PAYMENT_ENDED"),
  "ConfirmPayment, no provider": refuses("PAYMENT_ENDED"),
  DeadlinePassed: quiet,
} satisfies Row;

const refunding = {
  ...approved,
  OrderCancelRequested: acts("refunding", "payment.approved"),
  OrderCancelled: quiet,
  OrderConfirmationFailed: quiet,
  RefundAnswered: acts("refunded", "payment.refunded"),
  "RefundAnswered, refused": acts("refunding", "refundRefused"),
  "RefundAnswered, unknown": acts("refunding", "postponed"),
  "RefundAnswered, older lease": quiet,
  "RefundAnswered, other number": quiet,
  "ResolvePayment, retry": acts("refunding", "resolved", "hastened"),
} satisfies Row;

const refunded = {
  ...refunding,
  ...nothingToRefund,
  ...notStuck,
  OrderCancelRequested: acts("refunded", "payment.approved"),
} satisfies Row;

export const table = {
  absent,
  ready,
  "ready, overdue": {
    ...ready,
    ConfirmPayment: acts("voided", "payment.voided EXPIRED"),
    "ConfirmPayment, other key": acts("voided", "payment.voided EXPIRED"),
    "ConfirmPayment, no provider": acts("voided", "payment.voided EXPIRED"),
    DeadlinePassed: acts("voided", "payment.voided EXPIRED"),
  },
  confirming,
  "confirming, lease over": {
    ...confirming,
    TakeLease: acts("unknown", "leased query"),
    "TakeLease, early": acts("unknown", "leased query"),
    DeadlinePassed: acts("unknown", "postponed"), // Whoever asked is gone, or as good as gone.
  },
  "confirming, cancel asked": { ...confirming, ...noMoreTries, OrderCancelRequested: quiet },
  "confirming, unwanted": { ...confirming, ...noMoreTries, ...unwanted },
  unknown,
  "unknown, due": { ...unknown, TakeLease: acts("unknown", "leased query") },
  "unknown, asked by another": { ...unknown, ...askedByAnother },
  "unknown, past pay_by": { ...unknown, ...noMoreTries, TakeLease: acts("unknown", "leased query") },
  "unknown, cancel asked": { ...unknown, ...noMoreTries, OrderCancelRequested: quiet },
  "unknown, unwanted": { ...unknown, ...noMoreTries, ...unwanted },
  "unknown, for too long": {
    ...unknown,
    ...noMoreTries,
    TakeLease: acts("unknown", "leased query"),
    ResolvePayment: acts("approved", "resolved", "payment.approved"),
    "ResolvePayment, not captured": acts("declined", "resolved", "payment.declined", "postponed"),
  },
  approved,
  "approved, nothing due": {
    ...approved,
    OrderCancelled: quiet, // There is nothing to give back.
    OrderConfirmationFailed: quiet,
    ConfirmPayment: refuses("AMOUNT_MISMATCH"),
    "ConfirmPayment, other key": refuses("AMOUNT_MISMATCH"),
    "ConfirmPayment, no provider": refuses("AMOUNT_MISMATCH"),
  },
  declined,
  "declined, given up": {
    ...declined,
    "ProviderAnswered, declined": acts("declined", "closed"),
    "ProviderAnswered, foreign": acts("declined", "closed"),
    "ProviderAnswered, running": acts("declined", "postponed"),
    "ProviderAnswered, absent": acts("declined", "postponed"),
    "ProviderAnswered, absent after the key's life": acts("declined", "postponed"),
    "ProviderAnswered, unknown": acts("declined", "postponed"),
    TakeLease: acts("declined", "leased query"),
    "TakeLease, early": acts("declined", "leased query"),
  },
  voided,
  "voided, tombstone": voided,
  refunding,
  "refunding, lease over": {
    ...refunding,
    TakeLease: acts("refunding", "leased refund"),
    "TakeLease, early": acts("refunding", "leased refund"),
  },
  "refunding, declined": { ...refunding, OrderCancelRequested: acts("refunding", "payment.declined") },
  "refunding, wrong amount": {
    ...refunding,
    OrderCancelRequested: quiet, // The verdict is told when the money is gone again.
    RefundAnswered: acts("refunded", "payment.refunded", "payment.declined"),
  },
  "refunding, refused": {
    ...refunding,
    RefundAnswered: quiet, // A refusal is final for its number: a person has to look.
    "RefundAnswered, refused": quiet,
    "RefundAnswered, unknown": quiet,
    "ResolvePayment, refunded": acts("refunded", "resolved", "payment.refunded"),
    "ResolvePayment, retry": acts("refunding", "resolved", "refundStarted"),
  },
  refunded,
  "refunded, declined": { ...refunded, OrderCancelRequested: acts("refunded", "payment.declined") },
} satisfies Record<State, Row>;
