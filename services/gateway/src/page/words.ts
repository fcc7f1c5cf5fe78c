// Everything that happens to an order in the words of the shop, and money and time as a person reads them.
import type { Schemas } from "@quadrille/client";

const language = "en";

export function inMoney({ amount, currency }: Schemas["Money"]): string {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const { maximumFractionDigits = 0 } = format.resolvedOptions();
  return format.format(amount / 10 ** maximumFractionDigits);
}

export const inDigits = (count: number): string => new Intl.NumberFormat(language).format(count);

export function inPoints(count: number): string {
  return count === 1 ? "1 point" : `${inDigits(count)} points`;
}

export function inUnits(count: number): string {
  return count === 1 ? "1 item" : `${inDigits(count)} items`;
}

export const atTime = (at: string): string =>
  new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(new Date(at));

export const onDay = (at: string): string =>
  new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(at));

const steps: Readonly<Record<string, string>> = {
  PLACED: "Order placed",
  STOCK_HELD: "Items set aside for you",
  STOCK_REJECTED: "The items could not be set aside",
  STOCK_COMMITTED: "Items taken from the shelf",
  STOCK_COMMIT_FAILED: "The items are no longer there",
  STOCK_RELEASED: "Items put back on the shelf",
  BENEFITS_HELD: "Points set aside",
  BENEFITS_REJECTED: "The points could not be set aside",
  BENEFITS_SPENT: "Points used",
  BENEFITS_SPEND_FAILED: "The points are no longer there",
  BENEFITS_RELEASED: "Points given back",
  PAYABLE: "Ready to pay",
  PAID: "Paid",
  PAYMENT_APPROVED: "Payment approved",
  PAYMENT_DECLINED: "Payment declined",
  PAYMENT_VOIDED: "Payment closed; nothing was charged",
  PAYMENT_REFUNDED: "Money given back",
  CANCEL_REQUESTED: "Cancellation asked for",
  CANCELLED: "Order cancelled",
  CONFIRMATION_FAILED: "The money came too late; it goes back",
};

const coming: Readonly<Record<string, string>> = {
  STOCK_HELD: "Setting items aside",
  BENEFITS_HELD: "Setting points aside",
  PAYABLE: "Ready to pay",
  PAID: "Payment",
  STOCK_COMMITTED: "Taking items from the shelf",
  BENEFITS_SPENT: "Using points",
};

const reasons: Readonly<Record<string, string>> = {
  STOCK_REJECTED: "something is sold out",
  BENEFITS_REJECTED: "the points were not there",
  PAYMENT_DECLINED: "the payment was declined",
  PAYMENT_EXPIRED: "the time to pay is over",
  SAGA_TIMEOUT: "it could not be made ready in time",
  HOLD_LOST: "what was set aside was lost",
  BY_MEMBER: "you cancelled it",
  BY_OPERATOR: "the shop cancelled it",
};

/** A code this page does not know yet is still better read than hidden. */
const spelledOut = (code: string): string => code.toLowerCase().replaceAll("_", " ");

export const ofStep = (step: string): string => steps[step] ?? spelledOut(step);
export const ofReason = (reason: string): string => reasons[reason] ?? spelledOut(reason);

const lineProblems: Readonly<Record<string, string>> = {
  NOT_ON_SALE: "Not on sale any more. Remove it to order the rest.",
  OUT_OF_STOCK: "There is less in stock than this. Take fewer, or remove it.",
  VARIANT_UNKNOWN: "Not in the catalogue any more. Remove it to order the rest.",
  PRODUCT_UNAVAILABLE: "Its price cannot be looked up just now.",
};
export const ofLineProblem = (code: string): string => lineProblems[code] ?? spelledOut(code);

/** What an order is called: its first line, and how many more there are. */
export function nameOf({ lines }: Schemas["Order"]): string {
  const [first, ...more] = lines;
  return `${first?.title ?? "Order"}${more.length === 0 ? "" : ` and ${more.length} more`}`;
}

/** The one sentence above an order. */
export function headline({ status, settled }: Pick<Schemas["Order"], "status" | "settled">): string {
  switch (status) {
    case "PENDING":
      return "Setting your items aside";
    case "PAYABLE":
      return "Ready to pay";
    case "CANCELLING":
      return "Cancelling";
    case "CONFIRMED":
      return settled ? "Confirmed" : "Paid, finishing up";
    case "CANCELLED":
      return settled ? "Cancelled, everything given back" : "Cancelled, giving everything back";
  }
}

/** The sentence above an order that waits for its payment: what is known of that says more than the order. */
export function paymentHeadline(payment: Schemas["Payment"]["status"] | undefined): string {
  switch (payment) {
    case undefined:
      return "Looking up your payment";
    case "READY":
      return "Ready to pay";
    case "CONFIRMING":
    case "UNKNOWN":
      return "Checking your payment";
    case "APPROVED":
      return "Paid, finishing up";
    default:
      return "Not paid, finishing up";
  }
}

/** What it means for the buyer. */
export function paymentHint(payment: Schemas["Payment"]["status"] | undefined): string {
  if (payment !== "CONFIRMING" && payment !== "UNKNOWN") return "";
  return "We are asking the payment provider whether it went through. There is nothing you need to do: this page tells you as soon as it is known, and you are charged once at most.";
}

/** The same in a word or two, for a list. */
export const inShort = (order: Parameters<typeof headline>[0]): string => headline(order).replace(/,.*/, "");

/** What is still to come for an order, as far as it can be told. */
export function toCome(
  order: Pick<Schemas["Order"], "status" | "settled" | "points" | "history">,
): readonly string[] {
  const { status, settled, points, history } = order;
  if (settled) return [];
  if (status === "CANCELLED") return ["Giving everything back"];
  if (status === "CANCELLING") return ["Asking whether it was paid"];
  const happened = new Set(history.map(({ step }) => step));
  return Object.keys(coming)
    .filter((step) => !happened.has(step) && (points > 0 || !step.startsWith("BENEFITS_")))
    .map((step) => coming[step] as string);
}
