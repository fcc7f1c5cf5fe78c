// Server-Sent Events as the body of an answer: heartbeats while nothing happens, and a bound for readers that do not read.
import { Readable } from "node:stream";
import { setInterval as beats, setTimeout as pause } from "node:timers/promises";

export interface StreamLimits {
  readonly heartbeatMs: number;
  /** What may wait for a slow reader; beyond it the stream is cut. */
  readonly bytesMost: number;
  /** How long the stream may last; then it ends as if its server had closed. */
  readonly lastsMs: number;
}

/** The longest a timer can be set to: 24 days. */
export const longestMs = 2 ** 31 - 1;

export interface ServerSentEvent {
  readonly event: string;
  readonly id?: number;
  readonly data: object;
}

/**
 * `body` goes into `reply.send`, so headers, hooks and a client that goes away are Fastify's as with any other answer.
 * (`@fastify/sse` is not used: its writes wait for ever when the connection closes under them, its heartbeats ignore a
 * reader that does not read, its 406 is no problem document, and closing the server ends no stream.)
 */
export interface EventStream {
  readonly body: Readable;
  /** Aborts when the stream is over, whoever ended it. */
  readonly signal: AbortSignal;
  /** Does nothing once the stream is over. */
  send(event: ServerSentEvent): void;
  /** What was sent before still arrives. */
  end(): void;
}

/** How long a client waits before it connects again. */
const retryMs = 2_000;

export function openEventStream({ heartbeatMs, bytesMost, lastsMs }: StreamLimits): EventStream {
  const over = new AbortController();
  const body = new Readable({ read() {} }); // What is written is there to be read at once.
  const { signal } = over;
  body.once("close", () => over.abort());

  async function keepAlive(): Promise<void> {
    try {
      for await (const _ of beats(heartbeatMs, undefined, { signal })) write(": still here\n\n");
    } catch (error) {
      if (!signal.aborted) throw error; // Being over is how it ends.
    }
  }

  function write(text: string): void {
    if (signal.aborted) return;
    body.push(text);
    if (body.readableLength <= bytesMost) return;
    over.abort();
    body.destroy();
  }

  function end(): void {
    if (signal.aborted) return;
    over.abort();
    body.push(null);
  }

  write(`retry: ${retryMs}\n\n`);
  void keepAlive();
  void pause(Math.min(lastsMs, longestMs), undefined, { signal }).then(end, () => {}); // Being over is how it fails.
  return {
    body,
    signal,
    send({ event, id, data }) {
      const idLine = id === undefined ? "" : `id: ${id}\n`;
      write(`${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    end,
  };
}
