// webhooks.ts: tells a merchant's address that a payment changed, honestly or as a fault wants it told.
// source: https://docs.tosspayments.com/guides/webhook (body, seven repeats at growing intervals until HTTP 200).
import { randomUUID } from "node:crypto";
import type { Rule } from "./fault-rules.ts";
import type { Log } from "./log.ts";
import type { Payment } from "./payment.ts";
import { paymentObject } from "./payment-object.ts";
import { kst, kstWithMilliseconds } from "./timestamp.ts";

export type Telling = Readonly<{ afterMs: number; payment: Payment; genuine: boolean }>;
type Plan = (payment: Payment, before: Payment, ms: number) => readonly Telling[];

const tell = (payment: Payment, afterMs = 0, genuine = true): Telling => ({ afterMs, payment, genuine });

/** A row for each webhook fault of faults.ts. */
const PLANS: Readonly<Record<string, Plan>> = {
  webhook_lost: () => [],
  webhook_twice: (payment) => [tell(payment), tell(payment)],
  webhook_late: (payment, _before, ms) => [tell(payment, ms)],
  webhook_out_of_order: (payment, before, ms) => [tell(payment), tell(before, ms)],
  webhook_contradicting: (payment, _before, ms) => [
    tell(payment),
    tell({ ...payment, status: "ABORTED" }, ms),
  ],
  webhook_forged: (payment) => [tell(payment), tell(forged(payment), 0, false)],
};

export const forged = (payment: Payment): Payment => ({
  ...payment,
  paymentKey: `forged_${payment.orderId}`,
  status: "DONE",
});

export function planWebhooks(payment: Payment, before: Payment, rule: Rule | undefined): readonly Telling[] {
  const plan = rule && PLANS[rule.fault];
  return plan === undefined ? [tell(payment)] : plan(payment, before, rule?.ms ?? 0);
}

const MINUTE_MS = 60_000;
/** The provider's own: 1, 4, 16 … 4096 minutes after the one before. */
export const REPEATS_MS = [0, 1, 2, 3, 4, 5, 6].map((n) => 4 ** n * MINUTE_MS);
const QUEUE_MAX = 10_000;
const AT_ONCE_MAX = 32;
const TIMEOUT_MS = 10_000;

type Parts = Readonly<{ url: string; now: () => number; log: Log; repeatsMs?: readonly number[] }>;
type Letter = Readonly<{ id: string; body: string; genuine: boolean; tries: number }>;

/** Bounded: beyond 10,000 letters on their way a new one is dropped with a log line. */
export class Webhooks implements Disposable {
  readonly #parts: Parts;
  readonly #closed = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #queue: Letter[] = [];
  #running = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  send({ payment, afterMs, genuine }: Telling): void {
    const createdAt = kstWithMilliseconds(this.#parts.now());
    const body = JSON.stringify({
      eventType: "PAYMENT_STATUS_CHANGED",
      createdAt,
      data: paymentObject(payment),
    });
    this.#post({ id: randomUUID(), body, genuine, tries: 0 }, afterMs);
  }

  #post(letter: Letter, afterMs: number): void {
    if (this.#closed.signal.aborted) return;
    if (this.#queue.length + this.#timers.size >= QUEUE_MAX) {
      this.#parts.log("webhook dropped", { id: letter.id });
    } else if (afterMs === 0) {
      this.#queue.push(letter);
      this.#run();
    } else {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#post(letter, 0);
      }, afterMs);
      this.#timers.add(timer);
    }
  }

  #run(): void {
    while (this.#running < AT_ONCE_MAX) {
      const letter = this.#queue.shift();
      if (letter === undefined) return;
      this.#running += 1;
      void this.#deliver(letter).finally(() => {
        this.#running -= 1;
        this.#run();
      });
    }
  }

  async #deliver(letter: Letter): Promise<void> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (letter.genuine) {
      headers["tosspayments-webhook-transmission-id"] = letter.id;
      headers["tosspayments-webhook-transmission-time"] = kst(this.#parts.now());
      headers["tosspayments-webhook-transmission-retried-count"] = String(letter.tries);
    }
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const answer = await fetch(this.#parts.url, { method: "POST", headers, body: letter.body, signal });
      await answer.body?.cancel();
      if (answer.status === 200) return;
      this.#parts.log("webhook refused", { id: letter.id, status: answer.status, tries: letter.tries });
    } catch (error) {
      this.#parts.log("webhook failed", { id: letter.id, error: String(error), tries: letter.tries });
    }
    const repeatMs = (this.#parts.repeatsMs ?? REPEATS_MS)[letter.tries];
    if (repeatMs !== undefined && letter.genuine)
      this.#post({ ...letter, tries: letter.tries + 1 }, repeatMs);
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#queue.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
