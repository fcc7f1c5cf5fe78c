// idempotency.ts: the first answer to a key, given again to whoever asks again within fifteen days.
import type { Answer } from "./errors.ts";
import { errorAnswer } from "./errors.ts";
import type { Payment } from "./payment.ts";
import { paymentBody } from "./payment-object.ts";

export const KEY_LENGTH_MAX = 300;
const KEPT_MS = 15 * 24 * 3_600_000;

/** A payment's answer is kept as its immutable snapshot: the same bytes are made from it again. */
export type KeptAnswer = Answer<string | Payment>;
export const bodyOf = (answer: KeptAnswer): string =>
  typeof answer.body === "string" ? answer.body : paymentBody(answer.body);

/** What the provider tells keys apart by; the body of a request is no part of it. */
export const scopeOf = (method: string, url: string, apiKeyId: string, key: string): string =>
  `${method} ${url} ${apiKeyId} ${key}`;

type Kept = { at: number; running: boolean; answer: KeptAnswer | undefined };

export class Idempotency {
  readonly #capacity: number;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** An answer to give instead of acting; undefined means: act, then `release`. */
  begin(scope: string, now: number): KeptAnswer | undefined {
    const kept = this.#kept.get(scope);
    if (kept?.running) return errorAnswer("IDEMPOTENT_REQUEST_PROCESSING");
    if (kept?.answer !== undefined && now - kept.at < KEPT_MS) return kept.answer;
    this.#kept.delete(scope);
    if (!this.#makeRoom(now)) return errorAnswer("SIMULATOR_FULL");
    this.#kept.set(scope, { at: now, running: true, answer: undefined });
    return undefined;
  }

  /** Keeps the answer; a request still running holds its key until it is released. */
  finish(scope: string, answer: KeptAnswer, at: number): void {
    const kept = this.#kept.get(scope);
    if (kept === undefined) this.#kept.set(scope, { at, running: false, answer });
    else kept.answer = answer;
  }

  /** The request is over; without an answer the next one with this key is the first again. */
  release(scope: string): void {
    const kept = this.#kept.get(scope);
    if (kept === undefined) return;
    kept.running = false;
    if (kept.answer === undefined) this.#kept.delete(scope);
  }

  get size(): number {
    return this.#kept.size;
  }

  #makeRoom(now: number): boolean {
    for (const [scope, kept] of this.#kept) {
      if (this.#kept.size < this.#capacity) break;
      if (kept.running || now - kept.at < KEPT_MS) return false;
      this.#kept.delete(scope);
    }
    return true;
  }
}
