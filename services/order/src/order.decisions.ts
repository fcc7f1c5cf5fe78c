// What an order answers to every input in every state. The tests compare `decide` with it, and the docs print it.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { acts, type Cell, quiet, refuses } from "@quadrille/decider/table";
import type { CancelReason, Order, OrderFact, OrderInput, PlacedOrder } from "./order.ts";

/** The part after the comma is the special case. Unless it says otherwise an order wants points and is in time. */
export type State =
  | Order["status"]
  | "pending, stock held"
  | "pending, benefits held"
  | "pending, no points"
  | "pending, stock held, too short by now"
  | "pending, stock held, late"
  | "payable, overdue"
  | "payable, refunded"
  | "cancelling, overdue"
  | "cancelling, refunded"
  | "cancelling, holds gone"
  | "confirmed, stock committed"
  | "confirmed, no points"
  | "confirmed, settled"
  | "cancelled, no points"
  | "cancelled, given back"
  | "cancelled, declined and refunded"
  | "cancelled, refunded and declined"
  | "cancelled, sale taken back";

export type Input =
  | OrderInput["type"]
  | "PlaceOrder, other body"
  | "CancelOrder, by an operator"
  | "CancelOrder, foreign member"
  | "StockHeld, too short"
  | "StockReleased, expired"
  | "BenefitsHeld, too short"
  | "BenefitsReleased, expired";

type Name =
  | Exclude<OrderFact["type"], "fateHeard" | "order.cancelled" | "order.cancel_requested">
  | `order.cancelled ${CancelReason}`
  | `order.cancel_requested ${CancelReason}`
  | `stock ${PlacedOrder["stock"]}`
  | `benefits ${PlacedOrder["benefits"]}`
  | `payment ${PlacedOrder["payment"]}`;
type Row = Record<Input, Cell<Order["status"], Name, RefusalCode>>;

/** What became of a hold or payment is named by itself: `stock held` is a record of the order's own. */
export function nameOf(fact: OrderFact): string {
  switch (fact.type) {
    case "fateHeard":
      return `${fact.part} ${fact.fate}`;
    case "order.cancelled":
    case "order.cancel_requested":
      return `${fact.type} ${fact.data.reason}`;
    default:
      return fact.type;
  }
}

const absent = {
  PlaceOrder: acts("pending", "order.placed"),
  "PlaceOrder, other body": acts("pending", "order.placed"),
  CancelOrder: refuses("ORDER_UNKNOWN"),
  "CancelOrder, by an operator": refuses("ORDER_UNKNOWN"),
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: quiet, // Its hold_until frees it.
  "StockHeld, too short": quiet,
  StockRejected: quiet,
  StockCommitted: quiet,
  StockCommitFailed: quiet,
  StockReleased: quiet,
  "StockReleased, expired": quiet,
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: quiet,
  "BenefitsReleased, expired": quiet,
  PaymentApproved: acts("absent", "order.confirmation_failed"),
  PaymentDeclined: quiet,
  PaymentVoided: quiet,
  PaymentRefunded: quiet,
} satisfies Row;

const pending = {
  PlaceOrder: quiet,
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: acts("cancelled", "order.cancelled BY_MEMBER"),
  "CancelOrder, by an operator": acts("cancelled", "order.cancelled BY_OPERATOR"),
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: acts("pending", "stock held"),
  "StockHeld, too short": acts("cancelled", "stock held", "order.cancelled SAGA_TIMEOUT"),
  StockRejected: acts("cancelled", "stock rejected", "order.cancelled STOCK_REJECTED"),
  StockCommitted: quiet,
  StockCommitFailed: quiet,
  StockReleased: acts("cancelled", "stock released", "order.cancelled HOLD_LOST"),
  "StockReleased, expired": acts("cancelled", "stock released", "order.cancelled HOLD_LOST"),
  BenefitsHeld: acts("pending", "benefits held"),
  "BenefitsHeld, too short": acts("cancelled", "benefits held", "order.cancelled SAGA_TIMEOUT"),
  BenefitsRejected: acts("cancelled", "benefits rejected", "order.cancelled BENEFITS_REJECTED"),
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: acts("cancelled", "benefits released", "order.cancelled HOLD_LOST"),
  "BenefitsReleased, expired": acts("cancelled", "benefits released", "order.cancelled HOLD_LOST"),
  // Its money goes back, so the same verdict told again must not find it payable.
  PaymentApproved: acts("cancelled", "order.confirmation_failed", "order.cancelled PAYMENT_DECLINED"),
  PaymentDeclined: quiet, // Payment says it again when it is asked.
  PaymentVoided: quiet,
  PaymentRefunded: acts("cancelled", "payment refunded", "order.cancelled PAYMENT_DECLINED"), // As after its approval.
} satisfies Row;

