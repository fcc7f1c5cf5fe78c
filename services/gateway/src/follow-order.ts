// Follows an order on behalf of a reader, through restarts of the order service that the reader does not notice.
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { WatchOrderResponse } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { isTransientRefusal } from "@quadrille/contracts/refusals";
import { RpcError } from "@quadrille/rpc";
import type { EventStream } from "./event-stream.ts";
import type { Watches, Watching } from "./watches.ts";
import { toChange } from "./wire.ts";

export interface Following extends Pick<Watching, "token" | "traceparent"> {
  readonly orderId: string;
  /** The number of the last change the reader has seen. */
  readonly seen: number;
}

export interface FollowConfig {
  readonly watches: Watches;
  /** How long it is tried to reach the order service again before the reader is sent away to try elsewhere. */
  readonly giveUpMs: number;
  readonly log: FollowLog;
}

export interface FollowLog {
  warn(about: object, message: string): void;
}

const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** A connection that lasted so long is no reason to hesitate when it breaks. */
const steadyMs = 5_000;

/**
 * Sends each change after the last one seen, in order and once, then `end` when the watch has ended by itself. A
 * stream that ends without it is for the reader to take up again. Resolves when the stream is over and never rejects.
 */
export async function followOrder(
  stream: EventStream,
  { orderId, seen, ...caller }: Following,
  { watches, giveUpMs, log }: FollowConfig,
): Promise<void> {
  const { signal } = stream;
  let last = seen;
  let tries = 0;
  let failingSince: number | undefined;
  const onNews = ({ change, snapshot }: WatchOrderResponse) => {
    failingSince = undefined;
    if (change === undefined || change.number <= last) return;
    last = change.number;
    stream.send({
      event: "change",
      id: last,
      data: { ...toChange(change), ...(snapshot ? { snapshot } : {}) },
    });
  };
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      // From one before the last, which is told at once: an order service that is silent is known from one without news.
      const request = { orderId, afterChange: Math.max(last - 1, 0) };
      await watches.watch({ ...caller, request, signal, onNews });
      stream.send({ event: "end", data: { number: last } });
      return stream.end();
    } catch (error) {
      if (signal.aborted) return;
      const now = performance.now();
      failingSince ??= now;
      if (!isWorthTrying(error) || now - failingSince >= giveUpMs) {
        log.warn({ err: error, orderId, last }, "an order can be watched no longer");
        return stream.end();
      }
      if (now - startedAt >= steadyMs) tries = 0;
      await pause(pauseMs(tries), undefined, { signal }).catch(() => {}); // The loop looks at the signal itself.
      tries += 1;
    }
  }
}

/** Longer each time, and different for each reader: a service that comes back is not asked by all of them at once. */
function pauseMs(tries: number): number {
  const longest = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
  return randomInt(longest / 2, longest);
}

/** A broken connection has many names; an expired token or an order that is not there stays what it is. */
function isWorthTrying(error: unknown): boolean {
  return error instanceof RpcError || isTransientRefusal(error);
}
