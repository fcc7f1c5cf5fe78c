// The payment provider of a run: a ledger of its own, and a line to it that loses, delays and contradicts.
//
// It is the worst one allowed: only the idempotency key keeps it from taking or giving twice.
import { wait } from "@quadrille/outbox/ports";
import type { ProviderState } from "@quadrille/payment/payment.answers";
import type { RefundAnswer } from "@quadrille/payment/payment.refunds";
import type {
  ConfirmAnswer,
  ConfirmAsk,
  PaymentProvider,
  QueryAsk,
  RefundAsk,
} from "@quadrille/payment/provider";
import { lookAfterRefund } from "./operator.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** How long a payment key can be confirmed. */
export const keySeconds = 600;
/** How long our side waits for an answer. */
export const callSeconds = 10;
/** So many calls without an answer in a row open the breaker before it. */
const silencesMost = 5;
const retestMs = 2_000;

/** What the provider knows of one payment key. */
export interface Account {
  readonly orderId: string;
  readonly amount: bigint;
  readonly openedMs: number;
  declined: string | undefined;
  readonly captures: { readonly amount: bigint; readonly transactionKey: string; readonly at: Date }[];
  refunded: bigint;
  refunds: number;
}

const waysOut = new Set(["order.cancel_requested", "order.cancelled", "order.confirmation_failed"]);

export class Provider {
  readonly accounts = new Map<string, Account>();
  /** When payment, calling about an order, was first seen to have heard that the order wants out, or has ended. */
  readonly wantedOutAtMs = new Map<string, number>();
  readonly #world: World;
  readonly #answers = new Map<string, ConfirmAnswer | RefundAnswer>();
  #keys = 0;
  /** Until then it answers nobody. */
  outUntilMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The payment window gave the buyer this key. */
  open(orderId: string, amount: bigint): string {
    this.#keys += 1;
    const key = `key-${this.#keys}`;
    const openedMs = this.#world.clock.now();
    this.accounts.set(key, {
      orderId,
      amount,
      openedMs,
      declined: undefined,
      captures: [],
      refunded: 0n,
      refunds: 0,
    });
    return key;
  }

  confirm({ attemptId, paymentKey, orderId, amount }: ConfirmAsk): ConfirmAnswer {
    return this.#once(`confirm:${attemptId}`, () => {
      const account = this.accounts.get(paymentKey);
      if (account?.orderId !== orderId || account.amount !== amount)
        return { kind: "declined", code: "INVALID_REQUEST" };
      if (this.#isOver(account)) account.declined ??= "EXPIRED";
      else if (this.#world.faults.strikes("provider.decline", orderId))
        account.declined ??= "REJECT_CARD_PAYMENT";
      if (account.declined !== undefined) return { kind: "declined", code: account.declined };
      const at = new Date(this.#world.clock.now());
      const transactionKey = `${paymentKey}-${account.captures.length + 1}`;
      const isOther = this.#world.faults.strikes("provider.amount", orderId);
      const taken = isOther ? amount + 100n : amount;
      account.captures.push({ amount: taken, transactionKey, at });
      this.#world.trace?.add(`provider takes ${taken} for ${orderId}`);
      if (isOther) return { kind: "unknown", why: "MISMATCH" };
      return { kind: "approved", transactionKey, paidWith: "card", approvedAt: at };
    });
  }

  query({ paymentKey, orderId }: QueryAsk): ProviderState {
    const account = this.accounts.get(paymentKey);
    if (account === undefined) return { kind: "absent" };
    if (account.orderId !== orderId) return { kind: "foreign" };
    const [capture] = account.captures;
    if (capture !== undefined) {
      const { amount, transactionKey, at: approvedAt } = capture;
      if (account.refunded >= amount) return { kind: "declined", code: "CANCELED" };
      if (amount !== account.amount) return { kind: "mismatch", amount };
      return { kind: "approved", transactionKey, paidWith: "card", approvedAt };
    }
    if (this.#isOver(account)) account.declined ??= "EXPIRED";
    if (account.declined !== undefined) return { kind: "declined", code: account.declined };
    return { kind: "running", status: "READY" };
  }

  refund(ask: RefundAsk): RefundAnswer {
    const answer = this.#refusal(ask) ?? this.#giveBack(ask);
    if (answer.kind === "refused") lookAfterRefund(this.#world, ask.orderId);
    return answer;
  }

  /** It does not remember that it refused: asked again with the same key it may give the money back. */
  #refusal({ orderId, number }: RefundAsk): RefundAnswer | undefined {
    if (this.#answers.has(refundKey(orderId, number))) return undefined;
    if (!this.#world.faults.strikes("provider.decline", orderId)) return undefined;
    this.#world.trace?.add(`provider refuses to give back for ${orderId}`);
    return { kind: "refused", code: "NOT_CANCELABLE_PAYMENT" };
  }

  #giveBack({ orderId, paymentKey, number, amount }: RefundAsk): RefundAnswer {
    return this.#once(refundKey(orderId, number), () => {
      const account = this.accounts.get(paymentKey);
      const taken = account?.captures.reduce((sum, capture) => sum + capture.amount, 0n) ?? 0n;
      if (account === undefined || account.refunded + amount > taken)
        return { kind: "refused", code: "NOT_CANCELABLE_AMOUNT" };
      account.refunded += amount;
      account.refunds += 1;
      this.#world.trace?.add(`provider gives back ${amount} for ${orderId}`);
      return { kind: "refunded", transactionKey: `${paymentKey}-back-${account.refunds}` };
    });
  }

  /** The caller's database says what the caller knows. */
  notice(orderId: string): void {
    if (this.wantedOutAtMs.has(orderId)) return;
    const { clock, databases } = this.#world;
    for (const { envelope } of databases.order.outbox.rows.values())
      if (envelope.aggregateId === orderId && waysOut.has(envelope.type))
        if (databases.payment.inbox.has(envelope.id)) this.wantedOutAtMs.set(orderId, clock.now());
  }

  #isOver(account: Account): boolean {
    return this.#world.clock.now() >= account.openedMs + keySeconds * 1_000;
  }

