// Takes the money for one attempt: written down first, then asked of the provider, then its answer written down.
//
// The call belongs to the attempt, not to whoever asked for it: a caller who hangs up, or comes again, changes
// nothing about it. If this process dies in between, the attempt stands in the database, and the provider, asked
// again with the attempt's own id, answers for the same charge.
import { Refusal } from "@quadrille/decider";
import type { Cause } from "@quadrille/outbox";
import type { Clock } from "@quadrille/outbox/ports";
import { type Errand, errandOf, type LeaseWorker } from "./lease-worker.ts";
import type { PaymentStore } from "./payment.store.ts";
import type { ConfirmPayment, LivePayment, Policy } from "./payment.ts";
import type { PaymentProvider } from "./provider.ts";

/** How long a call may wait for its order to become payable. */
const payableWaitMs = 2_000;
/** How many calls may do so at once. */
const payableWaitersMost = 500;
/** How often a waiting call looks by itself, whatever wake-ups were lost. */
const lookMs = 500;
/** How long a call waits for the provider to be asked once more when its first answer proved nothing. */
const doubtWaitMs = 3_000;

/** Waits are measured by a clock that nobody sets. */
const steadyClock: Pick<Clock, "now"> = { now: () => performance.now() };

export type Confirmation = Omit<ConfirmPayment, "type" | "isProviderAvailable" | "policy">;

export class Charging {
  readonly #store: PaymentStore;
  readonly #provider: Pick<PaymentProvider, "isAvailable">;
  readonly #worker: LeaseWorker;
  readonly #policy: Policy;
  readonly #clock: Pick<Clock, "now">;
  #waiters = 0;

  constructor(
    store: PaymentStore,
    provider: Pick<PaymentProvider, "isAvailable">,
    worker: LeaseWorker,
    policy: Policy,
    clock: Pick<Clock, "now"> = steadyClock,
  ) {
    this.#store = store;
    this.#provider = provider;
    this.#worker = worker;
    this.#policy = policy;
    this.#clock = clock;
  }

  /**
   * Confirms a payment and answers with it once the provider has spoken, or in doubt when it did not.
   * Refuses with PAYMENT_NOT_READY, PAYMENT_UNKNOWN, AMOUNT_MISMATCH, PAYMENT_IN_DOUBT, PAYMENT_ENDED,
   * PAYMENT_DECLINED, PROVIDER_UNAVAILABLE or REQUEST_ID_REUSED: this call took nothing then. After UNAVAILABLE it may
   * have, and the same request asked again tells.
   */
  async confirm(confirmation: Confirmation, cause: Cause, signal: AbortSignal): Promise<LivePayment> {
    const errand = await this.#start(confirmation, cause, signal);
    if (errand !== undefined) void this.#worker.run(errand);
    return await this.#untilKnown(confirmation.orderId, signal);
  }

  /** A buyer's client may be faster than `order.payable`. */
  async #start(confirmation: Confirmation, cause: Cause, signal: AbortSignal): Promise<Errand | undefined> {
    using wakeUp = this.#store.wakeUps.on(confirmation.orderId);
    const until = this.#clock.now() + payableWaitMs;
    let isWaiting = false;
    try {
      for (;;) {
        try {
          const isProviderAvailable = this.#provider.isAvailable;
          const input = {
            type: "ConfirmPayment",
            ...confirmation,
            isProviderAvailable,
            policy: this.#policy,
          };
          return await this.#store.handle(input as ConfirmPayment, cause, errandAnswer(confirmation.orderId));
        } catch (error) {
          const isEarly = error instanceof Refusal && error.code === "PAYMENT_NOT_READY";
          const hasRoom = isWaiting || this.#waiters < payableWaitersMost;
          if (!isEarly || !hasRoom || this.#clock.now() >= until) throw error;
        }
        if (!isWaiting) this.#waiters += 1;
        isWaiting = true;
        await wakeUp.next(lookMs, signal);
      }
    } finally {
      if (isWaiting) this.#waiters -= 1;
    }
  }

  async #untilKnown(orderId: string, signal: AbortSignal): Promise<LivePayment> {
    using wakeUp = this.#store.wakeUps.on(orderId);
    let doubtedUntil = Number.POSITIVE_INFINITY;
    for (;;) {
      const payment = await this.#store.payment(orderId);
      if (payment.status === "absent") throw new Refusal("PAYMENT_ENDED");
      if (payment.verdict?.type === "payment.declined") {
        throw new Refusal("PAYMENT_DECLINED", { details: { reason: payment.verdict.data.reason } });
      }
      switch (payment.status) {
        case "ready":
        case "voided":
          throw new Refusal("PAYMENT_ENDED");
        case "unknown":
          doubtedUntil = Math.min(doubtedUntil, this.#clock.now() + doubtWaitMs);
          if (this.#clock.now() >= doubtedUntil) return payment;
          break;
        case "confirming":
          break;
        default:
          return payment;
      }
      await wakeUp.next(lookMs, signal);
    }
  }
}

/** Only the call whose decision gave the errand out runs it: what is kept of the request is that it was made. */
function errandAnswer(orderId: string) {
  return { ...errandOf(orderId), encode: () => new Uint8Array(), decode: () => undefined };
}
