// Waiting that ends when nobody waits any more.

/** Up to a quarter longer each time, so that those who were turned away together do not come back together. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      },
      ms * (1 + Math.random() / 4),
    );
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
