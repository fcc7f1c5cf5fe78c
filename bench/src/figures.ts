// What a list of latencies and a few counters say, in the figures people ask for.

/** What one load did while it was measured. */
export interface Measured {
  /** Completed checkouts. */
  readonly count: number;
  readonly seconds: number;
  /** Of each completed checkout, in ms. */
  readonly latencies: readonly number[];
  /** Requests made again because the answer was that they may be. */
  readonly repeats: number;
}

export interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** CPU seconds per 1,000 checkouts, by process. */
  readonly cpu: ReadonlyMap<string, number>;
}

/** The nearest-rank percentile, `share` in 0..1; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** `cpu` is what each process used while this was measured, in seconds. */
export function figuresOf(measured: Measured, cpu: ReadonlyMap<string, number>): Figures {
  const { count, seconds, latencies } = measured;
  return {
    perSecond: count / seconds,
    p50: percentile(latencies, 0.5),
    p90: percentile(latencies, 0.9),
    p99: percentile(latencies, 0.99),
    cpu: new Map([...cpu].map(([process, used]) => [process, (used / count) * 1_000])),
  };
}

/** What each process used between two looks; one that was not there at the first began at zero. */
export function difference(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));
}
