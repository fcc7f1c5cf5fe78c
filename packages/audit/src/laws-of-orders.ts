// What must hold of an order: what it costs, and that all four services agree on how it ended.
import type {
  BenefitHoldEntry,
  OrderEntry,
  PaymentEntry,
  StockHoldEntry,
  UnitsOf,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books } from "./books.ts";
import type { Law, Say } from "./law.ts";
import { isGivenBack, isSold } from "./settled.ts";

export const agreement: Law = {
  id: "I6",
  title: "all four services agree on a settled order",
  compares: "orders",
  isAcross: true,
  check(books, say) {
    const settled = ordersIn(books).filter((order) => isSold(order) || isGivenBack(order));
    for (const order of settled) {
      if (order.status === "confirmed") agreeOnSale(books, order, say);
      else agreeOnNothing(books, order, say);
    }
    for (const order of ordersIn(books)) isOfOneMember(order, books, say);
    for (const payment of books.payment.payments.values()) isAsAnswered(payment, say);
    nothingForNobody(books, say);
    return settled.length;
  },
};

function agreeOnSale({ product, member, payment }: Books, order: OrderEntry, say: Say): void {
  const { orderId: id } = order;
  soldAsOrdered(order, product.stockHolds.get(id), say);
  spentAsAgreed(order, member.benefitHolds.get(id), say);
  paidAsDue(order, payment.payments.get(id), say);
}

/** Whoever heard whose order it is remembers the same; of a sale that is said with what it costs, and spends. */
function isOfOneMember(order: OrderEntry, { member, payment }: Books, say: Say): void {
  const { orderId: id, memberId } = order;
  if (isSold(order)) return;
  const owners = {
    member: member.benefitHolds.get(id)?.memberId,
    payment: payment.payments.get(id)?.memberId,
  };
  for (const [service, owner = ""] of Object.entries(owners))
    if (owner !== "" && owner !== memberId)
      say(id, `order ${id} is of ${memberId}, ${service} has it of ${owner}`);
}

const inDoubt = [""];
/** By status, what the payment can have answered the order. */
const answers: Readonly<Record<string, readonly string[]>> = {
  absent: inDoubt,
  ready: inDoubt,
  confirming: inDoubt,
  unknown: inDoubt,
  approved: ["payment.approved"],
  declined: ["payment.declined"],
  voided: ["payment.voided"],
  // Money of a wrong amount goes back first, and is answered for then.
  refunding: [...inDoubt, "payment.approved", "payment.declined"],
  refunded: ["payment.approved", "payment.declined"],
};

function isAsAnswered({ orderId: id, status, verdict }: PaymentEntry, say: Say): void {
  if (!answers[status]?.includes(verdict))
    say(id, `payment ${id} is ${status}, its answer to the order was ${verdict || "none yet"}`);
}

function soldAsOrdered(
  { orderId: id, lines }: OrderEntry,
  stock: StockHoldEntry | undefined,
  say: Say,
): void {
  if (stock?.status !== "committed")
    say(id, `order ${id} is confirmed, its stock is ${stock?.status ?? "unknown to product"}`);
  else if (unitsIn(stock.sold) !== unitsIn(lines))
    say(id, `order ${id} has ${unitsIn(lines)}, product sold ${unitsIn(stock.sold)}`);
}

function spentAsAgreed(order: OrderEntry, benefits: BenefitHoldEntry | undefined, say: Say): void {
  const { orderId: id, memberId, points } = order;
  if (points === 0n) {
    if (isActive(benefits)) say(id, `order ${id} uses no points, member has them ${benefits?.status}`);
  } else if (benefits?.status !== "spent")
    say(id, `order ${id} is confirmed, its points are ${benefits?.status ?? "unknown to member"}`);
  else if (benefits.points !== points || benefits.memberId !== memberId) {
    const spent = `${benefits.points} of ${benefits.memberId}`;
    say(id, `order ${id} uses ${points} of ${memberId}, member spent ${spent}`);
  }
}

function paidAsDue(order: OrderEntry, paid: PaymentEntry | undefined, say: Say): void {
  const { orderId: id } = order;
  const costs = (of: OrderEntry | PaymentEntry) => `${of.memberId} ${of.amountDue} ${of.currency}`;
  if (paid?.status !== "approved")
    say(id, `order ${id} is confirmed, its payment is ${paid?.status ?? "unknown to payment"}`);
  else if (costs(paid) !== costs(order))
    say(id, `order ${id} costs ${costs(order)}, payment says ${costs(paid)}`);
}

