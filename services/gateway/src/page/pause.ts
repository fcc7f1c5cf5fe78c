// Waiting, in a way that whoever stops waiting can end.

/** Resolves after the time, or at once when the signal aborts; the caller looks at the signal itself. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const time = AbortSignal.timeout(ms);
  const over = signal === undefined ? time : AbortSignal.any([time, signal]);
  return new Promise((resolve) => {
    if (over.aborted) resolve();
    else over.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Longer each time, and different for each browser: a shop that comes back is not asked by all of them at once. */
export function pauseMs(tries: number, { firstMs = 500, longestMs = 15_000 } = {}): number {
  const [die = 0] = crypto.getRandomValues(new Uint8Array(1));
  return Math.min(firstMs * 2 ** tries, longestMs) * (0.75 + die / 512);
}
