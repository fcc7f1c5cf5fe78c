// Hangs up calls one after the other: a gRPC server takes many that are reset at once for an attack.
import { setTimeout as pause } from "node:timers/promises";

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
  const closing = new AbortController();
  const { signal } = closing;
  let isWorking = false;

  async function work(): Promise<void> {
    isWorking = true;
    for (const call of waiting) {
      waiting.delete(call);
      call.abort();
      // Even after the last: another may come the moment after, and is the next of this loop then.
      await pause(1_000 / perSecondMax, undefined, { signal }).catch(() => {});
    }
    isWorking = false;
  }

  return {
    get waiting() {
      return waiting.size;
    },
    add(call) {
      waiting.add(call);
      if (!isWorking) void work();
    },
    delete: (call) => void waiting.delete(call),
    [Symbol.dispose]() {
      closing.abort();
      for (const call of waiting) call.abort();
      waiting.clear();
    },
  };
}
