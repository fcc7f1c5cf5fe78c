// A buyer who pays for an order nobody may have placed, at once or while the provider takes its time.
import { addFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { codeOf, confirmPatiently } from "./buying.ts";
import type { About } from "./forged-facts.ts";
import { statusesOf } from "./statuses.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";

const answerMs = 2_000;

/** What a buyer does in between; refusals are part of the story. */
export interface Buyer {
  pay(about: About): Promise<void>;
  /** Pays while the provider takes its time, and does not wait for it. */
  startPaying(about: About): Promise<void>;
  /** Waits for the provider's answer to what was started. */
  untilAnswered(about: About): Promise<void>;
}

export function buyerOf(system: System): Buyer {
  const { providerUrl } = system.stack;
  const started = new Map<string, Promise<void>>();
  const keys = new Map<string, string>();
  /** The buyer stands in the window once, and comes back with what it gave. */
  const pay = async ({ orderId, memberId, amountDue: amount }: About) => {
    const paymentKey = keys.get(orderId) ?? (await payInWindow(providerUrl, orderId, amount)).paymentKey;
    keys.set(orderId, paymentKey);
    const code = await codeOf(confirmPatiently(await system.as(memberId), { orderId, amount, paymentKey }));
    // A payment that has ended is refused; whether it should have is for the test to say.
    if (code !== "done" && code !== "PAYMENT_ENDED") throw new Error(`paying for ${orderId}: ${code}`);
  };
  return {
    pay,
    async startPaying(about) {
      const { orderId } = about;
      await addFaults(providerUrl, [{ fault: "delay_answer", orderId, ms: answerMs }]);
      const paying = pay(about);
      paying.catch(() => {}); // Whoever waits for the answer hears of it.
      started.set(orderId, paying);
      const look = () => statusesOf(system, "payment", [orderId]);
      await until(`${orderId} is being paid`, look, ({ ready }) => ready === undefined);
    },
    async untilAnswered({ orderId }) {
      await started.get(orderId);
    },
  };
}