  #once<Answer extends ConfirmAnswer | RefundAnswer>(key: string, act: () => Answer): Answer {
    const before = this.#answers.get(key);
    if (before !== undefined) return before as Answer;
    const answer = act();
    this.#answers.set(key, answer);
    return answer;
  }
}

const refundKey = (orderId: string, number: number) => `refund:${orderId}:${number}`;
const doubt = (why: string) => ({ kind: "unknown", why }) as const;

/** One replica's line to the provider, with a breaker before it. */
export class ProviderLine implements PaymentProvider {
  readonly #world: World;
  readonly #provider: Provider;
  readonly #process: Process;
  #silences = 0;
  #retestAtMs = 0;
  #lastWasSilent = false;
  #hopefulUntilMs = 0;

  constructor(world: World, provider: Provider, process: Process) {
    this.#world = world;
    this.#provider = provider;
    this.#process = process;
  }

  get isAnswering(): boolean {
    return this.#silences < silencesMost;
  }

  get isAvailable(): boolean {
    return this.isAnswering || this.#process.clock.now() >= this.#retestAtMs;
  }

  /** Whether the worker would look at payments that are not due yet. */
  get isRestless(): boolean {
    return this.#lastWasSilent || this.#process.clock.now() < this.#hopefulUntilMs;
  }

  confirm(ask: ConfirmAsk): Promise<ConfirmAnswer> {
    return this.#call("confirm", ask.orderId, () => this.#provider.confirm(ask), doubt);
  }

  query(ask: QueryAsk): Promise<ProviderState> {
    const look = () =>
      this.#world.faults.strikes("provider.notFound", ask.orderId)
        ? ({ kind: "absent" } as const)
        : this.#provider.query(ask);
    return this.#call("query", ask.orderId, look, doubt);
  }

  refund(ask: RefundAsk): Promise<RefundAnswer> {
    return this.#call("refund", ask.orderId, () => this.#provider.refund(ask), doubt);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #call<Answer extends { readonly kind: string }, Doubt extends Answer>(
    name: string,
    orderId: string,
    act: () => Answer,
    inDoubt: (why: string) => Doubt,
  ): Promise<Answer> {
    await this.#process.ready();
    this.#provider.notice(orderId);
    const answer = await this.#exchange(orderId, act, inDoubt);
    this.#provider.notice(orderId);
    this.#world.trace?.add(`${this.#process.name} asks the provider to ${name} ${orderId}: ${answer.kind}`);
    await this.#world.step("crash.provider", this.#process);
    this.#heard(answer.kind === "unknown");
    return answer;
  }

  async #exchange<Answer, Doubt extends Answer>(
    orderId: string,
    act: () => Answer,
    inDoubt: (why: string) => Doubt,
  ): Promise<Answer> {
    const { faults, clock } = this.#world;
    const timeoutMs = callSeconds * 1_000;
    const silence = async (why: string) => {
      await wait(this.#process.clock, timeoutMs);
      return inDoubt(why);
    };
    const isOut = clock.now() < this.#provider.outUntilMs;
    if (!isOut && faults.strikes("provider.outage", orderId))
      this.#provider.outUntilMs =
        clock.now() + faults.die("provider.outage", orderId).between(1_000, 120_000);
    if (clock.now() < this.#provider.outUntilMs) return await silence("OUTAGE");
    if (faults.strikes("provider.timeoutBefore", orderId)) return await silence("TIMEOUT");
    if (faults.strikes("provider.late", orderId)) {
      clock.after(faults.die("provider.late", orderId).between(1_000, 90_000), () => void act());
      return await silence("TIMEOUT");
    }
    const lag = this.#slowMs(orderId);
    if (lag > 0) await wait(clock, lag);
    if (faults.strikes("provider.error", orderId)) {
      if (faults.die("provider.error", orderId).chance(0.5)) act();
      return inDoubt("HTTP_500");
    }
    const answer = act();
    if (faults.strikes("provider.timeoutAfter", orderId)) return await silence("TIMEOUT");
    if (faults.strikes("provider.processed", orderId)) return inDoubt("ALREADY_PROCESSED_PAYMENT");
    return answer;
  }

  #slowMs(orderId: string): number {
    const { faults } = this.#world;
    if (!faults.strikes("provider.slow", orderId)) return this.#world.lagMs(orderId);
    return faults.die("provider.slow", orderId).between(500, callSeconds * 1_000 - 100);
  }

  #heard(isSilent: boolean): void {
    const nowMs = this.#process.clock.now();
    if (this.#lastWasSilent && !isSilent) this.#hopefulUntilMs = nowMs + 17_000;
    this.#lastWasSilent = isSilent;
    this.#silences = isSilent ? this.#silences + 1 : 0;
    if (this.#silences >= silencesMost) this.#retestAtMs = nowMs + retestMs;
  }
}
