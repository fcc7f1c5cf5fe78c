// book.ts: the provider's book, where one decision changes payment, ledger, remembered answer at once or none.
import { type Answer, errorAnswer } from "./errors.ts";
import type { Idempotency, KeptAnswer } from "./idempotency.ts";
import type { Journal } from "./journal.ts";
import type { Ledger } from "./ledger.ts";
import { asOf, type Command, decide, type Movement, type Payment, wasPaid } from "./payment.ts";

/** One line of the journal: everything one decision changed, so that half of it cannot be written. */
export type BookRecord = Readonly<{
  at: number;
  payment?: Payment | undefined;
  movement?: Movement | undefined;
  /** Without a body the answer is the payment of this line. */
  answer?: Readonly<{ scope: string; status: number; body?: string }> | undefined;
}>;
export type Outcome = Readonly<{
  answer: KeptAnswer;
  /** The payment if this changed it. */
  changed: Payment | undefined;
  before: Payment | undefined;
  written: Promise<void>;
}>;

export class Book {
  readonly #payments = new Map<string, Payment>();
  /** The payment an order is known by: the paid one, else the newest. */
  readonly #orders = new Map<string, string>();
  /** Sessions nobody confirmed yet, oldest first: what may be forgotten when room is needed. */
  readonly #waiting = new Set<string>();
  readonly #capacity: number;
  readonly #ledger: Ledger;
  readonly #idempotency: Idempotency;
  #journal: Journal;

  constructor(parts: { capacity: number; ledger: Ledger; idempotency: Idempotency; journal: Journal }) {
    this.#capacity = parts.capacity;
    this.#ledger = parts.ledger;
    this.#idempotency = parts.idempotency;
    this.#journal = parts.journal;
  }

  /** From now on every change is also written there. */
  writeTo(journal: Journal): void {
    this.#journal = journal;
  }

  get size(): number {
    return this.#payments.size;
  }

  find(paymentKey: string, now: number): Payment | undefined {
    const payment = this.#payments.get(paymentKey);
    return payment && asOf(payment, now);
  }

  findByOrder(orderId: string, now: number): Payment | undefined {
    const paymentKey = this.#orders.get(orderId);
    return paymentKey === undefined ? undefined : this.find(paymentKey, now);
  }

  /** True if another payment of the order took the money. */
  orderTaken(orderId: string, paymentKey: string): boolean {
    const known = this.#orders.get(orderId);
    if (known === undefined || known === paymentKey) return false;
    const other = this.#payments.get(known);
    return other !== undefined && wasPaid(other);
  }

  /** Acts at once in memory; the caller answers after `written`. */
  apply(paymentKey: string, command: Command, now: number, scope?: string): Outcome {
    const before = this.#payments.get(paymentKey);
    if (before === undefined && command.type === "Open" && !this.#makeRoom(now)) {
      return {
        answer: errorAnswer("SIMULATOR_FULL"),
        changed: undefined,
        before,
        written: Promise.resolve(),
      };
    }
    const { payment, movement, refusal } = decide(before, command, now);
    const answer: KeptAnswer =
      refusal === undefined && payment !== undefined
        ? { status: 200, body: payment }
        : errorAnswer(refusal ?? "UNKNOWN_PAYMENT_ERROR");
    const kept = scope === undefined ? undefined : keptIn(scope, answer);
    if (payment === undefined && kept === undefined) {
      return { answer, changed: undefined, before, written: Promise.resolve() };
    }
    return {
      answer,
      changed: payment,
      before,
      written: this.#write({ at: now, payment, movement, answer: kept }),
    };
  }

  /** Keeps an answer that no decision gave. */
  remember(scope: string, answer: Answer, now: number): Promise<void> {
    return this.#write({ at: now, answer: keptIn(scope, answer) });
  }

  restore({ at, payment, movement, answer }: BookRecord): void {
    if (payment !== undefined) this.#put(payment);
    if (payment !== undefined && movement !== undefined) this.#ledger.add(movement, payment, at);
    if (answer === undefined) return;
    const body = answer.body ?? payment;
    if (body !== undefined) this.#idempotency.finish(answer.scope, { status: answer.status, body }, at);
  }

  /** Undefined when everything a reader may see is written. */
  pending(): Promise<void> | undefined {
    return this.#journal.pending();
  }

  #write(record: BookRecord): Promise<void> {
    this.restore(record);
    return this.#journal.append(record);
  }

  #put(payment: Payment): void {
    const { paymentKey, orderId, status } = payment;
    this.#payments.set(paymentKey, payment);
    if (status === "READY" || status === "IN_PROGRESS") this.#waiting.add(paymentKey);
    else this.#waiting.delete(paymentKey);
    if (!this.orderTaken(orderId, paymentKey)) this.#orders.set(orderId, paymentKey);
  }

  #makeRoom(now: number): boolean {
    for (const paymentKey of this.#waiting) {
      const payment = this.#payments.get(paymentKey);
      if (this.#payments.size < this.#capacity || payment === undefined || now < payment.expiresAt) break;
      this.#waiting.delete(paymentKey);
      this.#payments.delete(paymentKey);
      if (this.#orders.get(payment.orderId) === paymentKey) this.#orders.delete(payment.orderId);
    }
    return this.#payments.size < this.#capacity;
  }
}

const keptIn = (scope: string, { status, body }: KeptAnswer) =>
  typeof body === "string" ? { scope, status, body } : { scope, status };
