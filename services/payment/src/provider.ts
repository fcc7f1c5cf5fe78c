// provider.ts: what this service needs of whoever moves the money: take it, ask about it, give it back, account for it.
import type { ProviderState } from "./payment.answers.ts";
import type { RefundAnswer } from "./payment.refunds.ts";

export interface ConfirmAsk {
  /** The attempt's own id: asked again with it, the provider acts once. */
  readonly attemptId: string;
  /** What the payment window gave to the buyer. As good as money: never logged, never told. */
  readonly paymentKey: string;
  readonly orderId: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
}

export type ConfirmAnswer = Extract<ProviderState, { readonly kind: "approved" | "declined" | "unknown" }>;
export type QueryAsk = Omit<ConfirmAsk, "attemptId">;

export interface RefundAsk {
  readonly orderId: string;
  readonly paymentKey: string;
  /** From 1 within the payment: asked again with it, the provider acts once. */
  readonly number: number;
  /** Minor units, in the payment's own currency. */
  readonly amount: bigint;
  /** Shown to the merchant by the provider, so it says nothing about the buyer. */
  readonly reason: string;
}

/**
 * No method throws or rejects: what is not proven is `unknown`, and `why` is a word for people, never a secret.
 * Each call ends within the configured timeout.
 */
export interface PaymentProvider extends AsyncDisposable {
  /**
   * False while the provider is known not to answer, or has too many calls before it. Asked before an attempt is
   * written down: an attempt that was never started needs no answer.
   */
  readonly isAvailable: boolean;
  /** False from the moment too many calls go without an answer until one has been answered again. */
  readonly isAnswering: boolean;
  /** Takes the money. The same attempt asked twice takes it once. */
  confirm(ask: ConfirmAsk): Promise<ConfirmAnswer>;
  /** Asks what became of it. Changes nothing. */
  query(ask: QueryAsk): Promise<ProviderState>;
  /** Gives money back. The same number asked twice gives it once. */
  refund(ask: RefundAsk): Promise<RefundAnswer>;
}

/** Money that moved, as the provider's own list has it. */
export interface Transaction {
  readonly orderId: string;
  /** As good as money: compared, and never told. */
  readonly paymentKey: string;
  readonly kind: "capture" | "refund";
  /** Minor units, more than nothing. */
  readonly amount: bigint;
  readonly currency: string;
}

/** The provider's own account, for whoever compares it with ours. */
export interface ProviderAccount {
  /**
   * What moved in a period, in pages, oldest first. Changes nothing, and tells the breaker nothing. Throws Refusal
   * PROVIDER_UNAVAILABLE when a page cannot be had: half a list would look like money that was lost.
   */
  transactions(period: { readonly from: Date; readonly to: Date }): AsyncIterable<readonly Transaction[]>;
}
