// Leaves a target alone while it does not answer, and tries again with one call at a time.

import { isRefusalCode, type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import CircuitBreaker from "opossum";
import { RpcError } from "./status.ts";

export interface BreakerConfig {
  /** How long one call may take before its signal aborts and it counts as a failure, in ms. */
  readonly timeoutMs: number;
  /** What callers hear while the target does not answer, such as PRODUCT_UNAVAILABLE. */
  readonly refusal: RefusalCode;
  /** How long the breaker stays open before one call tests the target again, in ms. */
  readonly retestMs?: number;
  /** It opens when more than this share of calls failed, in percent … */
  readonly failuresPercentMax?: number;
  /** … among at least so many calls … */
  readonly callsMin?: number;
  /** … in a window this long, in ms. */
  readonly windowMs?: number;
  /** Failures besides those of gRPC, for a target that speaks another protocol. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Hears each failure that callers hear only as the refusal. */
  readonly onFailure?: (error: unknown) => void;
  readonly onChange?: (state: BreakerState) => void;
}

export type BreakerState = "closed" | "open" | "half-open";

export interface Breaker<Args extends unknown[], T> extends Disposable {
  readonly name: string;
  readonly state: BreakerState;
  /**
   * Runs the action. A failure (UNAVAILABLE, INTERNAL, UNKNOWN, our own timeout) becomes the configured refusal, as
   * does a call while the breaker is open. Everything else passes as it is and counts as an answer.
   */
  run(...args: Args): Promise<T>;
}

const failureCodes: ReadonlySet<string> = new Set(["UNAVAILABLE", "INTERNAL", "UNKNOWN"]);

class OwnTimeout extends Error {}

/** One per target, not per call: what it learns from one caller spares the others. */
export function breaker<Args extends unknown[], T>(
  name: string,
  action: (signal: AbortSignal, ...args: Args) => Promise<T>,
  config: BreakerConfig,
): Breaker<Args, T> {
  const isFailure = (error: unknown) => isOurFailure(error) || config.isFailure?.(error) === true;
  const circuit = new CircuitBreaker<Args, T>((...args: Args) => bounded(action, args, config.timeoutMs), {
    name,
    timeout: false, // It would free the caller and let the action go on; `bounded` ends both.
    resetTimeout: config.retestMs ?? 2_000,
    errorThresholdPercentage: config.failuresPercentMax ?? 50,
    volumeThreshold: config.callsMin ?? 10,
    rollingCountTimeout: config.windowMs ?? 10_000,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    errorFilter: (error) => !isFailure(error),
  });
  for (const change of ["open", "close", "halfOpen"] as const) {
    circuit.on(change as "open", () => config.onChange?.(stateOf(circuit)));
  }
  return {
    name,
    get state() {
      return stateOf(circuit);
    },
    async run(...args) {
      const isTest = circuit.pendingClose;
      try {
        return await circuit.fire(...args);
      } catch (error) {
        if (CircuitBreaker.isOurError(error as Error)) throw new Refusal(config.refusal);
        if (isFailure(error)) {
          config.onFailure?.(error);
          throw new Refusal(config.refusal);
        }
        if (isTest && error instanceof RpcError) circuit.open(); // A test that was called off proves nothing.
        throw error;
      }
    },
    [Symbol.dispose]: () => circuit.shutdown(),
  };
}

function stateOf(circuit: Pick<CircuitBreaker, "opened" | "halfOpen">): BreakerState {
  if (circuit.opened) return "open";
  return circuit.halfOpen ? "half-open" : "closed";
}

function isOurFailure(error: unknown): boolean {
  if (error instanceof OwnTimeout) return true;
  if (error instanceof RpcError) return failureCodes.has(error.code);
  if (error instanceof Refusal && isRefusalCode(error.code))
    return failureCodes.has(refusals[error.code].grpc);
  return false;
}

/** Ends the wait and, through the signal, the work. */
async function bounded<Args extends unknown[], T>(
  action: (signal: AbortSignal, ...args: Args) => Promise<T>,
  args: Args,
  timeoutMs: number,
): Promise<T> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timedOut = () => new OwnTimeout(`no answer within ${timeoutMs} ms`); // Its stack costs too much to be made for nothing.
  const timer = setTimeout(() => {
    const timeout = timedOut();
    reject(timeout);
    controller.abort(timeout);
  }, timeoutMs);
  const startedAt = Date.now();
  try {
    return await Promise.race([action(controller.signal, ...args), late]);
  } catch (error) {
    // The action's own deadline may be the same as ours and pass a moment sooner.
    const isLate = error instanceof RpcError && error.code === "DEADLINE_EXCEEDED";
    throw isLate && Date.now() - startedAt >= timeoutMs - 2 ? timedOut() : error;
  } finally {
    clearTimeout(timer);
  }
}
