// How long to leave a thing alone before it is tried again: doubling, capped, half of it chance.
import type { Random } from "./ports.ts";

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Milliseconds before the next try, after `tries` of them failed. */
export function backoffMs(tries: number, { firstMs, mostMs }: Backoff, random: Random): number {
  // The exponent is bounded because a fact may be tried for days.
  const doubled = Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(tries - 1, 0), 30));
  // What failed together must not come back together.
  return Math.ceil(doubled / 2 + (random() * doubled) / 2);
}
