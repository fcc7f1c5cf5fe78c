// The cart: what is in it, how many, which points to use, and the order.

import { Problem, type Schemas } from "@quadrille/client";
import { answerOf, DELETE, GET, PATCH, POST } from "./api.ts";
import { button, h, refill } from "./dom.ts";
import { forget, newKey, remember, remembered, withKey } from "./memory.ts";
import { sums } from "./receipt.ts";
import { attempt, heading, refreshCart, refreshMember, type Stage, say, showCount } from "./shell.ts";
import { inMoney, inPoints, ofLineProblem } from "./words.ts";

type Cart = Schemas["Cart"];
type Line = Cart["lines"][number];

const quantityMost = 999;

export async function showCart({ main, signal }: Stage): Promise<void> {
  const title = heading("Cart");
  const place = h("div", { class: "cart" }, h("p", { class: "soft" }, "Looking into your cart…"));
  const problem = h("div", { class: "problems" });
  main.replaceChildren(title, problem, place);
  let pointsWanted = 0;

  const draw = (cart: Cart, pointsThere: number): void => {
    const { lines, subtotal } = cart;
    if (lines.length === 0) {
      refill(place, empty());
      return;
    }
    const change = (act: () => Promise<unknown>) =>
      attempt(problem, async () => {
        await act();
        await redraw();
      });
    const usable = Math.min(pointsThere, subtotal.amount);
    pointsWanted = Math.min(pointsWanted, usable);
    const usePoints = (points: number) => {
      pointsWanted = Math.max(0, Math.min(usable, Math.trunc(points) || 0));
      draw(cart, pointsThere);
    };
    refill(
      place,
      h(
        "ul",
        { class: "lines", "aria-label": "In your cart" },
        ...lines.map((line) => row(line, change, title)),
      ),
      h(
        "section",
        { class: "summary", "aria-label": "Summary" },
        pointsField({
          currency: subtotal.currency,
          there: pointsThere,
          usable,
          wanted: pointsWanted,
          usePoints,
        }),
        sums({ subtotal, points: pointsWanted, due: dueOf(subtotal, pointsWanted), dueName: "To pay" }),
        button(`Order for ${inMoney(dueOf(subtotal, pointsWanted))}`, { class: "main", id: "order" }, () =>
          attempt(problem, () => order(cart, pointsWanted).catch(orReloaded(redraw))),
        ),
      ),
    );
  };
  const redraw = async (): Promise<void> => {
    const [cart, member] = await Promise.all([answerOf(GET("/v1/cart", { signal })), refreshMember()]);
    showCount(cart);
    draw(cart, member.points.available);
  };
  const open = (): Promise<void> => attempt(problem, redraw, open);
  await open();
}

const empty = () =>
  h("p", { class: "empty" }, "Your cart is empty. ", h("a", { href: "#/" }, "Look around in the shop"), ".");

const dueOf = ({ amount, currency }: Schemas["Money"], points: number) => ({
  amount: amount - points,
  currency,
});

function row(
  line: Line,
  change: (act: () => Promise<unknown>) => Promise<void>,
  title: HTMLElement,
): HTMLLIElement {
  const { productId, quantity, unitPrice } = line;
  const name = line.title ?? productId;
  const path = { productId };
  const set = (wanted: number) => {
    const body = { quantity: Math.max(1, Math.min(quantityMost, Math.trunc(wanted) || 1)) };
    return change(async () => {
      await answerOf(
        PATCH("/v1/cart/lines/{productId}", { params: { path }, headers: withKey(newKey()), body }),
      );
      say(`${name}: ${body.quantity} in your cart.`);
    });
  };
  const step = (label: string, sign: string, id: string, wanted: number) =>
    button(
      sign,
      { class: "step", id: `${id}-${productId}`, "aria-label": label, "aria-disabled": isOutside(wanted) },
      () => set(wanted),
    );
  const remove = () =>
    change(async () => {
      await answerOf(DELETE("/v1/cart/lines/{productId}", { params: { path }, headers: withKey(newKey()) }));
      say(`${name} is out of your cart.`);
      title.focus(); // The button that had the keyboard is gone with its line.
    });
  const input = h("input", {
    id: `quantity-${productId}`,
    class: "count",
    type: "number",
    inputmode: "numeric",
    min: 1,
    max: quantityMost,
    value: quantity,
    "aria-label": `Quantity of ${name}`,
    change: ({ target }) => set((target as HTMLInputElement).valueAsNumber),
  });
  return h(
    "li",
    { "data-product": productId },
    h(
      "div",
      { class: "what" },
      h("h2", {}, name),
      h("p", { class: "soft" }, unitPrice === undefined ? "" : `${inMoney(unitPrice)} each`),
    ),
    h(
      "div",
      { class: "quantity" },
      step(`One ${name} less`, "−", "less", quantity - 1),
      input,
      step(`One ${name} more`, "+", "more", quantity + 1),
    ),
    h(
      "p",
      { class: "price" },
      unitPrice === undefined ? "" : inMoney({ ...unitPrice, amount: unitPrice.amount * quantity }),
    ),
    button("Remove", { class: "link", "aria-label": `Remove ${name}` }, remove),
    line.problem === undefined ? undefined : h("p", { class: "fault" }, ofLineProblem(line.problem)),
  );
}

const isOutside = (quantity: number) => (quantity < 1 || quantity > quantityMost ? "true" : undefined);

interface Points {
  readonly currency: string;
  readonly there: number;
  readonly usable: number;
  readonly wanted: number;
  readonly usePoints: (points: number) => void;
}

function pointsField({ currency, there, usable, wanted, usePoints }: Points): HTMLElement {
  const input = h("input", {
    id: "points",
    type: "number",
    inputmode: "numeric",
    min: 0,
    max: usable,
    value: wanted,
    "aria-describedby": "points-there",
    change: ({ target }) => usePoints((target as HTMLInputElement).valueAsNumber),
  });
  return h(
    "div",
    { class: "points-field" },
    h("label", { for: "points" }, "Points to use"),
    h(
      "div",
      { class: "with-button" },
      input,
      button("Use all", { class: "quiet", id: "points-all" }, () => usePoints(usable)),
    ),
    h(
      "p",
      { class: "soft", id: "points-there" },
      `You have ${inPoints(there)}, each worth ${inMoney({ amount: 1, currency })}.`,
    ),
  );
}

/** Places the order and goes there. Asked again without an answer in between, it is the same order. */
async function order({ version, subtotal }: Cart, points: number): Promise<void> {
  const body = {
    cart: true as const,
    points,
    expectedAmountDue: subtotal.amount - points,
    method: "CARD" as const,
  };
  const asked = JSON.stringify([version, body]);
  const begun = remembered("order");
  const key = begun?.asked === asked ? begun.key : newKey();
  remember("order", { asked, key });
  const placed = await answerOf(POST("/v1/orders", { headers: withKey(key), body }));
  forget("order");
  location.hash = `#/orders/${placed.orderId}`;
  await refreshCart().catch(() => {}); // The order is placed; the count is right again with the next view.
}

/** Other prices, or another cart: it is shown as it is now, below the no. */
function orReloaded(redraw: () => Promise<void>) {
  return async (error: unknown): Promise<never> => {
    if (error instanceof Problem && error.status < 500 && error.status > 401) {
      forget("order");
      await redraw();
    }
    throw error;
  };
}
