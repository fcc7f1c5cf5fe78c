// Moments, as far as an order reckons with them.
import type { Instant } from "@quadrille/decider";

export function later(moment: Instant, seconds: number): Instant {
  return new Date(moment.getTime() + seconds * 1000);
}

export function earliest(one: Instant | undefined, other: Instant): Instant {
  return one !== undefined && one < other ? one : other;
}
