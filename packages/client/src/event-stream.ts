// Server-Sent Events out of an answer's body, for programs that say who they are; an `EventSource` has no headers.
import { NoAnswer } from "./problem.ts";

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

export interface ReadOptions {
  /** Without a byte for so long, heartbeats included, the connection counts as broken. */
  readonly silentMsMost: number;
  /** Ends the reading, whatever became of the signal that the answer was asked for with. */
  readonly signal: AbortSignal;
  /** Hears how long the server wants to be left alone before it is connected to again. */
  onRetry(ms: number): void;
}

/** What no event comes near to, in UTF-16 units. */
const eventLengthMost = 1_000_000;

/** Ends where the stream ends. Rejects with `NoAnswer` when it breaks or falls silent; hangs up when it is left. */
export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { silentMsMost, signal, onRetry }: ReadOptions,
): AsyncGenerator<ServerSentEvent, void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // What cannot be cancelled broke before, which has been told.
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  let rest = "";
  try {
    for (;;) {
      const { done, value = "" } = await within(silentMsMost, reader.read());
      signal.throwIfAborted();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      if (rest.length > eventLengthMost) throw new NoAnswer("a stream of events holds none", {});
      for (const block of blocks) {
        const fields = fieldsOf(block);
        const [data, retry] = [fields.get("data"), fields.get("retry")];
        if (retry !== undefined && /^\d{1,9}$/.test(retry)) onRetry(Number(retry));
        if (data !== undefined) yield { event: fields.get("event") ?? "message", data };
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** The last line of each name, but for data, whose lines belong together. A line that begins with a colon is a comment. */
function fieldsOf(block: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ""] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === undefined) continue;
    const before = name === "data" ? fields.get(name) : undefined;
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  return fields;
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(`the stream was silent for ${ms} ms`, {})), ms);
  });
  try {
    return await Promise.race([promise, silence]);
  } catch (error) {
    throw error instanceof NoAnswer ? error : new NoAnswer("the stream broke off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