function agreeOnNothing({ product, member, payment }: Books, order: OrderEntry, say: Say): void {
  const { orderId: id } = order;
  const stock = product.stockHolds.get(id);
  const benefits = member.benefitHolds.get(id);
  const paid = payment.payments.get(id);
  if (!isOver(stock))
    say(id, `order ${id} is cancelled, its stock is ${stock?.status ?? "unknown to product"}`);
  if (order.benefits === "released" ? !isOver(benefits) : isActive(benefits))
    say(id, `order ${id} is cancelled, its points are ${benefits?.status ?? "unknown to member"}`);
  const isUnpaid =
    paid !== undefined && ["voided", "declined", "refunding", "refunded"].includes(paid.status);
  const isNothing = paid?.status === "approved" && paid.captured === 0n;
  if (!isUnpaid && !isNothing)
    say(id, `order ${id} is cancelled, its payment is ${paid?.status ?? "unknown to payment"}`);
}

/** Whatever is kept is kept for an order that somebody placed. */
function nothingForNobody({ order, product, member, payment }: Books, say: Say): void {
  const isNobodys = (id: string) => !isThere(order.orders.get(id));
  for (const [id, hold] of product.stockHolds)
    if (isActive(hold) && isNobodys(id))
      say(id, `product has stock ${hold.status} for ${id}, which is no order`);
  for (const [id, hold] of member.benefitHolds)
    if (isActive(hold) && isNobodys(id))
      say(id, `member has points ${hold.status} for ${id}, which is no order`);
  for (const [id, { status }] of payment.payments)
    if (status === "approved" && isNobodys(id)) say(id, `payment is ${status} for ${id}, which is no order`);
}

export const price: Law = {
  id: "I7",
  title: "points and money make up the frozen price, in one currency",
  compares: "orders",
  isAcross: false,
  check(books, say) {
    const orders = ordersIn(books);
    const currency = orders[0]?.currency;
    for (const order of orders) {
      const { orderId: id, linesTotal, subtotal, points, amountDue } = order;
      if (linesTotal !== subtotal)
        say(id, `the lines of order ${id} are worth ${linesTotal}, not ${subtotal}`);
      if (points + amountDue !== subtotal)
        say(id, `order ${id} takes ${points} points and ${amountDue} for ${subtotal}`);
      if (points < 0n || amountDue < 0n) say(id, `order ${id} takes less than nothing`);
      if (order.currency !== currency) say(id, `order ${id} is in ${order.currency}, others in ${currency}`);
    }
    return orders.length;
  },
};

/** A cancel that was heard ends a hold for ever, and leaves a tombstone where there was none. */
export const noResurrection: Law = {
  id: "I11",
  title: "what heard of a cancel holds nothing of that order any more",
  compares: "cancels heard",
  isAcross: true,
  check({ order, product, member }, say) {
    let compared = 0;
    for (const { factId, type, aggregateId: id } of order.told.values()) {
      if (type !== "order.cancelled") continue;
      if (product.heard.has(factId)) {
        compared += 1;
        const hold = product.stockHolds.get(id);
        if (!isOver(hold))
          say(id, `product heard that order ${id} was cancelled, its hold is ${hold?.status ?? "gone"}`);
      }
      if (member.heard.has(factId) && (order.orders.get(id)?.points ?? 0n) > 0n) {
        compared += 1;
        const hold = member.benefitHolds.get(id);
        if (!isOver(hold))
          say(id, `member heard that order ${id} was cancelled, its hold is ${hold?.status ?? "gone"}`);
      }
    }
    return compared;
  },
};

interface HoldLike {
  readonly status: string;
}

/** Something is kept away from others by it, or was given to the buyer. */
const isActive = (hold: HoldLike | undefined): boolean =>
  hold !== undefined && ["held", "committed", "spent"].includes(hold.status);
/** It can never be active again. */
const isOver = (hold: HoldLike | undefined): boolean =>
  hold !== undefined && ["released", "returned", "tombstone"].includes(hold.status);

/** A row may be there that only counts what was told of an order nobody placed. */
export const isThere = (order: OrderEntry | undefined): boolean =>
  order !== undefined && order.status !== "absent";
export const ordersIn = ({ order }: Books): readonly OrderEntry[] =>
  [...order.orders.values()].filter(isThere);

/** Lines as a text that is the same however they are split and sorted: `2 lamp, 1 vase`. */
function unitsIn(lines: readonly UnitsOf[]): string {
  const units = new Map<string, bigint>();
  for (const { variantId, quantity } of lines) units.set(variantId, (units.get(variantId) ?? 0n) + quantity);
  const sorted = [...units].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([variantId, quantity]) => `${quantity} ${variantId}`).join(", ") || "nothing";
}
