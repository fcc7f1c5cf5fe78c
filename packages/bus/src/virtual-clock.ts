// A clock that stands still until it is moved: time in tests and simulations, the same in every run.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "./ports.ts";

/** After so many alarms in a row the process looks at its timers and sockets, or a run without end could not be ended. */
const ringsInARowMost = 1_000;

/**
 * Lets every promise that can settle do so: what comes with `nextTick` comes when no microtask is left, and costs far
 * less than a turn of the event loop.
 */
const settled = () => new Promise<void>((resolve) => queueMicrotask(() => process.nextTick(resolve)));

interface Alarm {
  readonly at: number;
  /** Alarms of the same moment ring in the order they were set. */
  readonly order: number;
  wake: (() => void) | undefined;
}

const before = (a: Alarm, b: Alarm) => a.at < b.at || (a.at === b.at && a.order < b.order);

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #rings = 0;
  #pending = 0;
  /** A binary heap with the next alarm on top. */
  readonly #alarms: Alarm[] = [];

  /** Before each alarm that rings; what it throws goes to whoever moves the clock. */
  readonly #onRing: () => void;

  constructor(startMs = 0, onRing: () => void = () => undefined) {
    this.#now = startMs;
    this.#onRing = onRing;
  }

  now(): number {
    return this.#now;
  }

  /** Alarms that are set and not called off. */
  get pending(): number {
    return this.#pending;
  }

  after(ms: number, wake: () => void): () => void {
    this.#order += 1;
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), order: this.#order, wake };
    this.#push(alarm);
    this.#pending += 1;
    return () => {
      if (alarm.wake === undefined) return;
      alarm.wake = undefined;
      this.#pending -= 1;
    };
  }

  /** Moves on by that many milliseconds, ringing what is due on the way and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    while (this.#alarms[0] !== undefined && this.#alarms[0].at <= until) await this.#ring();
    this.#now = until;
  }

  /** Moves on, alarm by alarm, until the condition holds. Throws when it does not within that many milliseconds. */
  async until(holds: () => boolean, withinMs: number): Promise<void> {
    const deadline = this.#now + withinMs;
    await settled();
    while (!holds()) {
      const next = this.#alarms[0];
      if (next === undefined || next.at > deadline)
        throw new Error(`not within ${withinMs} ms of virtual time`);
      await this.#ring();
    }
  }

  async #ring(): Promise<void> {
    const alarm = this.#pop();
    this.#now = Math.max(this.#now, alarm.at);
    const { wake } = alarm;
    if (wake === undefined) return;
    this.#onRing();
    alarm.wake = undefined;
    this.#pending -= 1;
    wake();
    this.#rings += 1;
    if (this.#rings % ringsInARowMost === 0) await setImmediate();
    await settled(); // Every promise that follows from it, before the next alarm rings.
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms;
    let at = heap.push(alarm) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(alarm, heap[parent] as Alarm)) break;
      heap[at] = heap[parent] as Alarm;
      at = parent;
    }
    heap[at] = alarm;
  }

  #pop(): Alarm {
    const heap = this.#alarms;
    const top = heap[0] as Alarm;
    const moved = heap.pop() as Alarm;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Alarm, heap[child] as Alarm)) child += 1;
      if (!before(heap[child] as Alarm, moved)) break;
      heap[at] = heap[child] as Alarm;
      at = child;
    }
    heap[at] = moved;
    return top;
  }
}
