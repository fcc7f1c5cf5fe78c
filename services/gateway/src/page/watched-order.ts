// An order as the page knows it: what was looked up and what its events have told since, whichever is newer.

import type { Schemas } from "@quadrille/client";
import { answerOf, watchOrder as eventsOf, GET, signedOutBy } from "./api.ts";

type Order = Schemas["Order"];
type Change = Schemas["OrderChange"];

export interface WatchedOrder {
  /** Undefined before it was looked up for the first time. */
  readonly now: Order | undefined;
  /** Looks it up. */
  refresh(): Promise<void>;
  /** Takes what an answer said, unless something newer is known. */
  absorb(fresh: Order): void;
  /** Follows its events until nothing more can change; does nothing while that is done already. */
  follow(onConnected: (isConnected: boolean) => void): Promise<void>;
}

const lastNumber = (order: Order | undefined): number => order?.history.at(-1)?.number ?? 0;

/** `onNews` hears of every change, and of the order without one when it was looked up. */
export function watchOrder(
  orderId: string,
  signal: AbortSignal,
  onNews: (order: Order, change?: Change) => void,
): WatchedOrder {
  let now: Order | undefined;
  let isFollowed = false;
  const absorb = (fresh: Order): void => {
    if (now === undefined || lastNumber(fresh) >= lastNumber(now)) now = fresh;
    onNews(now);
  };
  const refresh = async (): Promise<void> =>
    absorb(await answerOf(GET("/v1/orders/{orderId}", { params: { path: { orderId } }, signal })));
  const onChange = (change: Change): void => {
    if (now === undefined || change.number <= lastNumber(now)) return;
    const { status, reason } = change;
    now = { ...now, status, ...(reason !== undefined && { reason }), history: [...now.history, change] };
    onNews(now, change);
    // The change does not say until when it may be paid; without that the page only says less.
    if (change.step === "PAYABLE") void refresh().catch(() => {});
  };
  return {
    get now() {
      return now;
    },
    refresh,
    absorb,
    async follow(onConnected) {
      if (isFollowed) return;
      isFollowed = true;
      try {
        const after = lastNumber(now);
        // A buyer who looks at the page waits for as long as it takes.
        const options = { after, signal, onConnected, giveUpMs: Number.POSITIVE_INFINITY };
        for await (const change of eventsOf(orderId, options)) onChange(change);
        await refresh(); // Only a look at it says that it is settled.
      } catch (error) {
        throw signedOutBy(error);
      } finally {
        isFollowed = false;
      }
    },
  };
}
