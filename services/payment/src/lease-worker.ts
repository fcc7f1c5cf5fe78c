// Calls the provider under a lease and writes down what it says: a charge that was asked for, a doubt, a refund.
//
// What has to be asked, and when, stands in the rows; a replica that dies loses only its leases, and whoever comes
// next asks again. After a call without an answer one payment asks for all, until one is answered: then everything that
// waits is asked about early.
import { type Fact, type Rows, row } from "@quadrille/decider";
import { type Clock, systemClock, wait } from "@quadrille/outbox/ports";
import type { PaymentStore } from "./payment.store.ts";
import type { PaymentFact, PaymentInput, PaymentTables, Policy } from "./payment.ts";
import type { ConfirmAsk, PaymentProvider, RefundAsk } from "./provider.ts";

export interface LeaseWorkerLog {
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

interface Leased {
  readonly lease: number;
  readonly askedAt: Date;
}

/** What a lease was taken for. */
export type Errand =
  | (Leased & ConfirmAsk & { readonly kind: "confirm" | "query" })
  | (Leased & RefundAsk & { readonly kind: "refund" });

/** Calls on their way to the provider at once, as far as the worker starts them; buyers come on top. */
const callsMost = 64;
/** Payments that are asked about early when the provider answers again; the others have their turn as it comes. */
const hopefulMost = 5_000;
/** One payment may go without answers while the others get theirs: that is no reason to ask for all of them each time. */
const hopeEveryMs = 15_000;
/** While the last call got no answer, one payment asks this often, out of turn: the end of a silence must not be slept over. */
const probeEveryMs = 2_000;
/** Whoever closes this process waits so long for calls; a lease that is left behind runs out, and another asks. */
const closeMsMost = 5_000;
/** What the provider said is worth some patience: writing it down is tried this often, after twice the wait each time. */
const recordAttemptsMost = 6;
const recordWaitMs = 200;
const refundReason = "The order was cancelled.";

export class LeaseWorker implements AsyncDisposable {
  readonly #store: PaymentStore;
  readonly #provider: PaymentProvider;
  readonly #policy: Policy;
  readonly #log: LeaseWorkerLog;
  readonly #clock: Clock;
  readonly #busy = new Set<string>();
  readonly #runs = new Set<Promise<void>>();
  /** The last call went without an answer that proves anything. */
  #isSilent = false;
  /** One was answered after that. */
  #isBack = false;
  #hopedAtMs = Number.NEGATIVE_INFINITY;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  /** Payments that are asked about early, as soon as there is room. */
  #hopes: string[] = [];

  constructor(
    store: PaymentStore,
    provider: PaymentProvider,
    policy: Policy,
    log: LeaseWorkerLog,
    clock: Clock = systemClock,
  ) {
    this.#store = store;
    this.#provider = provider;
    this.#policy = policy;
    this.#log = log;
    this.#clock = clock;
  }

  /** Starts what is due and does not wait for it. Meant to be called every second. */
  async look(): Promise<void> {
    const { isAnswering, isAvailable } = this.#provider;
    const nowMs = this.#clock.now();
    if (isAvailable && (this.#isSilent || !isAnswering) && nowMs - this.#probedAtMs >= probeEveryMs) {
      this.#probedAtMs = nowMs;
      this.#askAbout(await this.#store.waiting(1), true); // It may be back: one finds out.
    }
    if (!isAnswering) return;
    if (this.#isBack && nowMs - this.#hopedAtMs >= hopeEveryMs) {
      this.#hopes = await this.#store.waiting(hopefulMost);
      this.#hopedAtMs = nowMs;
      this.#isBack = false;
    }
    this.#askHopefully();
    const room = callsMost - this.#busy.size;
    if (room > 0) this.#askAbout(await this.#store.due(room), false);
  }

  /** Runs an errand whose lease was just taken. Never rejects: what is not written down is asked again. */
  run(errand: Errand): Promise<void> {
    return this.#start(errand.orderId, () => this.#follow(errand));
  }

  /** Waits a while for the calls that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#hopes = [];
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(closeMsMost, resolve);
    await Promise.race([Promise.all(this.#runs), isLate]);
    cancel();
  }

  #askHopefully(): void {
    const room = Math.max(0, callsMost - this.#busy.size);
    this.#askAbout(this.#hopes.splice(0, room), true);
  }

  #askAbout(orderIds: readonly string[], isEarly: boolean): void {
    for (const orderId of orderIds) {
      if (this.#busy.has(orderId)) continue;
      void this.#start(orderId, async () => {
        const input = { type: "TakeLease", orderId, isEarly, policy: this.#policy } as const;
        const errand = await this.#store.handle(input, { kind: "own", id: "leases" }, errandOf(orderId));
        if (errand !== undefined) await this.#follow(errand);
      });
    }
  }

  #start(orderId: string, work: () => Promise<void>): Promise<void> {
    this.#busy.add(orderId);
    const run = work()
      .catch((error) => this.#log.error({ err: error, orderId }, "a payment could not be looked after"))
      .finally(() => {
        this.#busy.delete(orderId);
        this.#runs.delete(run);
        this.#askHopefully();
      });
    this.#runs.add(run);
    return run;
  }

  /** One answer may lead to the next call: what was not taken yet is confirmed again. */
  async #follow(first: Errand): Promise<void> {
    for (let errand: Errand | undefined = first; errand !== undefined; ) {
      const heard = await this.#ask(errand);
      this.#hear(heard);
      errand = await this.#record(heard);
    }
  }

