// Lets only so many work at once and so many wait for it; whoever finds no place to wait is refused at once.
import { Refusal } from "@quadrille/decider";

export class Turns {
  readonly #atOnce: number;
  readonly #waitingMost: number;
  readonly #waiting: (() => void)[] = [];
  #working = 0;

  constructor(atOnce: number, waitingMost: number) {
    this.#atOnce = atOnce;
    this.#waitingMost = waitingMost;
  }

  /** Does the work when its turn comes, first come first served. Refuses with OVERLOADED when too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working < this.#atOnce) this.#working += 1;
    else if (this.#waiting.length >= this.#waitingMost) throw new Refusal("OVERLOADED");
    else await new Promise<void>((resolve) => this.#waiting.push(resolve)); // Takes over the place of the one that ends.
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#working -= 1;
      else next();
    }
  }
}
