// One order: what happens to it as it happens, and what its buyer can do now.

import type { Schemas } from "@quadrille/client";
import { answerOf, POST } from "./api.ts";
import { button, h, refill } from "./dom.ts";
import { newKey, withKey } from "./memory.ts";
import { forgetOutcome, goToWindow, outcomeOf, whyUnpaid } from "./payment.ts";
import { receipt } from "./receipt.ts";
import { attempt, heading, problemBox, refreshMember, type Stage } from "./shell.ts";
import { watchOrder } from "./watched-order.ts";
import { atTime, headline, inMoney, ofReason, ofStep, toCome } from "./words.ts";

type Order = Schemas["Order"];
type Change = Schemas["OrderChange"];

export async function showOrder({ main, signal }: Stage, orderId: string): Promise<void> {
  const place = layOut(main, orderId);
  const { problem, connection } = place;
  let isConfirming = false;
  const order = watchOrder(orderId, signal, (now, change) => {
    if (change !== undefined) place.aloud.textContent = sentence(change);
    draw(now, change);
  });

  const draw = (now: Order | undefined, change?: Change): void => {
    if (now === undefined || signal.aborted) return;
    const words = isConfirming && now.status === "PAYABLE" ? "Confirming your payment" : headline(now);
    place.title.textContent = words;
    document.title = `${words} · Quadrille`;
    place.hint.textContent = hintFor(now, isConfirming);
    place.steps.replaceChildren(...stepsOf(now, change));
    refill(place.actions, ...actionsFor(now));
    place.receipt.replaceChildren(...receipt(now));
  };
  const onConnected = (isConnected: boolean): void => {
    connection.textContent = isConnected ? "" : "The connection is lost. Trying again …";
  };
  const watch = (): Promise<void> =>
    attempt(
      connection,
      async () => {
        await order.follow(onConnected);
        if (!signal.aborted) await refreshMember(); // Points were spent, or came back.
      },
      watch,
    );
  const confirm = async (): Promise<void> => {
    const outcome = outcomeOf(orderId);
    if (outcome === undefined) return;
    isConfirming = true;
    draw(order.now);
    const settle = () => {
      isConfirming = false;
      if (!signal.aborted) forgetOutcome(orderId);
      draw(order.now);
    };
    await attempt(problem, () => outcome.finally(settle));
  };
  const cancel = async (): Promise<void> => {
    if (!(await isSure(main))) return;
    const asked = { params: { path: { orderId } }, headers: withKey(newKey()) };
    order.absorb(await answerOf(POST("/v1/orders/{orderId}/cancel", asked)));
    place.title.focus(); // The button that had the keyboard is gone.
    void watch();
  };
  const actionsFor = (now: Order): HTMLElement[] => {
    const { status, settled, amountDue } = now;
    const pay = button(`Pay ${inMoney(amountDue)}`, { class: "main", id: "pay" }, () =>
      attempt(problem, () => goToWindow(now)),
    );
    const end = button("Cancel order", { class: "quiet", id: "cancel" }, () => attempt(problem, cancel));
    const canPay = status === "PAYABLE" && amountDue.amount > 0 && !isConfirming;
    const canCancel = status === "PENDING" || canPay || (status === "CONFIRMED" && settled);
    const back = h("a", { class: "button", href: "#/" }, "Back to the shop");
    return [...(canPay ? [pay] : []), ...(settled ? [back] : []), ...(canCancel ? [end] : [])];
  };

  const open = (): Promise<void> => attempt(problem, order.refresh, open);
  await open();
  if (order.now === undefined) return;
  const unpaid = whyUnpaid(orderId);
  if (unpaid !== undefined) problem.replaceChildren(problemBox(unpaid));
  await Promise.all([confirm(), watch()]);
}

function layOut(main: HTMLElement, orderId: string) {
  const place = {
    title: heading("Order"),
    problem: h("div", { class: "problems" }),
    hint: h("p", { class: "hint" }),
    steps: h("ol", { class: "steps", "aria-label": "Progress" }),
    actions: h("div", { class: "actions" }),
    connection: h("div", { class: "connection", role: "status" }),
    receipt: h("section", { class: "receipt", "aria-label": "What was ordered" }),
    aloud: h("p", { class: "aloud", "aria-live": "polite" }),
  };
  const { title, problem, hint, steps, actions, connection, aloud } = place;
  main.replaceChildren(
    h(
      "p",
      { class: "kicker" },
      h("a", { class: "back", href: "#/orders" }, "Orders"),
      ` / ${orderId.slice(0, 8)}`,
    ),
    title,
    hint,
    problem,
    actions,
    aloud,
    h("div", { class: "order" }, h("div", { class: "progress" }, steps, connection), place.receipt),
  );
  return place;
}

function hintFor({ status, payBy, reason, amountDue }: Order, isConfirming: boolean): string {
  if (isConfirming && status === "PAYABLE")
    return "You are charged once at most, even if you load this page again.";
  if (status === "PAYABLE" && payBy !== undefined && amountDue.amount > 0)
    return `Everything is set aside for you until ${atTime(payBy)}.`;
  if (status === "CONFIRMED")
    return amountDue.amount > 0 ? "Thank you. Your order is paid." : "Thank you. Your points paid for it.";
  if (status === "CANCELLED" && reason !== undefined) return `Because ${ofReason(reason)}.`;
  return "";
}

function stepsOf(order: Order, newest: Change | undefined): HTMLElement[] {
  const { history } = order;
  const happened = history.map((change) =>
    h(
      "li",
      { class: change === newest ? "done new" : "done", "data-number": change.number },
      h("span", { class: "step-name" }, sentence(change)),
      h("time", { datetime: change.at }, atTime(change.at)),
    ),
  );
  const next = toCome(order).map((words, at) =>
    h(
      "li",
      { class: at === 0 ? "next" : "later", "aria-current": at === 0 ? "step" : undefined },
      h("span", { class: "step-name" }, words),
    ),
  );
  return [...happened, ...next];
}

/** Why stands with the step that tells of the end, and not with the wish for it as well. */
function sentence({ step, reason }: Change): string {
  return reason === undefined || step === "CANCEL_REQUESTED"
    ? ofStep(step)
    : `${ofStep(step)}: ${ofReason(reason)}`;
}

/** Asks before the order is cancelled. */
function isSure(place: HTMLElement): Promise<boolean> {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "sure" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "sure" }, "Cancel this order?"),
      h("p", { class: "sure" }, "The items go back on the shelf, and points and money come back to you."),
      h(
        "div",
        { class: "actions" },
        h("button", { value: "keep", class: "quiet" }, "Keep it"),
        h("button", { value: "cancel", class: "main" }, "Cancel it"),
      ),
    ),
  );
  place.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "cancel");
    }),
  );
}
