// When a process ends: at a signal, when its parent is gone, or at once after a fault nobody caught.

import type { EventEmitter } from "node:events";

/** The part of a process that is needed here, so that a test can stand in for it. */
export interface Host extends Pick<EventEmitter, "on" | "once" | "off"> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Pick<EventEmitter, "once" | "off"> & { resume(): unknown; pause(): unknown };
  exit(code: number): void;
}

export interface ShutdownLog {
  info(about: object, message: string): void;
  error(about: object, message: string): void;
  fatal(about: object, message: string): void;
}

export interface UntilSignalled {
  readonly log?: ShutdownLog;
  /** Ends the wait as a signal would, for a process inside another. */
  readonly signal?: AbortSignal;
  /** How long closing may take after that before the process exits anyway, in ms. */
  readonly closeMsMax?: number;
  readonly host?: Host;
}

/** With this variable set to 1 the process ends when its standard input does: a child must not outlive its parent. */
export const parentPipeVariable = "QUADRILLE_PARENT_PIPE";

/**
 * Resolves with what ended the wait: SIGTERM, SIGINT, the parent's pipe or `signal`. What the caller then closes has
 * `closeMsMax` (10 s); after that, or at a second signal, the process exits with code 1.
 */
export async function untilSignalled(options: UntilSignalled = {}): Promise<string> {
  const { log, signal, closeMsMax = 10_000, host = process as Host } = options;
  const reason = await firstReason(host, signal);
  log?.info({ reason }, "closing");
  const insist = (again: string) => {
    log?.error({ reason: again, closeMsMax }, "closing took too long");
    host.exit(1);
  };
  host.once("SIGTERM", insist);
  host.once("SIGINT", insist);
  // A process whose resources are all closed ends by itself before this.
  setTimeout(() => insist("time"), closeMsMax).unref();
  return reason;
}

function firstReason(host: Host, signal: AbortSignal | undefined): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const onSignal = (name: string) => end(name);
  const onPipe = () => end("parent gone");
  const onAbort = () => end("aborted");
  const awake = setInterval(() => {}, 60_000); // Listening for a signal alone does not keep a process alive.
  const hasPipe = host.env[parentPipeVariable] === "1";
  function end(reason: string): void {
    clearInterval(awake);
    host.off("SIGTERM", onSignal).off("SIGINT", onSignal);
    host.stdin.off("end", onPipe).off("close", onPipe);
    if (hasPipe) host.stdin.pause(); // An open pipe would keep the process alive.
    signal?.removeEventListener("abort", onAbort);
    resolve(reason);
  }
  host.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  if (hasPipe) {
    host.stdin.once("end", onPipe).once("close", onPipe);
    host.stdin.resume();
  }
  if (signal?.aborted) end("aborted");
  else signal?.addEventListener("abort", onAbort);
  return promise;
}

/** A fault nobody caught leaves the process in a state nobody knows: it says so and ends, and its supervisor restarts it. */
export function exitOnFault(log: ShutdownLog, host: Host = process as Host): Disposable {
  const onFault = (error: unknown) => {
    log.fatal({ err: error }, "a fault nobody caught");
    host.exit(1);
  };
  host.on("uncaughtException", onFault);
  host.on("unhandledRejection", onFault);
  return {
    [Symbol.dispose]() {
      host.off("uncaughtException", onFault);
      host.off("unhandledRejection", onFault);
    },
  };
}
