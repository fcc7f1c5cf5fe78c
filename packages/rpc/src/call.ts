// One call at work: its deadline, its end, and a signal that is only made when a handler asks for it.

import type { ServerSurfaceCall } from "@grpc/grpc-js/build/src/server-call.js";
import { Refusal } from "@quadrille/decider";
import type { Caller } from "./auth.ts";
import type { Call } from "./service.ts";
import { RpcError } from "./status.ts";

export interface DeadlineLimits {
  readonly defaultMs: number;
  readonly maxMs: number;
}

/** Timers may fire this much before the clock says so. */
const timerSlackMs = 2;

/**
 * grpc-js keeps the caller's own deadline. A timer of ours runs only when the caller brought none or one too late.
 * However the call ends, it ends once: `over` turns true and what the handler still says is dropped.
 */
export class OpenCall implements Call {
  readonly requestBytes: Buffer;
  readonly #surface: ServerSurfaceCall;
  readonly #onDeadline: () => void;
  readonly #deadlineMs: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #caller: Caller | undefined;
  #controller: AbortController | undefined;
  #over = false;

  constructor(
    surface: ServerSurfaceCall & { request: Buffer },
    { defaultMs, maxMs }: DeadlineLimits,
    onDeadline: () => void,
  ) {
    this.#surface = surface;
    this.requestBytes = surface.request;
    this.#onDeadline = onDeadline;
    const now = Date.now();
    const asked = Number(surface.getDeadline());
    const limit = asked === Number.POSITIVE_INFINITY ? now + defaultMs : now + maxMs;
    this.#deadlineMs = Math.min(asked, limit);
    if (asked > limit) {
      this.#timer = setTimeout(() => this.#expire(), limit - now);
      surface.once("cancelled", () => clearTimeout(this.#timer));
    }
  }

  /** The caller hung up, grpc-js saw the deadline pass, the server cut the call off, or it was answered. */
  get over(): boolean {
    return this.#over || this.#surface.cancelled;
  }

  get caller(): Caller {
    if (this.#caller === undefined) throw new Error("a call has no caller before its token is verified");
    return this.#caller;
  }

  set caller(caller: Caller) {
    this.#caller = caller;
  }

  get deadline(): Date {
    return new Date(this.#deadlineMs);
  }

  get traceparent(): string | undefined {
    return this.#surface.metadata.get("traceparent")[0]?.toString();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.over) controller.abort(this.#reason());
      else this.#surface.once("cancelled", () => controller.abort(this.#reason()));
    }
    return this.#controller.signal;
  }

  /** Takes the call's one ending; false when it has ended before. */
  end(): boolean {
    clearTimeout(this.#timer);
    if (this.over) return false;
    this.#over = true;
    return true;
  }

  #expire(): void {
    if (!this.end()) return;
    this.#onDeadline();
    this.#controller?.abort(this.#reason());
  }

  #reason(): Error {
    if (Date.now() >= this.#deadlineMs - timerSlackMs) return new Refusal("DEADLINE_EXCEEDED");
    return new RpcError("CANCELLED", "the call has ended");
  }
}
