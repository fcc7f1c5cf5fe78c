// A call ends when whoever it was made for is gone, but not so many at once that a server takes it for an attack.
import type { ServerResponse } from "node:http";

export interface DeparturesConfig {
  /** A Node server bears about 33 resets a second on a connection; beyond that it closes it, with every other call on it. */
  readonly perSecondMax: number;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

export interface Departures {
  /** Aborts when the response's connection is gone before it was answered, if there is room for one more hang-up. */
  signalOf(response: ServerResponse): AbortSignal;
}

/**
 * What finds no room is not hung up later: an ordinary call ends at its deadline by itself, and its answer goes
 * nowhere. So whoever opens and drops requests in a flood harms nobody else's, and nothing piles up here.
 */
export function openDepartures({ perSecondMax, nowMs }: DeparturesConfig): Departures {
  let left = perSecondMax;
  let countedAtMs = nowMs();
  const take = (): boolean => {
    const now = nowMs();
    left = Math.min(perSecondMax, left + ((now - countedAtMs) * perSecondMax) / 1_000);
    countedAtMs = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
  return {
    signalOf(response) {
      const controller = new AbortController();
      response.once("close", () => {
        if (!response.writableFinished && take()) controller.abort();
      });
      return controller.signal;
    },
  };
}
