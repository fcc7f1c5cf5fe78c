// A process of a simulated replica: it dies at any step, stands still for a while, and takes its timers with it.
import type { Clock } from "@quadrille/outbox/ports";
import { type Bound, Steps } from "./endless.ts";

export const never = () => new Promise<never>(() => undefined);

export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly #world: Clock;
  readonly #steps: Steps;
  readonly #onDeath = new Set<() => void>();
  #isAlive = true;
  #stillUntilMs = 0;

  constructor(name: string, world: Clock, bound: Bound) {
    this.name = name;
    this.#world = world;
    this.#steps = new Steps(name, world, bound);
    this.clock = {
      now: () => world.now(),
      after: (ms, wake) => world.after(ms, () => this.#ring(wake)),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Milliseconds it will go on standing still. */
  get stillMs(): number {
    return Math.max(0, this.#stillUntilMs - this.#world.now());
  }

  standStill(ms: number): void {
    this.#stillUntilMs = Math.max(this.#stillUntilMs, this.#world.now() + ms);
  }

  goOn(): void {
    this.#stillUntilMs = 0;
  }

  die(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const hear of this.#onDeath) hear();
    this.#onDeath.clear();
  }

  /** Returns what stops listening. */
  onDeath(hear: () => void): () => void {
    this.#onDeath.add(hear);
    return () => {
      this.#onDeath.delete(hear);
    };
  }

  /** To be awaited before each step: at once while it runs, after the pause when it stands still, never when it is dead. */
  ready(): Promise<void> | undefined {
    if (!this.#isAlive || this.#steps.isTooMany()) return never();
    return this.stillMs > 0 ? this.#wakeUp() : undefined;
  }

  /** Milliseconds before a step that takes so many; for ever when it is one too many at this moment. */
  beforeStep(ms: number): number {
    return this.#steps.isTooMany() ? Number.POSITIVE_INFINITY : ms;
  }

  /** The same object, every call of which is a step of this process. */
  stepping<Calls extends object>(calls: Calls): Calls {
    const counted = Object.entries(calls).map(([name, call]: [string, (...args: never) => unknown]) => [
      name,
      (...args: never) => (this.#steps.isTooMany() ? never() : call(...args)),
    ]);
    return Object.fromEntries(counted) as Calls;
  }

  async #wakeUp(): Promise<void> {
    while (this.stillMs > 0) await new Promise<void>((resolve) => this.#world.after(this.stillMs, resolve));
    if (!this.#isAlive) await never();
  }

  #ring(wake: () => void): void {
    if (!this.#isAlive) return;
    if (this.stillMs > 0) this.#world.after(this.stillMs, () => this.#ring(wake));
    else wake();
  }
}
