// A reason to end that comes from inside: the process closes in order and exits with 1, so that its supervisor sees it.
import type { ShutdownLog } from "./shutdown.ts";

export interface Stop {
  /** Give it to `untilSignalled`. */
  readonly signal: AbortSignal;
  /** The first reason counts; it is logged as fatal. */
  now(error: unknown): void;
}

export function openStop(log: ShutdownLog): Stop {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    now(error) {
      if (controller.signal.aborted) return;
      log.fatal({ err: error }, "this process cannot go on");
      process.exitCode = 1;
      controller.abort(error);
    },
  };
}
