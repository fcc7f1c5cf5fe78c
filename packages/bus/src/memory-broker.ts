// A broker inside this process: streams with sequences, the duplicate window, durables that replicas share, redelivery.
//
// It does what JetStream does as far as a service can tell, on a clock that is passed in, so that a run can be repeated.
import { header, type Message } from "./message.ts";
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
  /** The durable is gone, or its stream with it. */
  onGone(): void;
}

/** What a durable remembers when its stream is set back: as much as the stream, nothing yet, or still everything. */
export type DurablesThen = "same" | "older" | "newer";

/** What a durable would have had still if its stream's front had not been let go. */
interface Purged {
  /** The first that was left. */
  readonly first: number;
  readonly next: number;
  readonly pending: ReadonlyMap<number, Pending>;
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
  /** An old copy of the durable has these again. */
  #purged: Purged[] = [];
  #next: number;
  #turn = 0;
  #sending = false;
  /** Counts connections lost: what was on its way through an old one arrives no more. */
  #cuts = 0;

  constructor(
    name: string,
    stream: MemoryStream,
    clock: Clock,
    faults: Faults,
    limits: { ackWaitMs: number; ackPendingMost: number },
    from: number,
  ) {
    this.#next = from;
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
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
  }

  /** The highest sequence it ever delivered. */
  get delivered(): number {
    return this.#next - 1;
  }

