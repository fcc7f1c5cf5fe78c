// A broker inside this process: streams with sequences, the duplicate window, durables that replicas share, redelivery.
//
// It does what JetStream does as far as a service can tell, on a clock that is passed in, so that a run can be repeated.
import type { Message } from "./message.ts";
import type { Clock } from "./ports.ts";

/** What goes wrong between services and broker. Decided for each thing by itself, so a seed can decide. */
export interface Faults {
  /** `lost`: not stored, the publisher is told nothing; `unanswered`: stored, the publisher is told nothing. */
  publish(message: Message): "stored" | "lost" | "unanswered";
  /** After how many milliseconds each copy of one delivery arrives: none loses it, several double it, differing ones reorder. */
  deliver(delivery: Sent): readonly number[];
  /** Whether an answer of a hearer reaches the broker. */
  answer(delivery: Sent, answer: "ack" | "nak" | "term" | "working"): boolean;
}

export const noFaults: Faults = {
  publish: () => "stored",
  deliver: () => [0],
  answer: () => true,
};

export interface Stored {
  readonly seq: number;
  readonly message: Message;
  readonly storedAt: number;
}

/** One delivery of one message to one replica. */
export interface Sent extends Stored {
  readonly stream: string;
  readonly durable: string;
  readonly deliveries: number;
}

/** A replica that takes deliveries of a durable as long as it has room. */
export interface Taker {
  hasRoom(): boolean;
  take(sent: Sent): void;
}

interface Pending {
  deliveries: number;
  /** Stops the redelivery that is due, if one is. */
  cancel: () => void;
}

export class MemoryDurable {
  readonly #takers: Taker[] = [];
  readonly #name: string;
  readonly #stream: MemoryStream;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #ackWaitMs: number;
  readonly #pendingMost: number;
  readonly #pending = new Map<number, Pending>();
  /** Sequences whose time to be delivered again has come, oldest first. */
  readonly #due: number[] = [];
  #next = 1;
  #turn = 0;
  #sending = false;

  constructor(
    name: string,
    stream: MemoryStream,
    clock: Clock,
    faults: Faults,
    limits: { ackWaitMs: number; ackPendingMost: number },
  ) {
    this.#name = name;
    this.#stream = stream;
    this.#clock = clock;
    this.#faults = faults;
    this.#ackWaitMs = limits.ackWaitMs;
    this.#pendingMost = limits.ackPendingMost;
  }

  join(taker: Taker): void {
    this.#takers.push(taker);
    this.wake();
  }

  leave(taker: Taker): void {
    this.#takers.splice(this.#takers.indexOf(taker), 1);
  }

  /** Sends what can be sent, in its own turn: never inside the call that made it possible. */
  wake(): void {
    if (this.#sending) return;
    this.#sending = true;
    this.#clock.after(0, () => {
      this.#sending = false;
      for (
        let taker = this.#nextTaker();
        taker !== undefined && this.#send(taker);
        taker = this.#nextTaker()
      );
    });
  }

  /** An answer counts for the delivery it is about; a late one about an earlier delivery counts as well, as in JetStream. */
  settle(sent: Sent, answer: "ack" | "nak" | "term" | "working", delayMs = 0): void {
    const pending = this.#pending.get(sent.seq);
    if (pending === undefined || !this.#faults.answer(sent, answer)) return;
    pending.cancel();
    if (answer === "ack" || answer === "term") this.#pending.delete(sent.seq);
    else this.#redeliver(sent.seq, pending, answer === "nak" ? delayMs : this.#ackWaitMs);
    this.wake();
  }

  /** Replicas take turns, whoever has room. */
  #nextTaker(): Taker | undefined {
    for (let tried = 0; tried < this.#takers.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#takers.length;
      const taker = this.#takers[this.#turn];
      if (taker?.hasRoom() === true) return taker;
    }
    return undefined;
  }

  /** False when there is nothing to send. */
  #send(taker: Taker): boolean {
    let seq = this.#due.shift();
    while (seq !== undefined && !this.#pending.has(seq)) seq = this.#due.shift();
    if (seq === undefined) {
      if (this.#pending.size >= this.#pendingMost || this.#next > this.#stream.last) return false;
      seq = this.#next;
      this.#next += 1;
    }
    const pending = this.#pending.get(seq) ?? { deliveries: 0, cancel: () => undefined };
    pending.deliveries += 1;
    this.#pending.set(seq, pending);
    this.#redeliver(seq, pending, this.#ackWaitMs);
    const { deliveries } = pending;
    const sent = { ...this.#stream.at(seq), stream: this.#stream.name, durable: this.#name, deliveries };
    for (const delayMs of this.#faults.deliver(sent)) {
      if (delayMs === 0) taker.take(sent);
      else this.#clock.after(delayMs, () => taker.take(sent));
    }
    return true;
  }

  #redeliver(seq: number, pending: Pending, afterMs: number): void {
    pending.cancel = this.#clock.after(afterMs, () => {
      this.#due.push(seq);
      this.wake();
    });
  }
}

export class MemoryStream {
  readonly name: string;
  readonly watchers = new Set<(stored: Stored) => void>();
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #windowMs: number;
  readonly #stored: Stored[] = [];
  readonly #ids = new Map<string, Stored>();
  readonly #durables = new Map<string, MemoryDurable>();

  constructor(name: string, clock: Clock, faults: Faults, windowMs: number) {
    this.name = name;
    this.#clock = clock;
    this.#faults = faults;
    this.#windowMs = windowMs;
  }

  get last(): number {
    return this.#stored.length;
  }

  at(seq: number): Stored {
    const stored = this.#stored[seq - 1];
    if (stored === undefined) throw new Error(`${this.name} has no message ${seq}`);
    return stored;
  }

  all(): readonly Stored[] {
    return this.#stored;
  }

  /** Stores a message unless one with its id was stored within the window. */
  append(id: string | undefined, message: Message): { readonly seq: number; readonly duplicate: boolean } {
    const now = this.#clock.now();
    const known = id === undefined ? undefined : this.#ids.get(id);
    if (known !== undefined && known.storedAt + this.#windowMs > now)
      return { seq: known.seq, duplicate: true };
    const stored = { seq: this.#stored.length + 1, message, storedAt: now };
    this.#stored.push(stored);
    if (id !== undefined) this.#ids.set(id, stored);
    for (const durable of this.#durables.values()) durable.wake();
    for (const watcher of this.watchers) watcher(stored);
    return { seq: stored.seq, duplicate: false };
  }

  durable(name: string, limits: { ackWaitMs: number; ackPendingMost: number }): MemoryDurable {
    let durable = this.#durables.get(name);
    if (durable === undefined) {
      durable = new MemoryDurable(name, this, this.#clock, this.#faults, limits);
      this.#durables.set(name, durable);
    }
    return durable;
  }
}
