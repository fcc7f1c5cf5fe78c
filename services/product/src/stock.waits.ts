// What a hold on stock waits for, from whom, until when, and what happens then. Pure.
import type { Waiting } from "@quadrille/outbox/explain";
import type { Hold } from "./stock.ts";

/** Only what is held waits: every other hold has come to its end, or to a late sale nobody expects. */
export function waitsOf({ status, holdUntil }: Hold): readonly Waiting[] {
  if (status !== "held") return [];
  const what = "order.confirmed or order.cancelled";
  const because = "the stock is held";
  return [{ what, who: "order", because, until: holdUntil, instead: "product.stock_released (EXPIRED)" }];
}
