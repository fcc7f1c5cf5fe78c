// Every fact of an order's story, made by hand for an order that is there or not.
import { events, type FactKind, type Told } from "@quadrille/contracts/events";
import type { Forged } from "./telling.ts";

/** What the facts of one order agree on. */
export interface About {
  readonly orderId: string;
  readonly memberId: string;
  readonly variantId: string;
  readonly points: bigint;
  readonly amountDue: bigint;
}

/** A fact once it is known which order it is about. */
export type Forging = (about: About) => Forged;

const hours = (count: number) => new Date(Date.now() + count * 3_600_000);
const currency = "KRW";
const method = "PAYMENT_METHOD_CARD" as const;

function forging<Message extends { orderId: string }>(
  kind: FactKind<string, Message>,
  data: (about: About) => Omit<Told<Message>, "orderId">,
): Forging {
  return (about) => {
    const whole = { orderId: about.orderId, ...data(about) } as unknown as Told<Message>;
    return { kind, orderId: about.orderId, payload: kind.encode(whole) };
  };
}

const subtotalOf = ({ points, amountDue }: About) => points + amountDue;
const orderLines = (about: About) => [
  { variantId: about.variantId, quantity: 1, unitPrice: subtotalOf(about), title: about.variantId },
];
const stockLines = ({ variantId }: About) => [{ variantId, quantity: 1 }];
const sums = (about: About) => ({
  memberId: about.memberId,
  lines: orderLines(about),
  subtotal: subtotalOf(about),
  points: about.points,
  amountDue: about.amountDue,
  currency,
});

/** What the order service tells. */
export const placed = forging(events.orderPlaced, (about) => ({
  ...sums(about),
  method,
  placedAt: new Date(),
  pendingUntil: hours(1),
  holdUntil: hours(24),
  payWithinSeconds: 600,
}));
const payableBy = (payBy: () => Date) =>
  forging(events.orderPayable, ({ memberId, amountDue }) => ({
    memberId,
    amountDue,
    currency,
    method,
    payBy: payBy(),
  }));
export const payable = payableBy(() => hours(1));
export const payableTooLate = payableBy(() => hours(-1));
export const confirmed = forging(events.orderConfirmed, (about) => ({
  ...sums(about),
  confirmedAt: new Date(),
}));
export const cancelRequested = forging(events.orderCancelRequested, ({ memberId }) => ({
  memberId,
  reason: "BY_MEMBER",
}));
export const cancelled = forging(events.orderCancelled, (about) => ({
  ...sums(about),
  reason: "BY_MEMBER",
  wasConfirmed: false,
  benefitsWanted: about.points > 0n,
  cancelledAt: new Date(),
}));
export const confirmationFailed = forging(events.orderConfirmationFailed, () => ({ reason: "CANCELLED" }));

/** What the product service tells. */
export const stockHeld = forging(events.stockHeld, (about) => ({
  lines: stockLines(about),
  holdUntil: hours(240),
}));
export const stockRejected = forging(events.stockRejected, () => ({ reason: "OUT_OF_STOCK", shortages: [] }));
export const stockCommitted = forging(events.stockCommitted, (about) => ({ lines: stockLines(about) }));
export const stockCommitFailed = forging(events.stockCommitFailed, () => ({ shortages: [] }));
export const stockReleased = (reason: "CANCELLED" | "RETURNED" | "EXPIRED") =>
  forging(events.stockReleased, (about) => ({ lines: stockLines(about), reason }));

/** What the member service tells. */
const wanted = ({ memberId, points }: About) => ({ memberId, points });
export const benefitsHeld = forging(events.benefitsHeld, (about) => ({
  ...wanted(about),
  holdUntil: hours(240),
}));
export const benefitsRejected = forging(events.benefitsRejected, ({ memberId }) => ({
  memberId,
  reason: "NOT_ENOUGH_POINTS",
}));
export const benefitsSpent = forging(events.benefitsSpent, wanted);
export const benefitsSpendFailed = forging(events.benefitsSpendFailed, ({ memberId }) => ({ memberId }));
export const benefitsReleased = (reason: "CANCELLED" | "RETURNED" | "EXPIRED") =>
  forging(events.benefitsReleased, (about) => ({ ...wanted(about), reason }));

/** What the payment service tells. */
export const approved = forging(events.paymentApproved, ({ memberId, amountDue }) => ({
  memberId,
  amount: amountDue,
  currency,
  transactionKey: "a-transaction",
  paidWith: "a card",
  approvedAt: new Date(),
}));
export const declined = forging(events.paymentDeclined, () => ({ reason: "REJECT_CARD_PAYMENT" }));
export const voided = forging(events.paymentVoided, () => ({ reason: "CANCELLED" }));
export const refunded = forging(events.paymentRefunded, ({ amountDue }) => ({
  amount: amountDue,
  currency,
  refundNumber: 1,
}));
