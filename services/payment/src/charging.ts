// Takes the money for one attempt: written down first, then asked of the provider, then its answer written down.
//
// The call belongs to the attempt, not to whoever asked for it: a caller who hangs up, or comes again, changes
// nothing about it. If this process dies in between, the attempt stands in the database, and the provider, asked
// again with the attempt's own id, answers for the same charge.
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "@quadrille/decider";
import type { Cause } from "@quadrille/outbox";
import type { PaymentStore } from "./payment.store.ts";
import type { ConfirmPayment, LivePayment, Payment } from "./payment.ts";
import type { ConfirmAsk, PaymentProvider } from "./provider.ts";

export interface ChargingLog {
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/** How long a call may wait for its order to become payable, how many may, and how often they look by themselves. */
const payableWaitMs = 2_000;
const payableWaitersMost = 500;
const lookMs = 500;
/** The answer of the provider is worth some patience: it is tried this often to write it down, after twice the wait each time. */
const recordAttemptsMost = 6;
const recordWaitMs = 200;

export class Charging implements AsyncDisposable {
  readonly #store: PaymentStore;
  readonly #provider: PaymentProvider;
  readonly #log: ChargingLog;
  readonly #running = new Set<Promise<void>>();
  #waiters = 0;

  constructor(store: PaymentStore, provider: PaymentProvider, log: ChargingLog) {
    this.#store = store;
    this.#provider = provider;
    this.#log = log;
  }

  /**
   * Confirms a payment and answers with it once the provider has spoken, or in doubt when it did not.
   * Refuses with PAYMENT_NOT_READY, PAYMENT_UNKNOWN, AMOUNT_MISMATCH, PAYMENT_IN_DOUBT, PAYMENT_ENDED,
   * PAYMENT_DECLINED or PROVIDER_UNAVAILABLE; nothing was taken then.
   */
  async confirm(input: ConfirmPayment, cause: Cause, signal: AbortSignal): Promise<LivePayment> {
    const { currency } = await this.#untilPayable(input.orderId, signal);
    const attemptId = await this.#store.handle(input, cause, attemptAnswer(input.orderId));
    if (attemptId === input.attemptId) this.#start({ ...input, currency });
    return await this.#untilKnown(input.orderId, signal);
  }

  /** Waits for the calls that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
  }

  /** A buyer's client may be faster than `order.payable`. */
  async #untilPayable(orderId: string, signal: AbortSignal): Promise<LivePayment> {
    using wakeUp = this.#store.wakeUps.on(orderId);
    let payment = await this.#store.payment(orderId);
    if (payment.status === "absent") {
      if (this.#waiters >= payableWaitersMost) throw new Refusal("PAYMENT_NOT_READY");
      this.#waiters += 1;
      try {
        for (let waitedMs = 0; payment.status === "absent" && waitedMs < payableWaitMs; waitedMs += lookMs) {
          await wakeUp.next(lookMs, signal);
          payment = await this.#store.payment(orderId);
        }
      } finally {
        this.#waiters -= 1;
      }
    }
    if (payment.status === "absent") throw new Refusal("PAYMENT_NOT_READY");
    // Only an attempt that would be new needs the provider; a repetition is answered from what is known.
    if (payment.status === "ready" && !this.#provider.isAvailable) throw new Refusal("PROVIDER_UNAVAILABLE");
    return payment;
  }

  async #untilKnown(orderId: string, signal: AbortSignal): Promise<LivePayment> {
    using wakeUp = this.#store.wakeUps.on(orderId);
    for (;;) {
      const payment = await this.#store.payment(orderId);
      switch (payment.status) {
        case "absent":
        case "ready":
        case "voided":
          throw new Refusal("PAYMENT_ENDED");
        case "declined": {
          const reason = payment.verdict?.type === "payment.declined" ? payment.verdict.data.reason : "";
          throw new Refusal("PAYMENT_DECLINED", { details: { reason } });
        }
        case "confirming":
          await wakeUp.next(lookMs, signal);
          continue;
        default:
          return payment;
      }
    }
  }

  #start(attempt: ConfirmAsk): void {
    const run = this.#charge(attempt).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Never rejects: nobody waits for it but whoever closes this process. */
  async #charge({ orderId, attemptId, paymentKey, amount, currency }: ConfirmAsk): Promise<void> {
    const answer = await this.#provider.confirm({ attemptId, paymentKey, orderId, amount, currency });
    if (answer.kind === "unknown") this.#log.warn({ orderId, why: answer.why }, "payment in doubt");
    for (let attempt = 1; attempt <= recordAttemptsMost; attempt += 1) {
      try {
        return await this.#store.handle(
          { type: "ProviderAnswered", orderId, attemptId, answer },
          { kind: "own", id: attemptId },
        );
      } catch (error) {
        this.#log.error({ err: error, orderId, attempt }, "the provider's answer could not be written down");
        if (attempt < recordAttemptsMost) await sleep(recordWaitMs * 2 ** (attempt - 1));
      }
    }
  }
}

const text = {
  encode: (value: string) => Buffer.from(value),
  decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
};

/** What a request to confirm is remembered by: the attempt that answers it. */
function attemptAnswer(orderId: string) {
  return {
    ...text,
    of: (rows: { readonly payments: ReadonlyMap<string, Payment> }) => {
      const payment = rows.payments.get(orderId);
      return payment === undefined || payment.status === "absent" ? "" : (payment.attempt?.attemptId ?? "");
    },
  };
}
