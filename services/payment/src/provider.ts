// provider.ts: what this service needs of whoever moves the money: take it, ask about it, give it back.
import type { ProviderAnswer } from "./payment.ts";

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

/** What became of a payment, as far as the provider's answer proves it. */
export type ProviderState =
  /** Taken, for our order, in our amount and currency. */
  | Extract<ProviderAnswer, { readonly kind: "approved" }>
  /** Ended, and nothing is kept: aborted, expired, or taken and given back whole (`CANCELED`). */
  | Extract<ProviderAnswer, { readonly kind: "declined" }>
  /** Not ended: it may be confirmed again with the same attempt id, or be left to expire. */
  | { readonly kind: "running"; readonly status: "READY" | "IN_PROGRESS" }
  /** The provider does not know the payment key (any more, or yet). */
  | { readonly kind: "absent" }
  /** Taken for our order in another amount: that amount is to be given back, whole. */
  | { readonly kind: "mismatch"; readonly amount: bigint }
  /** The payment key belongs to another order: nothing was taken for ours, and theirs is not ours to give back. */
  | { readonly kind: "foreign" }
  /** Proves nothing: ask again later. */
  | Extract<ProviderAnswer, { readonly kind: "unknown" }>;

export type RefundAnswer =
  | { readonly kind: "refunded"; readonly transactionKey: string }
  /** It will not be given back by asking again: a person has to look. */
  | { readonly kind: "refused"; readonly code: string }
  /** Ask again with the same number. */
  | { readonly kind: "unknown"; readonly why: string };

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
  /** Takes the money. The same attempt asked twice takes it once. */
  confirm(ask: ConfirmAsk): Promise<ProviderAnswer>;
  /** Asks what became of it. Changes nothing. */
  query(ask: QueryAsk): Promise<ProviderState>;
  /** Gives money back. The same number asked twice gives it once. */
  refund(ask: RefundAsk): Promise<RefundAnswer>;
}
