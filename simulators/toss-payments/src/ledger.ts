// ledger.ts: the provider's own append-only account of money captured or given back, for an auditor to compare.
import type { Movement, Payment } from "./payment.ts";

export type Entry = Readonly<
  Movement & {
    seq: number;
    paymentKey: string;
    orderId: string;
    customerKey: string | null;
    status: Payment["status"];
    at: number;
  }
>;
export type OrderAccount = Readonly<{
  orderId: string;
  captured: number;
  refunded: number;
  balance: number;
  captures: number;
  refunds: number;
}>;
export type Period = Readonly<{ from: number; to: number; after: string | undefined; limit: number }>;

export class Ledger {
  readonly #entries: Entry[] = [];
  /** Numbers of an order's entries; a Map keeps orders in the sequence of their first entry. */
  readonly #orders = new Map<string, number[]>();
  #captured = 0;
  #refunded = 0;

  add(movement: Movement, payment: Payment, at: number): Entry {
    const { paymentKey, orderId, customerKey, status } = payment;
    const seq = this.#entries.length + 1;
    const entry = { seq, ...movement, paymentKey, orderId, customerKey, status, at };
    this.#entries.push(entry);
    const numbers = this.#orders.get(orderId);
    if (numbers === undefined) this.#orders.set(orderId, [seq]);
    else numbers.push(seq);
    if (movement.kind === "capture") this.#captured += movement.amount;
    else this.#refunded += movement.amount;
    return entry;
  }

  totals() {
    const [captured, refunded] = [this.#captured, this.#refunded];
    return { entries: this.#entries.length, captured, refunded, balance: captured - refunded };
  }

  entriesOf(orderId: string): readonly Entry[] {
    return (this.#orders.get(orderId) ?? []).flatMap((seq) => this.#entries[seq - 1] ?? []);
  }

  account(orderId: string): OrderAccount {
    const account = { orderId, captured: 0, refunded: 0, balance: 0, captures: 0, refunds: 0 };
    for (const { kind, amount } of this.entriesOf(orderId)) {
      if (kind === "capture") {
        account.captured += amount;
        account.captures += 1;
      } else {
        account.refunded += amount;
        account.refunds += 1;
      }
    }
    account.balance = account.captured - account.refunded;
    return account;
  }

  /** Accounts in the sequence of their first capture; `next` is where the following page starts, null at the end. */
  accounts(start: number, limit: number): { orders: OrderAccount[]; next: number | null } {
    const ids = this.#orders.keys().drop(start).take(limit);
    const orders = [...ids.map((orderId) => this.account(orderId))];
    return { orders, next: start + orders.length < this.#orders.size ? start + orders.length : null };
  }

  /** Entries of a period, oldest first; undefined if `after` names none of them. */
  between({ from, to, after, limit }: Period): readonly Entry[] | undefined {
    let start = this.#firstAt(from);
    if (after !== undefined) {
      const found = this.#entries.findIndex((entry, n) => n >= start && entry.transactionKey === after);
      if (found === -1) return undefined;
      start = found + 1;
    }
    return this.#entries.slice(start, Math.min(start + limit, this.#firstAt(to)));
  }

  /** Entries come in the order of their time: found by halving. */
  #firstAt(at: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.at ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
