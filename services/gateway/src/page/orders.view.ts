// The member's orders, newest first.

import type { Schemas } from "@quadrille/client";
import { answerOf, GET } from "./api.ts";
import { button, h } from "./dom.ts";
import { attempt, heading, type Stage } from "./shell.ts";
import { inMoney, inShort, inUnits, nameOf, onDay } from "./words.ts";

export async function showOrders({ main, signal }: Stage): Promise<void> {
  const list = h("ul", { class: "orders", "aria-label": "Your orders" });
  const foot = h("div", { class: "foot" }, h("p", { class: "soft" }, "Looking up your orders…"));
  main.replaceChildren(heading("Orders"), list, foot);

  const load = (pageToken?: string): Promise<void> =>
    attempt(
      foot,
      async () => {
        const query = pageToken === undefined ? {} : { pageToken };
        const page = await answerOf(GET("/v1/orders", { params: { query }, signal }));
        const items = page.orders.map(item);
        list.append(...items);
        if (pageToken !== undefined) items[0]?.querySelector("a")?.focus();
        if (list.childElementCount === 0)
          foot.append(h("p", { class: "empty" }, "You have not ordered anything yet."));
        const { nextPageToken } = page;
        if (nextPageToken !== undefined)
          foot.append(button("Show more", { class: "quiet" }, () => load(nextPageToken)));
      },
      () => load(pageToken),
    );
  await load();
}

function item(order: Schemas["Order"]): HTMLLIElement {
  const { orderId, lines, amountDue, placedAt } = order;
  const count = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  return h(
    "li",
    {},
    h("a", { href: `#/orders/${orderId}` }, nameOf(order)),
    h("p", { class: "soft" }, `${inUnits(count)}, ${onDay(placedAt)}`),
    h("p", { class: "price" }, inMoney(amountDue)),
    h("p", { class: `state ${order.status.toLowerCase()}` }, inShort(order)),
  );
}