/** To an order that wants nothing of its member, nothing the member service says has a meaning. */
const noBenefits = {
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: quiet,
  "BenefitsReleased, expired": quiet,
} satisfies Partial<Row>;

/** Whatever comes after the pending deadline ends the order; what says better why keeps its reason. */
const late = {
  PlaceOrder: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: acts("cancelled", "order.cancelled BY_MEMBER"),
  "CancelOrder, by an operator": acts("cancelled", "order.cancelled BY_OPERATOR"),
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  StockHeld: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  "StockHeld, too short": acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  StockRejected: acts("cancelled", "stock rejected", "order.cancelled STOCK_REJECTED"),
  StockCommitted: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  StockCommitFailed: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  StockReleased: acts("cancelled", "stock released", "order.cancelled HOLD_LOST"),
  "StockReleased, expired": acts("cancelled", "stock released", "order.cancelled HOLD_LOST"),
  BenefitsHeld: acts("cancelled", "benefits held", "order.cancelled SAGA_TIMEOUT"), // The last hold, and not payable.
  "BenefitsHeld, too short": acts("cancelled", "benefits held", "order.cancelled SAGA_TIMEOUT"),
  BenefitsRejected: acts("cancelled", "benefits rejected", "order.cancelled BENEFITS_REJECTED"),
  BenefitsSpent: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  BenefitsSpendFailed: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  BenefitsReleased: acts("cancelled", "benefits released", "order.cancelled HOLD_LOST"),
  "BenefitsReleased, expired": acts("cancelled", "benefits released", "order.cancelled HOLD_LOST"),
  PaymentApproved: acts("cancelled", "order.confirmation_failed", "order.cancelled PAYMENT_DECLINED"),
  PaymentDeclined: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  PaymentVoided: acts("cancelled", "order.cancelled SAGA_TIMEOUT"),
  PaymentRefunded: acts("cancelled", "payment refunded", "order.cancelled PAYMENT_DECLINED"),
} satisfies Row;

const payable = {
  PlaceOrder: quiet,
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: acts("cancelling", "order.cancel_requested BY_MEMBER"),
  "CancelOrder, by an operator": acts("cancelling", "order.cancel_requested BY_OPERATOR"),
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: quiet,
  "StockHeld, too short": quiet,
  StockRejected: quiet,
  StockCommitted: quiet,
  StockCommitFailed: quiet,
  StockReleased: acts("cancelling", "stock released", "order.cancel_requested HOLD_LOST"),
  "StockReleased, expired": acts("cancelling", "stock released", "order.cancel_requested HOLD_LOST"),
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: acts("cancelling", "benefits released", "order.cancel_requested HOLD_LOST"),
  "BenefitsReleased, expired": acts("cancelling", "benefits released", "order.cancel_requested HOLD_LOST"),
  PaymentApproved: acts("confirmed", "order.confirmed"),
  PaymentDeclined: acts("cancelled", "payment declined", "order.cancelled PAYMENT_DECLINED"),
  PaymentVoided: acts("cancelled", "payment voided", "order.cancelled PAYMENT_EXPIRED"),
  PaymentRefunded: acts("payable", "payment refunded"), // Taken in a wrong amount, say: the verdict is on its way.
} satisfies Row;

