// What product, member and payment tell an order can come in any sequence; the order must come to the same end.
import type { Forging } from "./forged-facts.ts";
import * as facts from "./forged-facts.ts";
import type { Case, Step } from "./swapping.ts";

export interface OrderEnd {
  readonly status: "absent" | "payable" | "confirmed" | "cancelled";
  /** Any of these, where more than one is true. */
  readonly reasons?: readonly string[];
  /** Nothing can change any more, or everything is given back. */
  readonly isSettled: boolean;
  /** Facts that are told exactly once. Of confirmed and cancelled, what is not named here is never told. */
  readonly once?: readonly string[];
  /** Facts that are told at least once. */
  readonly tells?: readonly string[];
}

const told = (name: string, fact: Forging): Step => ({ name, fact });
const stockHeld = told("stock_held", facts.stockHeld);
const stockRejected = told("stock_rejected", facts.stockRejected);
const stockCommitted = told("stock_committed", facts.stockCommitted);
const stockCommitFailed = told("stock_commit_failed", facts.stockCommitFailed);
const stockExpired = told("stock_released EXPIRED", facts.stockReleased("EXPIRED"));
const stockReleased = told("stock_released", facts.stockReleased("CANCELLED"));
const stockReturned = told("stock_released RETURNED", facts.stockReleased("RETURNED"));
const benefitsHeld = told("benefits_held", facts.benefitsHeld);
const benefitsRejected = told("benefits_rejected", facts.benefitsRejected);
const benefitsSpent = told("benefits_spent", facts.benefitsSpent);
const benefitsSpendFailed = told("benefits_spend_failed", facts.benefitsSpendFailed);
const benefitsExpired = told("benefits_released EXPIRED", facts.benefitsReleased("EXPIRED"));
const benefitsReleased = told("benefits_released", facts.benefitsReleased("CANCELLED"));
const benefitsReturned = told("benefits_released RETURNED", facts.benefitsReleased("RETURNED"));
const approved = told("approved", facts.approved);
const declined = told("declined", facts.declined);
const voided = told("voided", facts.voided);
const refunded = told("refunded", facts.refunded);

const isPayable = [stockHeld, benefitsHeld];
const isConfirmed = [...isPayable, approved];
const allBack = [stockReleased, benefitsReleased];
const returned = [stockReturned, benefitsReturned, refunded];

const cancelledFor = (...reasons: string[]): OrderEnd => ({
  status: "cancelled",
  reasons,
  isSettled: true,
  once: ["order.cancelled"],
});
const soldAndLost: OrderEnd = {
  ...cancelledFor("HOLD_LOST"),
  once: ["order.confirmed", "order.cancelled"],
};
const confirmed: OrderEnd = { status: "confirmed", isSettled: true, once: ["order.confirmed"] };
const payable: OrderEnd = { status: "payable", isSettled: false, once: ["order.payable"] };

/** While the holds are taken. `cancels` is the buyer, who asks for the order's end. */
const pendingCases = (cancels: Step): Readonly<Record<string, Case<OrderEnd>>> => ({
  "both holds": { swapped: [stockHeld, benefitsHeld], end: payable },
  "stock, and no points": {
    swapped: [stockHeld, benefitsRejected],
    afterwards: [...allBack, voided],
    end: cancelledFor("BENEFITS_REJECTED"),
  },
  "points, and no stock": {
    swapped: [stockRejected, benefitsHeld],
    afterwards: [...allBack, voided],
    end: cancelledFor("STOCK_REJECTED"),
  },
  "neither stock nor points": {
    swapped: [stockRejected, benefitsRejected],
    afterwards: [...allBack, voided],
    end: cancelledFor("STOCK_REJECTED", "BENEFITS_REJECTED"),
  },
  "the stock expires, and the points come": {
    given: [stockHeld],
    swapped: [stockExpired, benefitsHeld],
    afterwards: [voided, ...allBack],
    end: cancelledFor("HOLD_LOST"),
  },
  "the points expire, and the stock comes": {
    given: [benefitsHeld],
    swapped: [benefitsExpired, stockHeld],
    afterwards: [voided, ...allBack],
    end: cancelledFor("HOLD_LOST"),
  },
  "the stock's expiry overtakes its hold": {
    given: [benefitsHeld],
    swapped: [stockHeld, stockExpired],
    afterwards: [voided, ...allBack],
    end: cancelledFor("HOLD_LOST"),
  },
  "a cancel, and the last hold": {
    given: [benefitsHeld],
    swapped: [cancels, stockHeld],
    afterwards: [voided, ...allBack],
    end: cancelledFor("BY_MEMBER"),
  },
  "a cancel, and no stock": {
    swapped: [cancels, stockRejected],
    afterwards: [voided, ...allBack],
    end: cancelledFor("BY_MEMBER", "STOCK_REJECTED"),
  },
  "a refusal of the late hold, and its release": {
    given: [benefitsRejected],
    swapped: [stockRejected, stockReleased],
    afterwards: [voided, benefitsReleased],
    end: cancelledFor("BENEFITS_REJECTED"),
  },
  "a late hold, and its release": {
    given: [benefitsRejected],
    swapped: [stockHeld, stockReleased],
    afterwards: [voided, benefitsReleased],
    end: cancelledFor("BENEFITS_REJECTED"),
  },
  "late points, and their release": {
    given: [stockRejected],
    swapped: [benefitsHeld, benefitsReleased],
    afterwards: [voided, stockReleased],
    end: cancelledFor("STOCK_REJECTED"),
  },
  "everything given back": {
    given: [stockRejected],
    swapped: [stockReleased, benefitsReleased, voided],
    end: cancelledFor("STOCK_REJECTED"),
  },
});

