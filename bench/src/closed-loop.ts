// A closed loop: so many buyers, each beginning its next checkout when the last one is through.
import { setTimeout as pause } from "node:timers/promises";
import type { Measured } from "./figures.ts";

/** Something that can be put under load, here or in another process. */
export interface Load {
  /** Resolves when the buyers have begun. */
  start(buyers: number): Promise<void>;
  /** What was done before no longer counts. */
  mark(): Promise<void>;
  /** What was done since the mark. */
  read(): Promise<Measured>;
  /** Resolves, when every buyer is through, with how many checkouts there were in all. Rejects if one failed. */
  stop(): Promise<number>;
}

/** `onRepeat` is called for each request that had to be made again. */
export type CheckOut = (onRepeat: () => void) => Promise<void>;

/** Buyers come one after the other within this time: a crowd at one instant is not what is measured. */
const arrivalMs = 500;

export class ClosedLoop implements Load {
  readonly #checkOut: CheckOut;
  #buyers: Promise<void>[] = [];
  #isOver = true;
  #failure: { readonly error: unknown } | undefined;
  #countInAll = 0;
  #latencies: number[] = [];
  #repeats = 0;
  #markedAt = 0;

  constructor(checkOut: CheckOut) {
    this.#checkOut = checkOut;
  }

  async start(buyers: number): Promise<void> {
    this.#isOver = false;
    this.#countInAll = 0;
    this.#buyers = Array.from({ length: buyers }, (_, place) => this.#buy((arrivalMs * place) / buyers));
  }

  async mark(): Promise<void> {
    this.#latencies = [];
    this.#repeats = 0;
    this.#markedAt = performance.now();
  }

  async read(): Promise<Measured> {
    const seconds = (performance.now() - this.#markedAt) / 1_000;
    const latencies = this.#latencies;
    return { count: latencies.length, seconds, latencies, repeats: this.#repeats };
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await Promise.all(this.#buyers);
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#countInAll;
  }

  async #buy(arrivesAfterMs: number): Promise<void> {
    await pause(arrivesAfterMs);
    while (!this.#isOver) {
      const begunAt = performance.now();
      try {
        await this.#checkOut(() => {
          this.#repeats += 1;
        });
      } catch (error) {
        this.#failure ??= { error };
        this.#isOver = true; // A figure with failures in it would say nothing.
        return;
      }
      this.#latencies.push(performance.now() - begunAt);
      this.#countInAll += 1;
    }
  }
}