function asksAgain<Reason extends CancelReason>(reason: Reason) {
  const asks = acts("cancelling", `order.cancel_requested ${reason}` as const);
  return {
    PlaceOrder: asks,
    DeadlinePassed: asks,
    StockHeld: asks,
    "StockHeld, too short": asks,
    StockRejected: asks,
    StockCommitted: asks,
    StockCommitFailed: asks,
    BenefitsHeld: asks,
    "BenefitsHeld, too short": asks,
    BenefitsRejected: asks,
    BenefitsSpent: asks,
    BenefitsSpendFailed: asks,
  };
}

const cancelling = {
  PlaceOrder: quiet,
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: quiet,
  "CancelOrder, by an operator": quiet,
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: quiet,
  "StockHeld, too short": quiet,
  StockRejected: quiet,
  StockCommitted: quiet,
  StockCommitFailed: quiet,
  StockReleased: acts("cancelling", "stock released"),
  "StockReleased, expired": acts("cancelling", "stock released"),
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: acts("cancelling", "benefits released"),
  "BenefitsReleased, expired": acts("cancelling", "benefits released"),
  PaymentApproved: acts("confirmed", "order.confirmed"), // The money came first.
  PaymentDeclined: acts("cancelled", "payment declined", "order.cancelled PAYMENT_DECLINED"),
  PaymentVoided: acts("cancelled", "payment voided", "order.cancelled BY_MEMBER"),
  PaymentRefunded: acts("cancelling", "payment refunded"),
} satisfies Row;

const confirmed = {
  PlaceOrder: quiet,
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: refuses("NOT_SETTLED"),
  "CancelOrder, by an operator": refuses("NOT_SETTLED"),
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: quiet,
  "StockHeld, too short": quiet,
  StockRejected: quiet,
  StockCommitted: acts("confirmed", "stock committed"),
  StockCommitFailed: acts("cancelled", "stock commitFailed", "order.cancelled HOLD_LOST"),
  StockReleased: quiet, // Its owner has heard, or will hear, of the sale, and tells what came of it.
  "StockReleased, expired": quiet,
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: acts("confirmed", "benefits spent"),
  BenefitsSpendFailed: acts("cancelled", "benefits spendFailed", "order.cancelled HOLD_LOST"),
  BenefitsReleased: quiet,
  "BenefitsReleased, expired": quiet,
  PaymentApproved: quiet, // A verdict told again.
  PaymentDeclined: quiet,
  PaymentVoided: quiet,
  PaymentRefunded: quiet,
} satisfies Row;

const cancelled = {
  PlaceOrder: quiet,
  "PlaceOrder, other body": refuses("REQUEST_ID_REUSED"),
  CancelOrder: quiet,
  "CancelOrder, by an operator": quiet,
  "CancelOrder, foreign member": refuses("ORDER_UNKNOWN"),
  DeadlinePassed: quiet,
  StockHeld: quiet, // Product hears of the cancel and lets go.
  "StockHeld, too short": quiet,
  StockRejected: quiet,
  StockCommitted: quiet,
  StockCommitFailed: quiet,
  StockReleased: acts("cancelled", "stock released"),
  "StockReleased, expired": quiet, // Not yet the answer to the cancel.
  BenefitsHeld: quiet,
  "BenefitsHeld, too short": quiet,
  BenefitsRejected: quiet,
  BenefitsSpent: quiet,
  BenefitsSpendFailed: quiet,
  BenefitsReleased: acts("cancelled", "benefits released"),
  "BenefitsReleased, expired": quiet,
  PaymentApproved: acts("cancelled", "order.confirmation_failed"), // Money that came late goes back.
  PaymentDeclined: acts("cancelled", "payment declined"),
  PaymentVoided: acts("cancelled", "payment voided"),
  PaymentRefunded: acts("cancelled", "payment refunded"),
} satisfies Row;