/** Verdicts that come before the order knows that it can be paid. */
const earlyCases = (cancels: Step): Readonly<Record<string, Case<OrderEnd>>> => ({
  "money for an order that is not payable yet": {
    swapped: [stockHeld, approved],
    afterwards: [refunded, ...allBack],
    end: { ...cancelledFor("PAYMENT_DECLINED"), tells: ["order.confirmation_failed"] },
  },
  "voided before it was payable": {
    given: [benefitsHeld],
    swapped: [stockHeld, voided],
    afterwards: [cancels, voided, ...allBack],
    end: cancelledFor("BY_MEMBER", "PAYMENT_EXPIRED"),
  },
  "given back before it was payable": {
    swapped: [approved, refunded],
    afterwards: allBack,
    end: cancelledFor("PAYMENT_DECLINED"),
  },
  "declined before it was payable": {
    given: [benefitsHeld],
    swapped: [stockHeld, declined],
    afterwards: [cancels, declined, ...allBack],
    end: cancelledFor("PAYMENT_DECLINED"),
  },
});

/** While it may be paid, and while payment is asked which came first. */
const payableCases = (cancels: Step): Readonly<Record<string, Case<OrderEnd>>> => ({
  "a cancel, and the money": {
    given: isPayable,
    swapped: [cancels, approved],
    afterwards: [stockCommitted, benefitsSpent],
    end: confirmed,
  },
  "a cancel, and the end of the pay window": {
    given: isPayable,
    swapped: [cancels, voided],
    afterwards: allBack,
    end: cancelledFor("BY_MEMBER", "PAYMENT_EXPIRED"),
  },
  "a cancel, and a decline": {
    given: isPayable,
    swapped: [cancels, declined],
    afterwards: allBack,
    end: cancelledFor("PAYMENT_DECLINED"),
  },
  "money, and a decline told again": {
    given: isPayable,
    swapped: [approved, declined],
    afterwards: [stockCommitted, benefitsSpent, ...allBack],
    end: confirmed,
    endReversed: { ...cancelledFor("PAYMENT_DECLINED"), tells: ["order.confirmation_failed"] }, // The first verdict counts.
  },
  "money, and a void, while someone wants out": {
    given: [...isPayable, cancels],
    swapped: [approved, voided],
    afterwards: [stockCommitted, benefitsSpent, ...allBack],
    end: confirmed,
    endReversed: { ...cancelledFor("BY_MEMBER"), tells: ["order.confirmation_failed"] },
  },
  "the stock expires, and the money comes": {
    given: isPayable,
    swapped: [stockExpired, approved],
    afterwards: [stockCommitted, benefitsSpent],
    end: confirmed,
  },
  "the points expire, and the money comes": {
    given: isPayable,
    swapped: [benefitsExpired, approved],
    afterwards: [stockCommitted, benefitsSpent],
    end: confirmed,
  },
  "the stock expires, and nobody pays": {
    given: isPayable,
    swapped: [stockExpired, voided],
    afterwards: allBack,
    end: cancelledFor("HOLD_LOST", "PAYMENT_EXPIRED"),
  },
  "the stock expires, and the buyer's cancel is answered": {
    given: [...isPayable, cancels],
    swapped: [stockExpired, voided],
    afterwards: allBack,
    end: cancelledFor("BY_MEMBER"),
  },
  "the money of someone who wants out, and its refund": {
    given: [...isPayable, cancels],
    swapped: [approved, refunded],
    afterwards: [stockCommitted, benefitsSpent, ...allBack],
    end: confirmed,
    endReversed: cancelledFor("BY_MEMBER"), // It has gone back already: nothing is sold for it.
  },
  "a decline, and the refund of what was taken all the same": {
    given: isPayable,
    swapped: [declined, refunded],
    afterwards: allBack,
    end: cancelledFor("PAYMENT_DECLINED"),
  },
});

