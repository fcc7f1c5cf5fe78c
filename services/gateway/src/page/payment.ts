// Paying: to the provider's window and back, and the confirmation, which a reload in the middle never makes twice.

import type { Schemas } from "@quadrille/client";
import { NoAnswer, Problem } from "@quadrille/client";
import { pause } from "@quadrille/client/pause";
import { isTransient } from "@quadrille/client/problem";
import { answerOf, POST } from "./api.ts";
import { memberIn } from "./identity.ts";
import { type BegunPayment, forget, newKey, remember, remembered, withKey } from "./memory.ts";
import { readReturn } from "./return.ts";
import { Notice } from "./shell.ts";
import { nameOf } from "./words.ts";

interface ShopSettings {
  readonly paymentWindowUrl?: string;
}

/** Leaves for the provider's window, which sends the buyer back here with what came of it. */
export async function goToWindow(order: Schemas["Order"]): Promise<void> {
  const response = await fetch("/shop.json").catch(() => undefined);
  if (response?.ok !== true) throw new Notice("The payment window cannot be opened. Try again shortly.");
  const { paymentWindowUrl } = (await response.json()) as ShopSettings;
  if (paymentWindowUrl === undefined) throw new Notice("This shop has no payment window to pay in.");
  const { orderId, amountDue } = order;
  const left = { orderId, memberId: memberIn(remembered("token")), returnKey: newKey() };
  remember("left", left);
  const window = new URL(paymentWindowUrl);
  const asked = {
    orderId,
    amount: `${amountDue.amount}`,
    orderName: nameOf(order).slice(0, 100),
    successUrl: `${location.origin}/?returned=${left.returnKey}`,
    failUrl: `${location.origin}/?unpaid=${left.returnKey}`,
  };
  for (const [name, value] of Object.entries(asked)) window.searchParams.set(name, value);
  location.assign(window);
}

/**
 * What the window added to the address on the way back, with the order it is about; the address is then an ordinary one.
 * Answers with what to tell the buyer when this tab never left for such a window: anybody can write an address.
 */
export function takeReturn(): Notice | undefined {
  const { searchParams } = new URL(location.href);
  const returned = readReturn(searchParams, remembered("left"));
  if (returned === "none") return undefined;
  if (returned === "unexpected") {
    history.replaceState(null, "", "/");
    return new Notice(
      "This address came from a payment window that was not opened here, so nothing was done. Your orders show how everything stands.",
    );
  }
  const { left, paid, code } = returned;
  const { orderId, memberId } = left;
  if (paid === undefined) unpaidOrders.set(orderId, code);
  else begin({ orderId, memberId, ...paid, key: newKey() });
  history.replaceState(null, "", `/#/orders/${encodeURIComponent(orderId)}`);
  return undefined;
}

/** What was begun for the order already comes first: it may be the one that takes the money. */
function begin(payment: BegunPayment): void {
  const begun = remembered("payments") ?? [];
  if (begun.some(({ orderId }) => orderId === payment.orderId)) return;
  remember("payments", [...begun, payment]);
}

function forgetBegun(orderId: string): void {
  const others = (remembered("payments") ?? []).filter((one) => one.orderId !== orderId);
  if (others.length > 0) remember("payments", others);
  else forget("payments");
}

/** Whether something was begun in this tab that has no answer yet. */
export function hasBegun(memberId: string): boolean {
  return (remembered("payments") ?? []).some((one) => one.memberId === memberId);
}

const unpaidOrders = new Map<string, string>();

/** What to tell a buyer who came back from the window without having paid, once, and only while there is something to pay. */
export function whyUnpaid(orderId: string): Notice | undefined {
  const code = unpaidOrders.get(orderId);
  unpaidOrders.delete(orderId);
  if (code === undefined) return undefined;
  const how =
    code === "PAY_PROCESS_CANCELED"
      ? "You left the payment window without paying."
      : "Your card was turned down.";
  return new Notice(`${how} Nothing was charged: you can pay again, or cancel the order.`);
}

/** What became of the confirmations of this page's life, kept until somebody has looked. */
const outcomes = new Map<string, Promise<Schemas["Payment"]>>();

/** Confirms what was begun, for as long as it takes and whatever is looked at meanwhile. */
export function confirmBegun(): void {
  for (const begun of remembered("payments") ?? [])
    if (isMine(begun) && !outcomes.has(begun.orderId)) startConfirming(begun);
}

function startConfirming(begun: BegunPayment): void {
  const outcome = confirm(begun);
  outcomes.set(begun.orderId, outcome);
  outcome.catch((error: unknown) => {
    // Who has to sign in again goes on from there; every other no is for whoever looks at the order.
    if (isSignedOut(error)) outcomes.delete(begun.orderId);
  });
}

/** What becomes, or has become, of the order's payment; undefined for one that was not begun here. */
export function outcomeOf(orderId: string): Promise<Schemas["Payment"]> | undefined {
  confirmBegun();
  return outcomes.get(orderId);
}

/** It was seen, and is not to be told again. */
export function forgetOutcome(orderId: string): void {
  outcomes.delete(orderId);
}

const isMine = ({ memberId }: BegunPayment) => memberIn(remembered("token")) === memberId;

/** Whoever began it is not here any more; it waits until they are. */
class Gone extends Notice {}

let leaving = new AbortController();

/** To be called when somebody goes or another comes: nothing is asked again in the name of whoever is here next. */
export function stopConfirming(): void {
  leaving.abort(new Gone("The payment waits until whoever began it is back."));
  leaving = new AbortController();
}

const isSignedOut = (error: unknown) =>
  error instanceof Gone || (error instanceof Problem && error.status === 401);

/** However often it is sent, with the same key it is one payment. */
async function confirm(begun: BegunPayment): Promise<Schemas["Payment"]> {
  const { orderId, paymentKey, amount, key } = begun;
  const { signal } = leaving;
  const body = { paymentKey, amount };
  const asked = { params: { path: { orderId } }, headers: withKey(key), body, signal };
  for (;;) {
    try {
      const payment = await answerOf(POST("/v1/orders/{orderId}/payment/confirm", asked));
      forgetBegun(orderId);
      return payment;
    } catch (error) {
      signal.throwIfAborted();
      if (!mayHelpLater(error)) {
        if (!isSignedOut(error)) forgetBegun(orderId);
        throw error;
      }
      await pause(error.retryAfterMs ?? patienceMs, signal);
    }
  }
}

const patienceMs = 2_000;

/** What says nothing about the payment: asked again, it is as good as asked once. */
function mayHelpLater(error: unknown): error is Problem | NoAnswer {
  if (error instanceof NoAnswer) return true;
  return (
    error instanceof Problem &&
    (isTransient(error) || error.status === 500 || error.code === "PAYMENT_NOT_READY")
  );
}