  /** Everything up to here is acknowledged. */
  get floor(): number {
    let floor = this.#next - 1;
    for (const seq of this.#pending.keys()) floor = Math.min(floor, seq - 1);
    return floor;
  }

  /** The broker starts again, its stream possibly shorter. */
  restart(then: DurablesThen): void {
    this.#cut();
    if (then === "older") {
      this.#pending.clear();
      this.#next = 1;
    } else if (then === "same") {
      this.#undoPurges();
      for (const seq of this.#pending.keys()) if (seq > this.#stream.last) this.#pending.delete(seq);
      this.#next = Math.min(this.#next, this.#stream.last + 1);
    }
    this.purge();
    for (const [seq, pending] of this.#pending) this.#redeliver(seq, pending, this.#ackWaitMs);
  }

  /** What its stream let go at its front counts as acknowledged. */
  purge(): void {
    const { first } = this.#stream;
    const pending = new Map([...this.#pending].filter(([seq]) => seq < first));
    if (pending.size === 0 && this.#next >= first) return;
    this.#purged.push({ first, next: this.#next, pending });
    for (const [seq, { cancel }] of pending) {
      cancel();
      this.#pending.delete(seq);
    }
    this.#next = Math.max(this.#next, first);
  }

  #undoPurges(): void {
    const undone = this.#purged.filter(({ first }) => first > this.#stream.first);
    this.#purged = this.#purged.filter(({ first }) => first <= this.#stream.first);
    for (const { next, pending } of undone.reverse()) {
      this.#next = Math.min(this.#next, next);
      for (const [seq, each] of pending) this.#pending.set(seq, each);
    }
  }

  /** It is gone. */
  end(): void {
    const takers = [...this.#takers];
    this.#cut();
    this.#pending.clear();
    for (const taker of takers) taker.onGone();
  }

  #cut(): void {
    this.#cuts += 1;
    this.#takers.length = 0;
    this.#due.length = 0;
    for (const { cancel } of this.#pending.values()) cancel();
  }

  /** Sends what can be sent, in its own turn: never inside the call that made it possible. */
  wake(): void {
    if (this.#sending || (this.#due.length === 0 && this.#next > this.#stream.last)) return;
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
    while (seq !== undefined && !this.#isWaiting(seq)) seq = this.#due.shift();
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
    const cuts = this.#cuts;
    for (const delayMs of this.#faults.deliver(sent)) {
      if (delayMs === 0) taker.take(sent);
      else this.#clock.after(delayMs, () => cuts === this.#cuts && taker.take(sent));
    }
    return true;
  }

  /** What a broker set back does not have is not delivered again. */
  #isWaiting(seq: number): boolean {
    if (seq > this.#stream.last) this.#pending.delete(seq);
    return this.#pending.has(seq);
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
  /** Which making of it this is. */
  readonly created: string;
  /** How often its broker started again. */
  starts = 0;
  readonly watchers = new Set<(stored: Stored) => void>();
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #windowMs: number;
  /** Every message that was ever stored, unless it was set back. */
  readonly #stored: Stored[] = [];
  /** When its front was let go, and what was the first then; an old copy still has it. */
  #purges: { readonly at: number; readonly first: number }[] = [];
  readonly #ids = new Map<string, Stored>();
  readonly #durables = new Map<string, MemoryDurable>();
  #isEnded = false;

  constructor(name: string, created: string, clock: Clock, faults: Faults, windowMs: number) {
    this.name = name;
    this.created = created;
    this.#clock = clock;
    this.#faults = faults;
    this.#windowMs = windowMs;
  }

  get first(): number {
    return this.#purges.at(-1)?.first ?? 1;
  }

  get last(): number {
    return this.#stored.length;
  }

  at(seq: number): Stored {
    const stored = this.find(BigInt(seq));
    if (stored === undefined) throw new Error(`${this.name} has no message ${seq}`);
    return stored;
  }

  all(): readonly Stored[] {
    return this.#stored.slice(this.first - 1);
  }

  /** Lets go what it has up to there. It still recognises that within the window, as JetStream does. */
  purge(upToSeq = this.last): void {
    const first = Math.min(upToSeq, this.last) + 1;
    if (first <= this.first) return;
    this.#purges.push({ at: this.#clock.now(), first });
    for (const durable of this.#durables.values()) {
      durable.purge();
      durable.wake();
    }
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

  find(seq: bigint): Stored | undefined {
    return seq < this.first ? undefined : this.#stored[Number(seq) - 1];
  }

  durable(name: string): MemoryDurable | undefined {
    return this.#durables.get(name);
  }

  /** Makes a durable unless it is there; from the first message on, or from those stored at that moment. */
  make(
    name: string,
    limits: { ackWaitMs: number; ackPendingMost: number },
    from: Date | undefined,
  ): MemoryDurable {
    const there = this.#durables.get(name);
    if (there !== undefined) return there;
    const start = from?.getTime() ?? Number.NEGATIVE_INFINITY;
    const at = this.#stored.findIndex(({ storedAt }) => storedAt >= start);
    const seq = at < 0 ? this.last + 1 : Math.max(at + 1, this.first);
    const made = new MemoryDurable(name, this, this.#clock, this.#faults, limits, seq);
    this.#durables.set(name, made);
    return made;
  }

  remove(name: string): void {
    const durable = this.#durables.get(name);
    this.#durables.delete(name);
    durable?.end();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** It is gone, and every durable with it. */
  end(): void {
    this.#isEnded = true;
    for (const name of [...this.#durables.keys()]) this.remove(name);
  }

  /** The broker starts again with what it had up to there. */
  rollBack(to: { readonly seq: number } | { readonly storedUntil: number }, then: DurablesThen): void {
    this.starts += 1;
    const isKept = ({ seq, storedAt }: Stored) => ("seq" in to ? seq <= to.seq : storedAt <= to.storedUntil);
    const lost = this.#stored.findIndex((stored) => !isKept(stored));
    if (lost >= 0) this.#stored.length = lost;
    this.#purges = this.#purges.filter(({ at, first }) =>
      "seq" in to ? first <= this.last + 1 : at <= to.storedUntil,
    );
    this.#ids.clear();
    for (const stored of this.all()) {
      const id = publishIdOf(stored.message);
      if (id !== undefined) this.#ids.set(id, stored);
    }
    for (const durable of this.#durables.values()) durable.restart(then);
  }
}

/** By this the broker recognises what it was given twice. */
export function publishIdOf({ headers }: Message): string | undefined {
  return headers.find(([name]) => name === header.publishId)?.[1];
}
