// An order's changes as one sequence, however often the connection that tells them breaks.
import type { Asker } from "./ask.ts";
import { readEvents } from "./event-stream.ts";
import type { components } from "./gen/api.ts";
import { pause } from "./pause.ts";
import { isTransient, NoAnswer, Problem } from "./problem.ts";

export type OrderNews = components["schemas"]["OrderChange"] & {
  /** Older changes are no longer kept, and this one sums them up. */
  readonly snapshot?: true;
};

export interface WatchOptions {
  /** The number of the last change that was seen; everything unless told. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** How long the gateway may be out of reach: 5 min unless told. */
  readonly giveUpMs?: number;
  /** How long a connection may be silent: 45 s unless told, three heartbeats of the gateway. */
  readonly silentMsMost?: number;
  /** Hears true when there is a connection, and false when it is lost. */
  readonly onConnected?: (isConnected: boolean) => void;
}

export async function* watchOrder(
  asker: Asker,
  baseUrl: string,
  orderId: string,
  options: WatchOptions = {},
): AsyncGenerator<OrderNews, void> {
  const {
    after = 0,
    signal = new AbortController().signal,
    giveUpMs = 300_000,
    silentMsMost = 45_000,
    onConnected = () => {},
  } = options;
  const url = `${baseUrl.replace(/\/$/, "")}/v1/orders/${encodeURIComponent(orderId)}/events`;
  let last = after;
  let retryMs = 2_000;
  let failingSince: number | undefined;
  const onRetry = (ms: number) => {
    retryMs = ms;
  };
  for (;;) {
    let waitMs: number | undefined;
    try {
      const { body } = await asker.connect(eventsAfter(url, last), signal);
      failingSince = undefined;
      onConnected(true);
      if (body === null) throw new NoAnswer(`${url} answered with no stream`, {});
      for await (const { event, data } of readEvents(body, { silentMsMost, signal, onRetry })) {
        if (event === "end") return;
        if (event !== "change") continue;
        const news = JSON.parse(data) as OrderNews;
        if (news.number <= last) continue;
        last = news.number;
        yield news;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!((error instanceof Problem || error instanceof NoAnswer) && isTransient(error))) throw error;
      const now = performance.now();
      failingSince ??= now;
      if (now - failingSince >= giveUpMs) throw error;
      waitMs = error.retryAfterMs;
    }
    onConnected(false);
    await pause(waitMs ?? retryMs, signal);
  }
}

function eventsAfter(url: string, last: number): Request {
  const headers = { accept: "text/event-stream", "last-event-id": `${last}` };
  return new Request(url, { headers, cache: "no-store" });
}
