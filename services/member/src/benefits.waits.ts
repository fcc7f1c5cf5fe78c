// What a hold on benefits waits for, from whom, until when, and what happens then. Pure.
import type { Waiting } from "@quadrille/outbox/explain";
import type { Hold } from "./benefits.ts";

/** Only what is held waits: every other hold has come to its end, or to a late sale nobody expects. */
export function waitsOf({ status, points, holdUntil }: Hold): readonly Waiting[] {
  if (status !== "held") return [];
  const what = "order.confirmed or order.cancelled";
  const because = `${points} points are held`;
  return [{ what, who: "order", because, until: holdUntil, instead: "member.benefits_released (EXPIRED)" }];
}
