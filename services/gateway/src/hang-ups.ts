// Hangs up calls one after the other: a gRPC server takes many that are reset at once for an attack.

/**
 * Node's HTTP/2 server allows a connection a burst of 1,000 resets and about 33 a second after that; beyond it the
 * connection is closed, and every other call on it fails. So each connection has a queue of its own.
 */
export interface HangUps extends Disposable {
  /** Calls whose turn has not come. */
  readonly waiting: number;
  /** Aborts the call when its turn comes. */
  add(call: AbortController): void;
  /** For a call that ended by itself meanwhile. */
  delete(call: AbortController): void;
}

/** Hangs up the first call at once and no two closer together than that. Disposing hangs up all that wait. */
export function openHangUps({ perSecondMax }: { readonly perSecondMax: number }): HangUps {
  const waiting = new Set<AbortController>();
  let timer: NodeJS.Timeout | undefined;

  function next(): void {
    timer = undefined;
    const [call] = waiting;
    if (call === undefined) return;
    waiting.delete(call);
    timer = setTimeout(next, 1_000 / perSecondMax); // Even when it was the last: another may come the moment after.
    call.abort();
  }

  return {
    get waiting() {
      return waiting.size;
    },
    add(call) {
      waiting.add(call);
      if (timer === undefined) next();
    },
    delete: (call) => void waiting.delete(call),
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const call of waiting) call.abort();
      waiting.clear();
    },
  };
}
