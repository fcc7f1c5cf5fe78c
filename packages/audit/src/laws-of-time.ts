// What must hold of time: what was accepted ends, and whatever is open has its moment and somebody who is there then.
import type { OrderEntry, PaymentEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books, ServiceBooks } from "./books.ts";
import { isBefore, type Law, type Say, type Terms } from "./law.ts";
import { isThere, ordersIn } from "./laws-of-orders.ts";
import { isGivenBack, isSold } from "./settled.ts";

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
/** Whoever looks after what is due does so every second, unless there are very many. */
const overdueMs = 5 * minuteMs;
/** While the provider is silent only some are asked about, but nothing sleeps longer than a doubt may last. */
const overdueInSilenceMs = 60 * minuteMs;
/** Nothing is put off by more than this, and no doubt lasts as long. */
const doubtMs = dayMs;
const openMs = 30 * dayMs;
/** What follows from an order's end takes a few facts, each of which may take the grace. */
const hops = 5;

const heldFacts = new Set(["product.stock_held", "member.benefits_held"]);
const inDoubt = ["confirming", "unknown", "refunding"];

export const acceptance: Law = {
  id: "I1",
  title: "an accepted order exists, and ends settled",
  compares: "orders",
  isAcross: true,
  check(books, say, terms) {
    const { accepted = new Set() } = terms;
    const orders = ordersIn(books);
    for (const id of accepted)
      if (!isThere(books.order.orders.get(id))) say(id, `order ${id} was accepted and is not there`);
    const toldAt = lastToldIn(books.order);
    for (const order of orders) {
      const { orderId: id, status, stock, benefits, payment, dueAt } = order;
      const isOpen = status === "pending" || status === "payable" || status === "cancelling";
      if (isOpen) staysNotOpen(order, books.order, say, terms);
      else if (dueAt !== undefined) say(id, `order ${id} is ${status}, and yet has a deadline`);
      const isLate = !isOpen && isLateToSettle(order, toldAt.get(id), books, terms);
      if ((terms.atRest || isLate) && !isSold(order) && !isGivenBack(order))
        say(
          id,
          `order ${id} has not ended: ${status}, stock ${stock}, benefits ${benefits}, payment ${payment}`,
        );
    }
    return Math.max(orders.length, accepted.size);
  },
};

function staysNotOpen(
  { orderId: id, status, placedAt, dueAt }: OrderEntry,
  { takenAt }: ServiceBooks,
  say: Say,
  { graceMs }: Terms,
): void {
  if (dueAt === undefined) say(id, `order ${id} is ${status}, and nobody will look at it again`);
  if (isBefore(dueAt, ago(takenAt, overdueMs + graceMs)))
    say(id, `order ${id} is ${status}, and nobody looked at it at ${dueAt?.toISOString()}`);
  const lastsUntil = dueAt === undefined || dueAt < takenAt ? takenAt : dueAt;
  if (isBefore(placedAt, ago(lastsUntil, openMs)))
    say(id, `order ${id} of ${placedAt?.toISOString()} is ${status} until ${lastsUntil.toISOString()}`);
}

/** Its holds, and its money if no answer of the provider is waited for, have had time enough since it told how it ended. */
function isLateToSettle(
  order: OrderEntry,
  toldAt: Date | undefined,
  { order: { takenAt }, payment }: Books,
  { graceMs }: Terms,
): boolean {
  const isDoubtful = inDoubt.includes(payment.payments.get(order.orderId)?.status ?? "");
  const waitsForMoney = isDoubtful && isGivenBack({ ...order, payment: "refunded" });
  return isBefore(toldAt ?? order.placedAt, ago(takenAt, waitsForMoney ? doubtMs : hops * graceMs));
}

/** When each order last told something that is not forgotten. */
function lastToldIn({ told }: ServiceBooks): ReadonlyMap<string, Date> {
  const last = new Map<string, Date>();
  for (const { aggregateId: id, occurredAt: at } of told.values())
    if (at !== undefined && !isBefore(at, last.get(id))) last.set(id, at);
  return last;
}

export const boundedness: Law = {
  id: "I12",
  title: "no hold outlives its time, every doubt is looked into; at rest there is none",
  compares: "holds and payments",
  isAcross: false,
  check(books, say, terms) {
    const { product, member, payment } = books;
    for (const service of [product, member]) {
      holdsBegin(service, say);
      holdsEnd(service, say, terms);
    }
    const overdue = ago(
      payment.takenAt,
      terms.graceMs + (isAsking(payment) ? overdueInSilenceMs : overdueMs),
    );
    for (const entry of payment.payments.values()) {
      isLookedInto(entry, payment.takenAt, overdue, say);
      const { orderId: id, status } = entry;
      if (terms.atRest && (status === "ready" || inDoubt.includes(status)))
        say(id, `payment ${id} is still ${status}`);
    }
    return product.stockHolds.size + member.benefitHolds.size + payment.payments.size;
  },
};

/** Somebody has lately called the provider, whatever came of it. */
function isAsking({ payments, takenAt }: ServiceBooks): boolean {
  const latest = ago(takenAt, overdueMs);
  return [...payments.values()].some(({ journaledAt }) => isBefore(latest, journaledAt));
}

/** A fact of long ago keeps units, or points, from others for nobody. */
function holdsBegin({ service, told, stockHolds, benefitHolds }: ServiceBooks, say: Say): void {
  const holds: ReadonlyMap<string, { readonly holdUntil: Date | undefined }> =
    service === "product" ? stockHolds : benefitHolds;
  for (const { type, aggregateId: id, occurredAt } of told.values()) {
    if (!heldFacts.has(type)) continue;
    const until = holds.get(id)?.holdUntil;
    if (until !== undefined && occurredAt !== undefined && !isBefore(occurredAt, until))
      say(id, `${service} held something for ${id} when its time was over at ${until.toISOString()}`);
  }
}

function holdsEnd(books: ServiceBooks, say: Say, { graceMs }: Terms): void {
  const { service } = books;
  const latest = ago(books.takenAt, graceMs);
  for (const [id, { status, holdUntil }] of [...books.stockHolds, ...books.benefitHolds]) {
    if (status !== "held") continue;
    if (holdUntil === undefined) say(id, `${service} holds something for ${id}, and for ever`);
    if (isBefore(holdUntil, latest))
      say(id, `${service} holds something for ${id}, whose time was over at ${holdUntil?.toISOString()}`);
  }
}

/** A refused refund waits for a person; anything else that is open for the moment at which the provider is asked. */
function isLookedInto(payment: PaymentEntry, takenAt: Date, overdue: Date, say: Say): void {
  const { orderId: id, status, dueAt, attemptStartedAt, refunding } = payment;
  const isOpen = status === "refunding" ? refunding > 0n : inDoubt.includes(status);
  if (isOpen && dueAt === undefined) say(id, `payment ${id} is ${status}, and nobody will ask about it`);
  if (isBefore(dueAt, overdue))
    say(id, `payment ${id} is ${status}, and nobody asked about it at ${dueAt?.toISOString()}`);
  if (isBefore(takenAt, dueAt && ago(dueAt, doubtMs)))
    say(id, `payment ${id} is ${status}, and nobody asks about it before ${dueAt?.toISOString()}`);
  if (status === "unknown" && isBefore(attemptStartedAt, ago(takenAt, doubtMs)))
    say(id, `payment ${id} has been in doubt since ${attemptStartedAt?.toISOString()}`);
}

const ago = (at: Date, ms: number): Date => new Date(at.getTime() - ms);
