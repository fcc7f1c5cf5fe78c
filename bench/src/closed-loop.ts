// A closed loop: so many buyers, each beginning its next checkout when the last one is through.
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

export class ClosedLoop implements Load {
  readonly #checkOut: () => Promise<void>;
  #buyers: Promise<void>[] = [];
  #isOver = true;
  #failure: { readonly error: unknown } | undefined;
  #countInAll = 0;
  #latencies: number[] = [];
  #markedAt = 0;

  constructor(checkOut: () => Promise<void>) {
    this.#checkOut = checkOut;
  }

  async start(buyers: number): Promise<void> {
    this.#isOver = false;
    this.#countInAll = 0;
    this.#buyers = Array.from({ length: buyers }, () => this.#buy());
  }

  async mark(): Promise<void> {
    this.#latencies = [];
    this.#markedAt = performance.now();
  }

  async read(): Promise<Measured> {
    const seconds = (performance.now() - this.#markedAt) / 1_000;
    const latencies = this.#latencies;
    return { count: latencies.length, seconds, latencies };
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await Promise.all(this.#buyers);
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#countInAll;
  }

  async #buy(): Promise<void> {
    while (!this.#isOver) {
      const begunAt = performance.now();
      try {
        await this.#checkOut();
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
