// Paying: to the provider's window and back, and the confirmation, which a reload in the middle never makes twice.

import type { Schemas } from "@quadrille/client";
import { NoAnswer, Problem } from "@quadrille/client";
import { pause } from "@quadrille/client/pause";
import { isTransient } from "@quadrille/client/problem";
import { answerOf, POST } from "./api.ts";
import { type BegunPayment, forget, newKey, remember, remembered, withKey } from "./memory.ts";
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
  const window = new URL(paymentWindowUrl);
  const asked = {
    orderId,
    amount: `${amountDue.amount}`,
    orderName: nameOf(order).slice(0, 100),
    successUrl: `${location.origin}/`,
    failUrl: `${location.origin}/?unpaid=${encodeURIComponent(orderId)}`,
  };
  for (const [name, value] of Object.entries(asked)) window.searchParams.set(name, value);
  location.assign(window);
}

/** What the window added to the address on the way back, with the order it is about; the address is then an ordinary one. */
export function takeReturn(): void {
  const { searchParams } = new URL(location.href);
  const [paymentKey, orderId, amount] = ["paymentKey", "orderId", "amount"].map((name) =>
    searchParams.get(name),
  );
  const unpaid = searchParams.get("unpaid");
  if (paymentKey && orderId && amount) {
    // Whoever goes back to this address, or loads it again, comes with the payment that was begun already.
    if (remembered("payment")?.paymentKey !== paymentKey)
      remember("payment", { orderId, paymentKey, amount: Number(amount), key: newKey() });
    showOrderInstead(orderId);
  } else if (unpaid) {
    unpaidOrders.set(unpaid, searchParams.get("code") ?? "");
    showOrderInstead(unpaid);
  }
}

const unpaidOrders = new Map<string, string>();

/** What to tell a buyer who came back from the window without having paid, once. */
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

function showOrderInstead(orderId: string): void {
  history.replaceState(null, "", `/#/orders/${encodeURIComponent(orderId)}`);
}

/** What became of the confirmations of this page's life, kept until somebody has looked. */
const outcomes = new Map<string, Promise<Schemas["Payment"]>>();

/** Confirms what was begun, for as long as it takes and whatever is looked at meanwhile. */
export function confirmBegun(): void {
  const begun = remembered("payment");
  if (begun === undefined || outcomes.has(begun.orderId)) return;
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

const isSignedOut = (error: unknown) => error instanceof Problem && error.status === 401;

/** However often it is sent, with the same key it is one payment. */
async function confirm({ orderId, paymentKey, amount, key }: BegunPayment): Promise<Schemas["Payment"]> {
  const asked = { params: { path: { orderId } }, headers: withKey(key), body: { paymentKey, amount } };
  for (;;) {
    try {
      const payment = await answerOf(POST("/v1/orders/{orderId}/payment/confirm", asked));
      forget("payment");
      return payment;
    } catch (error) {
      if (!mayHelpLater(error)) {
        if (!isSignedOut(error)) forget("payment");
        throw error;
      }
      await pause(error.retryAfterMs ?? patienceMs, never);
    }
  }
}

const patienceMs = 2_000;
const never = new AbortController().signal;

/** What says nothing about the payment: asked again, it is as good as asked once. */
function mayHelpLater(error: unknown): error is Problem | NoAnswer {
  if (error instanceof NoAnswer) return true;
  return (
    error instanceof Problem &&
    (isTransient(error) || error.status === 500 || error.code === "PAYMENT_NOT_READY")
  );
}
