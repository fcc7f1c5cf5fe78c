// What the bus needs of the process it runs in: a clock it can be woken by, a die, a place for sentences.

export interface Clock {
  /** Milliseconds; only differences and the ids of unreadable messages are made from it. */
  now(): number;
  /** Calls back once after that many milliseconds, unless the function it returns is called before. */
  after(ms: number, wake: () => void): () => void;
}

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

export interface BusLog {
  debug(about: object, sentence: string): void;
  info(about: object, sentence: string): void;
  warn(about: object, sentence: string): void;
  error(about: object, sentence: string): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};
