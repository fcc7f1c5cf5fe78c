// Waiting for a row to change. A wake-up says "look again" and carries nothing, so a lost, doubled or needless one does no harm.
import { type Clock, systemClock } from "./ports.ts";

/** One reader's ear on one key. Register first, then read, then wait: no change falls in between. */
export interface WakeUp extends Disposable {
  /**
   * Resolves at the next wake-up, at once if one came since the last call, and after `ms` at the latest.
   * Rejects with the signal's reason when it aborts.
   */
  next(ms: number, signal?: AbortSignal): Promise<void>;
}

export class WakeUps {
  readonly #ears = new Map<string, Set<Ear>>();
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** The keys somebody waits for. */
  get keys(): readonly string[] {
    return [...this.#ears.keys()];
  }

  on(key: string): WakeUp {
    const ear = new Ear(this.#clock, () => {
      const ears = this.#ears.get(key);
      ears?.delete(ear);
      if (ears?.size === 0) this.#ears.delete(key);
    });
    const ears = this.#ears.get(key) ?? new Set();
    this.#ears.set(key, ears.add(ear));
    return ear;
  }

  wake(key: string): void {
    for (const ear of this.#ears.get(key) ?? []) ear.wake();
  }
}

class Ear implements WakeUp {
  readonly #clock: Clock;
  readonly #onDispose: () => void;
  #isWoken = false;
  #resume: (() => void) | undefined;

  constructor(clock: Clock, onDispose: () => void) {
    this.#clock = clock;
    this.#onDispose = onDispose;
  }

  wake(): void {
    this.#isWoken = true;
    this.#resume?.();
  }

  async next(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#isWoken) await this.#wait(ms, signal);
    this.#isWoken = false;
    signal?.throwIfAborted();
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => this.#resume?.());
      this.#resume = () => {
        cancel();
        signal?.removeEventListener("abort", this.#resume as () => void);
        this.#resume = undefined;
        resolve();
      };
      signal?.addEventListener("abort", this.#resume);
    });
  }

  [Symbol.dispose](): void {
    this.#onDispose();
    this.#resume?.();
  }
}
