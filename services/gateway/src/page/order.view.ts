// One order: what happens to it as it happens, and what its buyer can do now.

import { Problem, type Schemas } from "@quadrille/client";
import { answerOf, POST } from "./api.ts";
import { button, h, refill } from "./dom.ts";
import { newKey, withKey } from "./memory.ts";
import { forgetOutcome, goToWindow, outcomeOf, whyUnpaid } from "./payment.ts";
import { isAgreed } from "./question.ts";
import { receipt } from "./receipt.ts";
import { attempt, heading, Notice, problemBox, refreshMember, type Stage } from "./shell.ts";
import { type WatchedOrder, watchOrder } from "./watched-order.ts";
import { isAwaited, type PaymentStatus, type WatchedPayment, watchPayment } from "./watched-payment.ts";
import {
  atTime,
  headline,
  inMoney,
  ofReason,
  ofStep,
  paymentHeadline,
  paymentHint,
  toCome,
} from "./words.ts";

type Order = Schemas["Order"];
type Change = Schemas["OrderChange"];

export async function showOrder({ main, signal }: Stage, orderId: string): Promise<void> {
  const place = layOut(main, orderId);
  const { problem, connection } = place;
  const unpaid = whyUnpaid(orderId);
  let isConfirming = false;
  const order = watchOrder(orderId, signal, (_, change) => {
    if (change !== undefined) place.aloud.textContent = sentence(change);
    draw(change);
    if (payment.now === undefined) followPayment();
  });
  const payment = watchPayment(
    orderId,
    signal,
    () => order.now,
    () => draw(),
  );

  const draw = (change?: Change): void => {
    if (order.now === undefined || signal.aborted) return;
    const seen: Seen = { order: order.now, payment: payment.now, isConfirming };
    drawOrder(place, seen, change);
    refill(place.actions, ...actionsFor(seen));
    tellUnpaid(place.unpaid, canPay(seen) ? unpaid : undefined);
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
  const followPayment = (): void => {
    if (isAwaited(order.now)) void attempt(place.checking, payment.follow, followPayment);
  };
  const confirm = async (): Promise<void> => {
    const outcome = outcomeOf(orderId);
    if (outcome === undefined) return;
    isConfirming = true;
    draw();
    const settle = () => {
      isConfirming = false;
      if (!signal.aborted) forgetOutcome(orderId);
      draw();
      followPayment();
    };
    await attempt(problem, () => settled(outcome, order, payment).finally(settle));
  };
  const cancel = async (): Promise<void> => {
    if (!(await isAgreed(main, cancelling))) return;
    const asked = { params: { path: { orderId } }, headers: withKey(newKey()) };
    order.absorb(await answerOf(POST("/v1/orders/{orderId}/cancel", asked)));
    place.title.focus(); // The button that had the keyboard is gone.
    void watch();
  };
  const pay = async (): Promise<void> => {
    await payment.refresh(); // It may have been begun elsewhere since.
    if (order.now !== undefined && payment.now === "READY") await goToWindow(order.now);
    else followPayment();
  };
  const actionsFor = (seen: Seen) =>
    actions(seen, { pay: () => attempt(problem, pay), cancel: () => attempt(problem, cancel) });

  const open = (): Promise<void> => attempt(problem, order.refresh, open);
  await open();
  if (order.now === undefined) return;
  // Whoever comes back to this page may have paid in another.
  for (const event of ["pageshow", "focus"]) addEventListener(event, followPayment, { signal });
  await Promise.all([confirm(), watch()]);
}

/** What is known when the page is drawn. */
interface Seen {
  readonly order: Order;
  readonly payment: PaymentStatus | undefined;
  readonly isConfirming: boolean;
}

const canPay = ({ order, payment, isConfirming }: Seen): boolean =>
  isAwaited(order) && payment === "READY" && !isConfirming;

function drawOrder(place: ReturnType<typeof layOut>, seen: Seen, newest: Change | undefined): void {
  const words = headlineFor(seen);
  place.title.textContent = words;
  document.title = `${words} · Quadrille`;
  place.hint.textContent = hintFor(seen);
  place.steps.replaceChildren(...stepsOf(seen.order, newest));
  place.receipt.replaceChildren(...receipt(seen.order, isAwaited(seen.order) && !canPay(seen)));
}

/** Says so as long as it is so, and aloud only once. */
function tellUnpaid(place: HTMLElement, unpaid: Notice | undefined): void {
  if (unpaid === undefined) place.replaceChildren();
  else if (place.childElementCount === 0) place.append(problemBox(unpaid));
}

/** Waits for what a confirmation comes to. A no because of another attempt is told as what that attempt came to. */
async function settled(
  outcome: Promise<Schemas["Payment"]>,
  order: WatchedOrder,
  payment: WatchedPayment,
): Promise<void> {
  try {
    payment.absorb((await outcome).status);
  } catch (error) {
    const code = error instanceof Problem ? error.code : "";
    if (code === "PAYMENT_DECLINED") payment.absorb("DECLINED");
    if (code === "PAYMENT_IN_DOUBT" || code === "PAYMENT_ENDED")
      await Promise.all([order.refresh(), payment.refresh()]);
    if (code === "PAYMENT_IN_DOUBT") return;
    if (code === "PAYMENT_ENDED" && payment.now === "APPROVED")
      throw new Notice("This order was paid already. You were not charged again.");
    throw error;
  }
}

function actions(
  seen: Seen,
  act: Readonly<Record<"pay" | "cancel", () => Promise<void>>>,
): readonly HTMLElement[] {
  const { status, settled, amountDue } = seen.order;
  const pay = button(`Pay ${inMoney(amountDue)}`, { class: "main", id: "pay" }, act.pay);
  const end = button("Cancel order", { class: "quiet", id: "cancel" }, act.cancel);
  const canCancel =
    status === "PENDING" ||
    (isAwaited(seen.order) && !seen.isConfirming && seen.payment !== "APPROVED") ||
    (status === "CONFIRMED" && settled);
  const back = h("a", { class: "button", href: "#/" }, "Back to the shop");
  return [...(canPay(seen) ? [pay] : []), ...(settled ? [back] : []), ...(canCancel ? [end] : [])];
}

function layOut(main: HTMLElement, orderId: string) {
  const place = {
    title: heading("Order"),
    problem: h("div", { class: "problems" }),
    unpaid: h("div", { class: "problems" }),
    checking: h("div", { class: "problems" }),
    hint: h("p", { class: "hint" }),
    steps: h("ol", { class: "steps", "aria-label": "Progress" }),
    actions: h("div", { class: "actions" }),
    connection: h("div", { class: "connection", role: "status" }),
    receipt: h("section", { class: "receipt", "aria-label": "What was ordered" }),
    aloud: h("p", { class: "aloud", "aria-live": "polite" }),
  };
  const { title, problem, unpaid, checking, hint, steps, actions, connection, aloud } = place;
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
    unpaid,
    checking,
    actions,
    aloud,
    h("div", { class: "order" }, h("div", { class: "progress" }, steps, connection), place.receipt),
  );
  return place;
}

function headlineFor({ order, payment, isConfirming }: Seen): string {
  if (isConfirming && order.status === "PAYABLE") return "Confirming your payment";
  return isAwaited(order) ? paymentHeadline(payment) : headline(order);
}

function hintFor(seen: Seen): string {
  const { status, payBy, reason, amountDue } = seen.order;
  if (seen.isConfirming && status === "PAYABLE")
    return "You are charged once at most, even if you load this page again.";
  if (canPay(seen) && payBy !== undefined) return `Everything is set aside for you until ${atTime(payBy)}.`;
  if (isAwaited(seen.order)) return paymentHint(seen.payment);
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

const cancelling = {
  title: "Cancel this order?",
  text: "The items go back on the shelf, and points and money come back to you.",
  no: "Keep it",
  yes: "Cancel it",
};