  async #ask(errand: Errand): Promise<Heard> {
    const { orderId, lease, askedAt } = errand;
    if (errand.kind === "refund") {
      const answer = await this.#provider.refund(errand);
      return { type: "RefundAnswered", orderId, lease, number: errand.number, answer };
    }
    const { attemptId } = errand;
    const answer =
      errand.kind === "query" ? await this.#provider.query(errand) : await this.#provider.confirm(errand);
    const policy = this.#policy;
    return { type: "ProviderAnswered", orderId, attemptId, lease, askedAt, answer, policy };
  }

  #hear({ type, orderId, answer }: Heard): void {
    const isSilent = answer.kind === "unknown";
    if (this.#isSilent && !isSilent) this.#isBack = true;
    this.#isSilent = isSilent;
    if (answer.kind === "unknown") this.#log.warn({ orderId, why: answer.why }, "payment in doubt");
    if (answer.kind === "mismatch") this.#log.error({ orderId }, "the provider took another amount");
    if (type === "RefundAnswered" && answer.kind === "refused")
      this.#log.error({ orderId, code: answer.code }, "a refund was refused: a person has to look");
  }

  async #record(heard: Heard): Promise<Errand | undefined> {
    const { orderId } = heard;
    const cause = { kind: "own", id: callId(heard) } as const;
    for (let attempt = 1; attempt <= recordAttemptsMost; attempt += 1) {
      try {
        return await this.#store.handle(heard, cause, errandOf(orderId));
      } catch (error) {
        this.#log.error({ err: error, orderId, attempt }, "the provider's answer could not be written down");
        if (attempt < recordAttemptsMost) await wait(this.#clock, recordWaitMs * 2 ** (attempt - 1));
      }
    }
    return undefined; // The lease runs out, and the provider is asked again.
  }
}

type Heard = Extract<PaymentInput, { readonly type: "ProviderAnswered" | "RefundAnswered" }>;

/** Names a call to the provider as the cause of what its answer leads to. */
export const callId = ({ orderId, lease }: { readonly orderId: string; readonly lease: number }) =>
  `call:${orderId}:${lease}`;

/** The errand a decision gave out, with all the provider needs to know; undefined if it gave none. */
export function errandOf(orderId: string) {
  return {
    of(rows: Rows<PaymentTables>, facts: readonly Fact[], now: Date): Errand | undefined {
      const payment = row(rows.payments, orderId);
      const leased = (facts as readonly PaymentFact[]).find((fact) => fact.type === "leased");
      if (leased === undefined || payment.status === "absent") return undefined;
      const { attempt, amountDue: amount, currency } = payment;
      if (attempt === undefined) throw new Error(`payment ${orderId} was leased without an attempt`);
      const { attemptId, paymentKey } = attempt;
      const { errand: kind, lease } = leased;
      const about = { orderId, lease, askedAt: now, paymentKey };
      if (kind !== "refund") return { ...about, kind, attemptId, amount, currency };
      const refund = payment.refunds.find(({ state }) => state === "started");
      if (refund === undefined) throw new Error(`payment ${orderId} was leased without a refund`);
      return { ...about, kind, number: refund.number, amount: refund.amount, reason: refundReason };
    },
  };
}
