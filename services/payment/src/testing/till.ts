// A provider whose every answer a test gives by hand, and the payments it is asked about.
import { setTimeout as sleep } from "node:timers/promises";
import { hear } from "@quadrille/outbox/testing/kept";
import type { Confirmation } from "../charging.ts";
import type { ProviderState } from "../payment.answers.ts";
import type { RefundAnswer } from "../payment.refunds.ts";
import type { PaymentStore } from "../payment.store.ts";
import type { ConfirmAnswer, ConfirmAsk, PaymentProvider, QueryAsk, RefundAsk } from "../provider.ts";

export const memberId = "7";
export const amount = 15_000n;
export const approved = {
  kind: "approved",
  transactionKey: "t-1",
  paidWith: "card",
  approvedAt: new Date("2026-01-01T00:00:00.123Z"),
} as const satisfies ConfirmAnswer;

export class Till implements PaymentProvider {
  isAvailable = true;
  isAnswering = true;
  /** Every charge that was asked for. */
  readonly asks: ConfirmAsk[] = [];
  /** Hears of each ask before it is answered. */
  onAsk: (ask: ConfirmAsk) => Promise<void> = async () => {};
  #answers = Promise.withResolvers<ConfirmAnswer>();

  /** What is asked, before or from now on, is answered with this. */
  answer(answer: ConfirmAnswer): void {
    this.#answers.resolve(answer);
  }

  async confirm(ask: ConfirmAsk): Promise<ConfirmAnswer> {
    this.asks.push(ask);
    await this.onAsk(ask);
    return await this.#answers.promise;
  }

  /** What each question and each refund is answered with; a test sets them. */
  onQuery: (ask: QueryAsk) => ProviderState | Promise<ProviderState> = () => {
    throw new Error("nobody asks here");
  };
  onRefund: (ask: RefundAsk) => RefundAnswer | Promise<RefundAnswer> = () => {
    throw new Error("nobody is given back anything here");
  };
  readonly queries: QueryAsk[] = [];
  readonly refunds: RefundAsk[] = [];

  async query(ask: QueryAsk): Promise<ProviderState> {
    this.queries.push(ask);
    return await this.onQuery(ask);
  }

  async refund(ask: RefundAsk): Promise<RefundAnswer> {
    this.refunds.push(ask);
    return await this.onRefund(ask);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export const policy = { callSeconds: 2, keySeconds: 600, unknownSeconds: 3600 };

let made = 0;
export const newId = (prefix: string) => `${prefix}-${++made}`;

export async function openPayment(
  store: PaymentStore,
  orderId: string = newId("o"),
  amountDue: bigint = amount,
): Promise<string> {
  await hear(store, {
    type: "OrderPayable",
    orderId,
    memberId,
    amountDue,
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD",
    payBy: new Date(Date.now() + 600_000),
  });
  return orderId;
}

export function confirmation(orderId: string, paymentKey = "secret-key"): Confirmation {
  return { orderId, memberId, paymentKey, amount, attemptId: newId("attempt") };
}

export function requested(requestId: string = newId("r"), hash = "body") {
  return {
    kind: "request",
    caller: `member:${memberId}`,
    method: "ConfirmPayment",
    requestId,
    hash,
  } as const;
}

/** What a call came to: the status it was answered with, or the code it was refused with. */
export async function outcomeOf(call: Promise<{ readonly status: string }>): Promise<string> {
  return await call.then(
    ({ status }) => status,
    (error: { code?: string }) => error.code ?? String(error),
  );
}

/** Waits for something to become true, and not for ever. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + 4_000;
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error(`it did not become true: ${holds}`);
    await sleep(5);
  }
}
