// Paying: to the provider's window and back, and the confirmation, which a reload in the middle never makes twice.
import { answerOf, isTransient, POST, Problem } from "./api.ts";
import { forget, newKey, remember, remembered } from "./memory.ts";
import { pause, pauseMs } from "./pause.ts";
import type { Schemas } from "./schemas.ts";
import { nameOf } from "./words.ts";

interface ShopSettings {
  readonly paymentWindowUrl?: string;
}

/** Leaves for the provider's window, which sends the buyer back here with what came of it. */
export async function goToWindow(order: Schemas["Order"]): Promise<void> {
  const response = await fetch("/shop.json").catch(() => undefined);
  if (response?.ok !== true)
    throw new Problem({ title: "The payment window cannot be opened; try again shortly." });
  const { paymentWindowUrl } = (await response.json()) as ShopSettings;
  if (paymentWindowUrl === undefined)
    throw new Problem({ title: "This shop has no payment window to pay in." });
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
export function whyUnpaid(orderId: string): Problem | undefined {
  const code = unpaidOrders.get(orderId);
  unpaidOrders.delete(orderId);
  if (code === undefined) return undefined;
  const how =
    code === "PAY_PROCESS_CANCELED"
      ? "You left the payment window without paying."
      : "Your card was turned down.";
  return new Problem({ title: `${how} Nothing was charged: you can pay again, or cancel the order.`, code });
}

function showOrderInstead(orderId: string): void {
  history.replaceState(null, "", `/#/orders/${encodeURIComponent(orderId)}`);
}

let confirming: { readonly paymentKey: string; readonly answer: Promise<Schemas["Payment"]> } | undefined;

/** Confirms what was begun for this order, for as long as it takes, whatever is looked at meanwhile; undefined for nothing. */
export function confirmBegun(orderId?: string): Promise<Schemas["Payment"]> | undefined {
  const begun = remembered("payment");
  if (begun === undefined || (orderId !== undefined && begun.orderId !== orderId)) return undefined;
  if (confirming?.paymentKey !== begun.paymentKey) {
    const answer = confirm(begun).finally(() => {
      confirming = undefined;
    });
    answer.catch(() => {}); // Whoever looks at the order awaits it as well and shows why.
    confirming = { paymentKey: begun.paymentKey, answer };
  }
  return confirming.answer;
}

async function confirm(
  begun: NonNullable<ReturnType<typeof remembered<"payment">>>,
): Promise<Schemas["Payment"]> {
  const { orderId, paymentKey, amount, key } = begun;
  for (let tries = 0; ; tries += 1) {
    try {
      const asked = {
        params: { path: { orderId }, header: { "Idempotency-Key": key } },
        body: { paymentKey, amount },
      };
      const payment = await answerOf(POST("/v1/orders/{orderId}/payment/confirm", asked));
      forget("payment");
      return payment;
    } catch (error) {
      if (!isTransient(error)) {
        // Who has to sign in again goes on from here afterwards.
        if (!(error instanceof Problem && error.status === 401)) forget("payment");
        throw error;
      }
      await pause((error instanceof Problem ? error.retryAfterMs : undefined) ?? pauseMs(tries));
    }
  }
}
