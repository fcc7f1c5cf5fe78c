// Follows an order's changes over any number of connections: each change once and in order, from the last one seen.
// `EventSource` cannot send a token, so the stream is read with `fetch`.

import { pause, pauseMs } from "./pause.ts";
import type { Schemas } from "./schemas.ts";

export interface FollowParts {
  readonly orderId: string;
  /** The number of the last change seen; 0 for none. */
  readonly seen: number;
  readonly signal: AbortSignal;
  /** One connection to the events, from after the change with this number; throws `Problem` for a no. */
  readonly connect: (
    orderId: string,
    seen: number,
    signal: AbortSignal,
  ) => Promise<ReadableStream<Uint8Array>>;
  /** Whether asking again may help after this error. */
  readonly isTransient: (error: unknown) => boolean;
  readonly onChange: (change: Schemas["OrderChange"]) => void;
  /** Hears false when the connection is lost, and true when there is one again. */
  readonly onConnected: (isConnected: boolean) => void;
}

interface SentEvent {
  readonly event: string;
  readonly data: string;
}

/** The gateway says every 15 s that it is still there; a connection that is silent for longer is none. */
const silenceMsMost = 40_000;

/** Resolves when nothing more can change, or when the signal aborts; rejects when asking again cannot help. */
export async function follow({ orderId, signal, connect, ...parts }: FollowParts): Promise<void> {
  let last = parts.seen;
  for (let tries = 0; !signal.aborted; tries += 1) {
    using connection = { stop: new AbortController(), [Symbol.dispose]: () => connection.stop.abort() };
    try {
      const body = await connect(orderId, last, AbortSignal.any([signal, connection.stop.signal]));
      parts.onConnected(true);
      for await (const { event, data } of eventsOf(body, silenceMsMost)) {
        tries = 0;
        if (event === "end") return;
        if (event !== "change") continue;
        const change = JSON.parse(data) as Schemas["OrderChange"];
        if (change.number <= last) continue;
        last = change.number;
        parts.onChange(change);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!parts.isTransient(error)) throw error;
    }
    if (signal.aborted) return;
    parts.onConnected(false);
    await pause(pauseMs(tries), signal);
  }
}

/** The events of one connection, until it ends; one that falls silent ends as well. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<SentEvent, void, undefined> {
  const reader = body.getReader();
  const text = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const chunk = await Promise.race([reader.read(), pause(silenceMs)]);
      if (chunk === undefined || chunk.done) return;
      const blocks = (rest + text.decode(chunk.value, { stream: true })).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventIn(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // A connection that broke has nothing left to cancel.
  }
}

/** Undefined for a comment, which is how a heartbeat is written. */
function eventIn(block: string): SentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const data = fields.get("data");
  return data === undefined ? undefined : { event: fields.get("event") ?? "message", data };
}
