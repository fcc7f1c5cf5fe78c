// The end of a run that has none: whoever does too much in it is stopped, and the seed fails with that.
//
// Two bounds, because there are two ways to go round in circles. With alarms, the clock has its turn after each and can
// count them. Without any, one step follows from another at one moment and the clock never has its turn again; so the
// steps by which a replica reaches its database or its broker are counted where they are made.
import type { Clock } from "@quadrille/outbox/ports";

/** A run that rings more often goes round in circles. */
export const alarmsMost = 200_000;
/** So does a replica that does more than that at one moment. */
export const stepsMost = 20_000;

export class Endless extends Error {
  override readonly name = "Endless";
}

/** The alarms of a run; what ends it is kept here. */
export class Bound {
  #alarms = 0;
  #found: Endless | undefined;

  /** Called at each alarm; throws when it was one too many, or somebody was stopped since the last. */
  readonly onRing = (): void => {
    this.#alarms += 1;
    if (this.#alarms > alarmsMost) this.found(`there is always another alarm, after ${alarmsMost} too`);
    if (this.#found !== undefined) throw this.#found;
  };

  found(what: string): void {
    this.#found ??= new Endless(what);
  }

  /** Why the run had to be ended, if it had to be. */
  get reason(): Endless | undefined {
    return this.#found;
  }
}

/** The steps of one replica. */
export class Steps {
  readonly #about: string;
  readonly #clock: Clock;
  readonly #bound: Bound;
  #atMs = Number.NaN;
  #steps = 0;

  constructor(about: string, clock: Clock, bound: Bound) {
    this.#about = about;
    this.#clock = clock;
    this.#bound = bound;
  }

  /** True from the one on that is too many: whoever makes it must not come back from it. */
  isTooMany(): boolean {
    const nowMs = this.#clock.now();
    if (nowMs !== this.#atMs) {
      this.#atMs = nowMs;
      this.#steps = 0;
    }
    this.#steps += 1;
    if (this.#steps <= stepsMost) return false;
    this.#bound.found(`${this.#about} makes more than ${stepsMost} steps at one moment`);
    return true;
  }
}
