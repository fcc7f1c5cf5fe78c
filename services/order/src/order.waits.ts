// What an order waits for, from whom, until when, and what happens then. Pure: the same order gives the same answer.
import type { Waiting } from "@quadrille/outbox/explain";
import { type BenefitsFate, isSettled, type Order, type PlacedOrder, type StockFate } from "./order.ts";

/** Nothing, when nothing about the order can change any more. */
export function waitsOf(order: Order): readonly Waiting[] {
  if (order.status === "absent" || isSettled(order)) return [];
  switch (order.status) {
    case "pending":
      return pending(order);
    case "payable":
      return [
        {
          ...verdict(order),
          instead: "order.cancel_requested asks payment which came first (PAYMENT_EXPIRED)",
        },
      ];
    case "cancelling":
      return [
        {
          ...verdict(order),
          because: `${order.reason}: payment was asked ${times(order.asked)} which came first`,
          instead: "order.cancel_requested asks payment again",
        },
      ];
    case "confirmed":
      return sold(order);
    case "cancelled":
      return givenBack(order);
  }
}

function pending({ stock, benefits, dueAt }: PlacedOrder): Waiting[] {
  const end = { until: dueAt, instead: "order.cancelled (SAGA_TIMEOUT)" };
  const waits: Waiting[] = [];
  if (stock !== "held")
    waits.push({ what: "product.stock_held or product.stock_rejected", who: "product", ...end });
  if (benefits === "wanted")
    waits.push({ what: "member.benefits_held or member.benefits_rejected", who: "member", ...end });
  return waits;
}

function verdict({ dueAt }: PlacedOrder) {
  const what = "payment.approved, payment.declined or payment.voided";
  return { what, who: "payment", until: dueAt } satisfies Waiting;
}

function sold({ stock, benefits }: PlacedOrder): Waiting[] {
  const waits: Waiting[] = [];
  // The buyer has paid, so this is not given up; a failure cancels the order and gives the money back.
  const end = { instead: "it waits until they answer" };
  if (stock !== "committed")
    waits.push({ what: "product.stock_committed or product.stock_commit_failed", who: "product", ...end });
  if (benefits !== "spent" && benefits !== "unwanted")
    waits.push({ what: "member.benefits_spent or member.benefits_spend_failed", who: "member", ...end });
  return waits;
}

/** A cancelled order is settled when everything has gone back. */
function givenBack({ stock, benefits, payment, amountDue, reason }: PlacedOrder): Waiting[] {
  const because = `the order is cancelled (${reason})`;
  const isBack = (fate: StockFate | BenefitsFate) => fate === "released" || fate === "unwanted";
  const waits: Waiting[] = [];
  if (!isBack(stock)) waits.push({ what: "product.stock_released", who: "product", because });
  if (!isBack(benefits)) waits.push({ what: "member.benefits_released", who: "member", because });
  if (payment === "unasked" || payment === "asked")
    waits.push({ what: "payment.voided, payment.declined or payment.refunded", who: "payment", because });
  if (payment === "approved" && amountDue > 0n)
    waits.push({ what: "payment.refunded", who: "payment", because });
  return waits;
}

const times = (count: number) => (count === 1 ? "once" : `${count} times`);
