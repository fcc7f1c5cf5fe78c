// What must hold of money: each payment adds up, the order got what it asked for, and the provider remembers the same.
import type { PaymentEntry, ProviderEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books } from "./books.ts";
import { isYoung, type Law, type Say, type Terms } from "./law.ts";
import { ordersIn } from "./laws-of-orders.ts";
import { isGivenBack, isSold } from "./settled.ts";

export const money: Law = {
  id: "I5",
  title: "a confirmed order is paid once, a cancelled one not at all",
  compares: "payments",
  isAcross: true,
  check(books, say, terms) {
    for (const payment of books.payment.payments.values()) addsUp(payment, say);
    for (const { orderId: id, captured, captures, refunded } of books.payment.provider.values()) {
      if (captures > 1) say(id, `the provider took money ${captures} times for order ${id}`);
      if (refunded > captured) say(id, `the provider gave back ${refunded} of ${captured} for order ${id}`);
    }
    keptAsDue(books, say, terms);
    return books.payment.payments.size;
  },
};

/** What a payment says of itself. */
function addsUp(payment: PaymentEntry, say: Say): void {
  const { orderId: id, status, amountDue, captured, refunded, refunding, refused } = payment;
  const kept = captured - refunded;
  if (kept < 0n) say(id, `payment ${id} gave back ${refunded} of ${captured}`);
  if (status === "approved" && kept !== amountDue)
    say(id, `payment ${id} is approved and keeps ${kept} of ${amountDue}`);
  const isNothing = ["ready", "confirming", "unknown", "voided", "declined", "refunded"].includes(status);
  if (isNothing && kept !== 0n) say(id, `payment ${id} is ${status} and keeps ${kept}`);
  // Whatever goes back goes back whole: it is on its way, or was refused and waits for a person.
  const goesBack = refunding + refused;
  if (status === "refunding" && (goesBack === 0n || goesBack !== kept))
    say(id, `payment ${id} is refunding, and of ${kept} kept gives back ${goesBack}`);
  if (status !== "refunding" && goesBack !== 0n)
    say(id, `payment ${id} is ${status}, and yet gives back ${goesBack}`);
}

/** What the provider keeps for a settled order, whatever our own payment says. */
function keptAsDue(books: Books, say: Say, terms: Terms): void {
  for (const order of ordersIn(books)) {
    const { orderId: id, amountDue } = order;
    if (!isSold(order) && !isGivenBack(order)) continue;
    const payment = books.payment.payments.get(id);
    if (isMoving(payment, books, terms) || payment?.isRefundedByHand) continue;
    const due = isSold(order) ? amountDue : 0n;
    const account = books.payment.provider.get(id);
    const kept = keptBy(account);
    if (kept !== due) say(id, `order ${id} is ${order.status}, so ${due} is due; the provider keeps ${kept}`);
    else if (due > 0n && account?.currency !== order.currency)
      say(id, `order ${id} is to be paid in ${order.currency}; the provider keeps ${account?.currency}`);
  }
}

export const reconciliation: Law = {
  id: "I16",
  title: "the provider took and gave back what we say, order by order",
  compares: "payments and accounts",
  isAcross: true,
  check(books, say, terms) {
    const { payments, provider } = books.payment;
    for (const payment of payments.values()) {
      const account = provider.get(payment.orderId);
      if (!isMoving(payment, books, terms) || terms.atRest) agree(payment, account, say);
      else if (!isFresh(payment, books, terms)) neverMore(payment, account, say);
    }
    for (const { orderId: id, captured, foreign } of provider.values()) {
      if (!payments.has(id)) say(id, `the provider took ${captured} for ${id}, which is no payment`);
      if (foreign > 0) say(id, `the provider knows payment ${id} by another key, ${foreign} times`);
    }
    return new Set([...payments.keys(), ...provider.keys()]).size;
  },
};

function agree(payment: PaymentEntry, account: ProviderEntry | undefined, say: Say): void {
  const { orderId: id, status, captured, refunded, isRefundedByHand } = payment;
  const theirs = { captured: account?.captured ?? 0n, refunded: account?.refunded ?? 0n };
  const isForeign = account !== undefined && account.currency !== payment.currency;
  if (isForeign) say(id, `payment ${id} is in ${payment.currency}, the provider took ${account.currency}`);
  if (theirs.captured !== captured)
    say(id, `payment ${id} is ${status} with ${captured} captured, the provider took ${theirs.captured}`);
  // What a person gave back otherwise, the provider knows nothing of.
  const isSame = isRefundedByHand ? theirs.refunded <= refunded : theirs.refunded === refunded;
  if (!isSame)
    say(
      id,
      `payment ${id} is ${status} with ${refunded} refunded, the provider gave back ${theirs.refunded}`,
    );
}

/** Of a payment in doubt the provider may know more than we do, never less: what we say it took, or gave back, it said. */
function neverMore(payment: PaymentEntry, account: ProviderEntry | undefined, say: Say): void {
  const { orderId: id, status, captured, refunded, isRefundedByHand } = payment;
  const theirs = { captured: account?.captured ?? 0n, refunded: account?.refunded ?? 0n };
  if (captured > theirs.captured)
    say(id, `payment ${id} is ${status} with ${captured} captured, the provider took ${theirs.captured}`);
  if (refunded > theirs.refunded && !isRefundedByHand)
    say(
      id,
      `payment ${id} is ${status} with ${refunded} refunded, the provider gave back ${theirs.refunded}`,
    );
}

/** Somebody will ask the provider about it, or its list may not know its last answer yet: what it says now is not the last word. */
function isMoving(payment: PaymentEntry | undefined, books: Books, terms: Terms): boolean {
  if (payment === undefined) return false;
  const { status, dueAt } = payment;
  // Of money that was given up the provider is asked for a while; once there is another end, nobody asks.
  const isBeingAsked =
    ["confirming", "unknown", "refunding"].includes(status) || (status === "declined" && dueAt !== undefined);
  return isBeingAsked || isFresh(payment, books, terms);
}

/** The provider's list may not know yet what it answered a moment ago. */
function isFresh({ attemptStartedAt, journaledAt }: PaymentEntry, books: Books, terms: Terms): boolean {
  return [attemptStartedAt, journaledAt].some((at) => isYoung(at, books, "payment", terms));
}

const keptBy = (account: ProviderEntry | undefined): bigint =>
  (account?.captured ?? 0n) - (account?.refunded ?? 0n);