export const table = {
  absent,
  pending,
  "pending, stock held": {
    ...pending,
    StockHeld: quiet,
    "StockHeld, too short": quiet,
    BenefitsHeld: acts("payable", "benefits held", "order.payable"),
  },
  "pending, benefits held": {
    ...pending,
    BenefitsHeld: quiet,
    "BenefitsHeld, too short": quiet,
    StockHeld: acts("payable", "stock held", "order.payable"),
  },
  "pending, no points": {
    ...pending,
    ...noBenefits,
    StockHeld: acts("payable", "stock held", "order.payable"),
  },
  // Its stock was held for long enough when that was told, but nothing may be paid that would outlast it.
  "pending, stock held, too short by now": {
    ...pending,
    StockHeld: quiet,
    "StockHeld, too short": quiet,
    BenefitsHeld: acts("cancelled", "benefits held", "order.cancelled SAGA_TIMEOUT"),
  },
  "pending, stock held, late": late,
  payable,
  // Whatever comes after pay_by and the time payment has to tell by itself makes the order ask.
  "payable, overdue": {
    ...payable,
    ...asksAgain("PAYMENT_EXPIRED"),
    PaymentRefunded: acts("cancelling", "payment refunded", "order.cancel_requested PAYMENT_EXPIRED"),
  },
  "payable, refunded": {
    ...payable,
    PaymentApproved: acts("cancelled", "order.cancelled PAYMENT_DECLINED"), // The money is gone again: nothing is sold for it.
    PaymentDeclined: acts("cancelled", "order.cancelled PAYMENT_DECLINED"),
    PaymentVoided: acts("cancelled", "order.cancelled PAYMENT_EXPIRED"),
    PaymentRefunded: quiet,
  },
  cancelling,
  "cancelling, overdue": {
    ...cancelling,
    ...asksAgain("BY_MEMBER"),
    CancelOrder: acts("cancelling", "order.cancel_requested BY_MEMBER"),
    "CancelOrder, by an operator": acts("cancelling", "order.cancel_requested BY_MEMBER"),
    StockReleased: acts("cancelling", "stock released", "order.cancel_requested BY_MEMBER"),
    "StockReleased, expired": acts("cancelling", "stock released", "order.cancel_requested BY_MEMBER"),
    BenefitsReleased: acts("cancelling", "benefits released", "order.cancel_requested BY_MEMBER"),
    "BenefitsReleased, expired": acts("cancelling", "benefits released", "order.cancel_requested BY_MEMBER"),
    PaymentRefunded: acts("cancelling", "payment refunded", "order.cancel_requested BY_MEMBER"),
  },
  "cancelling, refunded": {
    ...cancelling,
    PaymentApproved: acts("cancelled", "order.cancelled BY_MEMBER"),
    PaymentDeclined: acts("cancelled", "order.cancelled PAYMENT_DECLINED"),
    PaymentVoided: acts("cancelled", "order.cancelled BY_MEMBER"),
    PaymentRefunded: quiet,
  },
  "cancelling, holds gone": {
    ...cancelling,
    StockReleased: quiet,
    "StockReleased, expired": quiet,
    BenefitsReleased: quiet,
    "BenefitsReleased, expired": quiet,
    PaymentVoided: acts("cancelled", "payment voided", "order.cancelled HOLD_LOST"),
  },
  confirmed,
  "confirmed, stock committed": { ...confirmed, StockCommitted: quiet },
  "confirmed, no points": { ...confirmed, ...noBenefits },
  "confirmed, settled": {
    ...confirmed,
    CancelOrder: acts("cancelled", "order.cancelled BY_MEMBER"),
    "CancelOrder, by an operator": acts("cancelled", "order.cancelled BY_OPERATOR"),
    StockCommitted: quiet,
    BenefitsSpent: quiet,
  },
  cancelled,
  "cancelled, no points": { ...cancelled, ...noBenefits },
  "cancelled, given back": {
    ...cancelled,
    StockReleased: quiet,
    BenefitsReleased: quiet,
    PaymentDeclined: quiet, // A verdict is known, so this can only be one told again.
    PaymentVoided: quiet,
  },
  "cancelled, declined and refunded": {
    ...cancelled,
    PaymentDeclined: quiet,
    PaymentVoided: quiet,
    PaymentRefunded: quiet,
  },
  "cancelled, refunded and declined": {
    ...cancelled,
    PaymentDeclined: quiet,
    PaymentVoided: quiet,
    PaymentRefunded: quiet,
  },
  "cancelled, sale taken back": {
    ...cancelled,
    PaymentApproved: quiet, // This money goes back because of the cancel.
    PaymentDeclined: quiet,
    PaymentVoided: quiet,
  },
} satisfies Record<State, Row>;
