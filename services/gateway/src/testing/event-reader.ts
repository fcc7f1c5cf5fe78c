// Reads Server-Sent Events as a browser does: what came, under which id, and how it ended; and comes again when it broke.
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface SeenEvent {
  readonly event: string;
  readonly id?: number;
  readonly data: { readonly number: number; readonly [name: string]: unknown };
}

export interface Reader {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly events: readonly SeenEvent[];
  /** Comments so far, which keep the connection alive. */
  readonly comments: number;
  readonly retryMs: number | undefined;
  /** Everything after the headers, for answers that are no stream. */
  readonly text: string;
  /** `ended` when the answer came to its end, `broken` when the connection did. */
  readonly over: Promise<"ended" | "broken">;
  /** Stops taking bytes from the connection. */
  stall(): void;
  resume(): void;
  /** Goes away, as a closed tab does. */
  close(): void;
}

export interface Asking {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hears each event as it comes. */
  onEvent?(event: SeenEvent): void;
}

/** A connection for each reader: none waits for another. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** Resolves with the headers. Fails when nobody answers. */
export async function openReader(
  url: string,
  { token, headers = {}, onEvent }: Asking = {},
): Promise<Reader> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { agent, headers: { accept: "text/event-stream", ...authorization, ...headers } })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });
  const seen = { events: [] as SeenEvent[], comments: 0, retryMs: undefined as number | undefined, text: "" };
  let rest = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    seen.text += text;
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = take(block, seen);
      if (event === undefined) continue;
      seen.events.push(event);
      onEvent?.(event);
    }
  });
  response.on("error", () => {}); // `over` tells it.
  const over = new Promise<"ended" | "broken">((resolve) => {
    response.on("close", () => resolve(response.complete ? "ended" : "broken"));
  });
  return Object.assign(seen, {
    status: response.statusCode ?? 0,
    headers: response.headers,
    over,
    stall: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  });
}

function take(block: string, seen: { comments: number; retryMs: number | undefined }): SeenEvent | undefined {
  if (block.startsWith(":")) {
    seen.comments += 1;
    return undefined;
  }
  const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s) as [string, string]));
  if (fields.has("retry")) seen.retryMs = Number(fields.get("retry"));
  const data = fields.get("data");
  if (data === undefined) return undefined;
  const id = fields.has("id") ? { id: Number(fields.get("id")) } : {};
  return { event: fields.get("event") ?? "message", ...id, data: JSON.parse(data) };
}

export interface Followed {
  readonly changes: readonly SeenEvent[];
  /** Streams it took. */
  readonly connections: number;
}

/**
 * Stays until `end`, coming again with the last id whenever a connection ends without it or nobody answers, each time
 * at the next of the addresses. Fails after `msMax`, and at an answer that is no stream unless it is a 503.
 */
export async function follow(urls: readonly string[], asking: Asking, msMax: number): Promise<Followed> {
  const changes: SeenEvent[] = [];
  const giveUpAt = Date.now() + msMax;
  let connections = 0;
  for (let tries = 0; ; tries += 1) {
    const last = changes.at(-1)?.id;
    const resumed = last === undefined ? {} : { "last-event-id": `${last}` };
    const url = urls[tries % urls.length] as string;
    const reader = await openReader(url, { ...asking, headers: { ...asking.headers, ...resumed } }).catch(
      () => undefined,
    );
    if (reader !== undefined && reader.status !== 200 && reader.status !== 503) {
      await reader.over;
      throw new Error(`${url} answered ${reader.status}: ${reader.text}`);
    }
    if (reader?.status === 200) connections += 1;
    const tooLate = setTimeout(() => reader?.close(), giveUpAt - Date.now());
    await reader?.over;
    clearTimeout(tooLate);
    const events = reader?.events ?? [];
    changes.push(...events.filter(({ event }) => event === "change"));
    if (events.at(-1)?.event === "end") return { changes, connections };
    if (Date.now() >= giveUpAt)
      throw new Error(`${url} came to no end in ${msMax} ms, after ${changes.length} changes`);
    await pause(Math.min(reader?.retryMs ?? 500, 500)); // Tests are in more of a hurry than people.
  }
}
