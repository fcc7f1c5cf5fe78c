// What was ordered, line by line, with what is to be paid.

import type { Schemas } from "@quadrille/client";
import { h } from "./dom.ts";
import { inMoney, onDay } from "./words.ts";

export function receipt(
  { status, lines, subtotal, points, amountDue, placedAt }: Schemas["Order"],
  isBeingPaid: boolean,
): HTMLElement[] {
  const dueName = isBeingPaid ? "Total" : (dueNames[status] ?? "To pay");
  const rows = lines.map(({ title, quantity, unitPrice }) =>
    h(
      "li",
      {},
      h("span", {}, quantity === 1 ? title : `${quantity} × ${title}`),
      h("span", { class: "price" }, inMoney({ ...unitPrice, amount: unitPrice.amount * quantity })),
    ),
  );
  return [
    h("p", { class: "soft" }, `Ordered ${onDay(placedAt)}`),
    h("ul", {}, ...rows),
    sums({ subtotal, points, due: amountDue, dueName }),
  ];
}

const dueNames: Readonly<Record<string, string>> = { CONFIRMED: "Paid", CANCELLED: "Total" };

interface Sums {
  readonly subtotal: Schemas["Money"];
  readonly points: number;
  readonly due: Schemas["Money"];
  readonly dueName: string;
}

/** What it costs, what the points make of it, and what is left to pay. */
export function sums({ subtotal, points, due, dueName }: Sums): HTMLElement {
  const line = (name: string, value: string, kind?: string) =>
    h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value));
  return h(
    "dl",
    { class: "sums" },
    line("Subtotal", inMoney(subtotal)),
    ...(points === 0 ? [] : [line("Points", `− ${inMoney({ ...subtotal, amount: points })}`)]),
    line(dueName, inMoney(due), "total"),
  );
}
