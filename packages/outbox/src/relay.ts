// Carries committed facts to the broker: at once from memory, and by a sweep of the table whatever memory did not carry.
//
// A fact is handed over after its commit. Memory is bounded: what finds no room stays in the table, where every fact
// stands until it is marked as published. The sweep claims unpublished facts that are older than five seconds, those of
// processes that died included, and publishes them the same way. A fact published twice is harmless: the broker knows its id.
// After failures with no success in between, nothing is sent for a while; the first success ends that.
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { Marks } from "./marks.ts";
import { type Clock, type OutboxLog, systemClock } from "./ports.ts";
import type { Outbox } from "./store.ts";

export interface RelayOptions {
  readonly outbox: Outbox;
  readonly publish: (envelope: Envelope) => Promise<Placement>;
  readonly log: OutboxLog;
  readonly clock?: Clock;
  /** Publishes in flight, at most; 256. */
  readonly windowMost?: number;
  /** Facts in memory, at most; 10,000. */
  readonly memoryMost?: number;
  /** Milliseconds that disposing may take, about; 5,000. */
  readonly drainMs?: number;
}

export interface RelayCounts {
  readonly published: number;
  /** Publishes that failed; their facts wait for the sweep. */
  readonly failed: number;
  /** Facts that found no room in memory. */
  readonly dropped: number;
  /** Facts the sweep found. */
  readonly swept: number;
}

export interface Relay extends AsyncDisposable {
  readonly counts: RelayCounts;
  /** Facts in memory, in flight or not. */
  readonly pending: number;
  /** Publishes what lies unpublished in the table; resolves when it was tried. To be called every few seconds. */
  sweep(): Promise<void>;
}

const backoffFirstMs = 250;
const backoffMostMs = 30_000;
const sweepBatch = 500;
/** Marking later marks more rows at once; until then the row only looks unpublished. */
const markDelayMs = 100;

export function startRelay(options: RelayOptions): Relay {
  return new WindowedRelay({
    clock: systemClock,
    windowMost: 256,
    memoryMost: 10_000,
    drainMs: 5_000,
    ...options,
  });
}

/** A fact in memory. */
interface Held {
  readonly envelope: Envelope;
  /** Called when it was tried, or given up; says whether the broker has it. */
  readonly onTried: (isPublished: boolean) => void;
}

class WindowedRelay implements Relay {
  readonly #options: Required<RelayOptions>;
  readonly #marks: Marks;
  readonly #unsubscribe: () => void;
  readonly #counts = { published: 0, failed: 0, dropped: 0, swept: 0 };
  readonly #queue = new Map<string, Held>();
  readonly #inFlight = new Set<string>();
  /** Failures with no success in between, counted once per time of quiet. */
  #failuresInARow = 0;
  #quietUntilMs = 0;
  #sweeping: Promise<void> | undefined;
  readonly #timers = new Set<() => void>();
  #onIdle: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Required<RelayOptions>) {
    this.#options = options;
    this.#marks = new Marks(options.outbox, options.log, options.memoryMost);
    this.#unsubscribe = options.outbox.onCommit(({ envelopes }) => {
      for (const envelope of envelopes) this.#hold(envelope, () => undefined);
      this.#pump();
    });
  }

  get counts(): RelayCounts {
    return { ...this.#counts };
  }

  get pending(): number {
    return this.#queue.size + this.#inFlight.size;
  }

  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Sends what is in memory as long as the broker takes it, marks it, and leaves the rest to the table. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#unsubscribe();
    for (const cancel of this.#timers) cancel();
    const inTime = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(this.#options.drainMs, inTime.resolve);
    await Promise.race([this.#drain(), inTime.promise]);
    cancel();
    for (const { onTried } of this.#queue.values()) onTried(false);
    this.#queue.clear();
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#pump();
    });
    await this.#marks.flush();
  }

  #after(ms: number, wake: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      wake();
    });
    this.#timers.add(cancel);
  }

  #hold(envelope: Envelope, onTried: Held["onTried"]): void {
    const isHeld = this.#queue.has(envelope.id) || this.#inFlight.has(envelope.id);
    const isFull = this.pending >= this.#options.memoryMost;
    if (isFull && !isHeld) this.#counts.dropped += 1;
    if (isHeld || isFull)
      onTried(isHeld); // What is held is on its way already.
    else this.#queue.set(envelope.id, { envelope, onTried });
  }

  #isQuiet(): boolean {
    return this.#options.clock.now() < this.#quietUntilMs;
  }

  #pump(): void {
    for (const [id, held] of this.#queue) {
      if (this.#inFlight.size >= this.#options.windowMost || this.#isQuiet()) break;
      this.#queue.delete(id);
      this.#inFlight.add(id);
      void this.#send(held);
    }
    if (this.#inFlight.size === 0 && (this.#queue.size === 0 || this.#isQuiet())) this.#onIdle();
  }

  /** Never rejects. */
  async #send({ envelope, onTried }: Held): Promise<void> {
    let isPublished = false;
    try {
      const placement = await this.#options.publish(envelope);
      isPublished = true;
      this.#counts.published += 1;
      this.#failuresInARow = 0;
      if (this.#marks.add({ id: envelope.id, placement }) === 1 && this.#closing === undefined) {
        this.#after(markDelayMs, () => void this.#marks.flush());
      }
    } catch (error) {
      this.#counts.failed += 1;
      this.#quieten(error);
    }
    this.#inFlight.delete(envelope.id);
    onTried(isPublished);
    this.#pump();
  }

  #quieten(error: unknown): void {
    if (this.#isQuiet()) return; // One of those that were in flight together.
    const ms = Math.min(backoffMostMs, backoffFirstMs * 2 ** this.#failuresInARow);
    if (this.#failuresInARow === 0)
      this.#options.log.warn({ err: error }, "the broker did not take a fact; it stays in the outbox");
    this.#failuresInARow += 1;
    this.#quietUntilMs = this.#options.clock.now() + ms;
    if (this.#closing === undefined) this.#after(ms, () => this.#pump());
  }

  /** Never rejects. */
  async #sweep(): Promise<void> {
    try {
      await this.#marks.flush();
      while (
        this.#closing === undefined &&
        !this.#isQuiet() &&
        this.pending + sweepBatch <= this.#options.memoryMost
      ) {
        const envelopes = await this.#options.outbox.claim(sweepBatch);
        this.#counts.swept += envelopes.length;
        const tried = envelopes.map(
          (envelope) => new Promise<boolean>((resolve) => this.#hold(envelope, resolve)),
        );
        this.#pump();
        const isPublished = await Promise.all(tried);
        // A broker that is back in a second should not miss its facts for as long as a claim lasts.
        await this.#options.outbox.release(envelopes.filter((_, at) => !isPublished[at]).map(({ id }) => id));
        if (envelopes.length < sweepBatch) return;
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, "the outbox could not be swept");
    }
  }
}