/** After the money, and after the end. */
const paidCases = (cancels: Step): Readonly<Record<string, Case<OrderEnd>>> => ({
  "the sale and the points": { given: isConfirmed, swapped: [stockCommitted, benefitsSpent], end: confirmed },
  "the sale, and a verdict told again": {
    given: isConfirmed,
    swapped: [approved, stockCommitted],
    afterwards: [benefitsSpent],
    end: confirmed,
  },
  "no sale, and spent points": {
    given: isConfirmed,
    swapped: [stockCommitFailed, benefitsSpent],
    afterwards: [...returned, approved],
    end: soldAndLost,
  },
  "a sale, and no points": {
    given: isConfirmed,
    swapped: [stockCommitted, benefitsSpendFailed],
    afterwards: [...returned, approved],
    end: soldAndLost,
  },
  "neither sale nor points": {
    given: isConfirmed,
    swapped: [stockCommitFailed, benefitsSpendFailed],
    afterwards: [...returned, approved],
    end: soldAndLost,
  },
  "a sale taken back": {
    given: [...isConfirmed, stockCommitted, benefitsSpent, cancels],
    swapped: returned,
    end: { ...cancelledFor("BY_MEMBER"), once: ["order.confirmed", "order.cancelled"] },
  },
  "a refund, and a verdict told again": {
    given: [...isConfirmed, stockCommitted, benefitsSpent, cancels],
    swapped: [approved, refunded],
    afterwards: [stockReturned, benefitsReturned],
    end: { ...cancelledFor("BY_MEMBER"), once: ["order.confirmed", "order.cancelled"] },
  },
  "money that came after the end, and its refund": {
    given: [stockRejected],
    swapped: [approved, refunded],
    afterwards: allBack,
    end: { ...cancelledFor("STOCK_REJECTED"), tells: ["order.confirmation_failed"] },
  },
  "a decline, and a refund, after the end": {
    given: [stockRejected],
    swapped: [declined, refunded],
    afterwards: allBack,
    end: cancelledFor("STOCK_REJECTED"),
  },
  "money, and a void, after the end": {
    given: [stockRejected],
    swapped: [approved, voided],
    afterwards: allBack,
    end: { ...cancelledFor("STOCK_REJECTED"), tells: ["order.confirmation_failed"] },
  },
});

/** Orders that want points. */
export const casesWithPoints = (cancels: Step): Readonly<Record<string, Case<OrderEnd>>> => ({
  ...pendingCases(cancels),
  ...earlyCases(cancels),
  ...payableCases(cancels),
  ...paidCases(cancels),
});

/** Orders that want none, so what member seems to say about them means nothing. */
export const casesWithoutPoints: Readonly<Record<string, Case<OrderEnd>>> = {
  "a hold, and a refusal nobody asked for": { swapped: [stockHeld, benefitsRejected], end: payable },
  "no stock, and points nobody asked for": {
    swapped: [stockRejected, benefitsHeld],
    afterwards: [stockReleased, voided],
    end: cancelledFor("STOCK_REJECTED"),
  },
  "the sale, and points nobody spent": {
    given: [stockHeld, approved],
    swapped: [stockCommitted, benefitsSpendFailed],
    end: confirmed,
  },
};

/** Orders that were never placed. */
export const casesWithoutOrder: Readonly<Record<string, Case<OrderEnd>>> = {
  "money, and a hold": {
    swapped: [approved, stockHeld],
    end: { status: "absent", isSettled: false, tells: ["order.confirmation_failed"] },
  },
  "a void, and a refusal": {
    swapped: [voided, stockRejected],
    end: { status: "absent", isSettled: false },
  },
};
