// A buyer who pays for an order nobody may have placed, at once or while the provider takes its time.
import { setTimeout as pause } from "node:timers/promises";
import { Refusal } from "@quadrille/decider";
import { payInWindow } from "@quadrille/stack/provider-window";
import { newRequestId, patiently } from "./buying.ts";
import type { About } from "./forged-facts.ts";
import type { Buyer } from "./swaps-of-order-facts.ts";
import type { System } from "./system.ts";

const answerMs = 2_000;

export function buyerOf(system: System): Buyer {
  const started = new Map<string, Promise<void>>();
  const keys = new Map<string, string>();
  /** The buyer stands in the window once, and comes back with what it gave. */
  const pay = async (about: About) => {
    const { orderId, amountDue } = about;
    const key =
      keys.get(orderId) ?? (await payInWindow(system.stack.providerUrl, orderId, amountDue)).paymentKey;
    keys.set(orderId, key);
    await confirm(system, about, key);
  };
  return {
    pay,
    async startPaying(about) {
      const { orderId } = about;
      await delayAnswer(system, orderId);
      const paying = pay(about);
      paying.catch(() => {}); // Whoever waits for the answer hears of it.
      started.set(orderId, paying);
      while ((await statusOf(system, orderId)) === "ready") await pause(20);
    },
    async untilAnswered({ orderId }) {
      await started.get(orderId);
    },
  };
}

/** A payment that has ended is refused; whether it should have is for the test to say. */
async function confirm(
  system: System,
  { orderId, memberId, amountDue: amount }: About,
  paymentKey: string,
): Promise<void> {
  const { payments } = await system.as(memberId);
  const request = { requestId: newRequestId(), orderId, paymentKey, amount };
  try {
    await patiently(() => payments.confirmPayment(request));
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "PAYMENT_ENDED")) throw error;
  }
}

async function delayAnswer({ stack }: System, orderId: string): Promise<void> {
  const response = await fetch(`${stack.providerUrl}/control/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ fault: "delay_answer", orderId, ms: answerMs }),
  });
  if (response.status !== 201) throw new Error(`the provider answered ${response.status}`);
}

async function statusOf({ query }: System, orderId: string): Promise<string> {
  const [row] = await query<{ status: string }>(
    "payment",
    "select status from payments where order_id = $1",
    [orderId],
  );
  return row?.status ?? "absent";
}
