// toss-wire.ts: one request to Toss Payments and what came back, or why nothing did.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

export type Reply =
  | { readonly kind: "reply"; readonly status: number; readonly body: string }
  /** No answer that can be read. Whether the request was carried out is not known. */
  | { readonly kind: "failed"; readonly why: string };

export interface WireRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  readonly idempotencyKey?: string;
  /** Ten times the largest documented payment unless told otherwise; a longer answer is cut off. */
  readonly answerBytesMax?: number;
}

export interface Wire extends AsyncDisposable {
  /** How many requests wait for their answer. */
  readonly pending: number;
  /** Never rejects. */
  exchange(request: WireRequest): Promise<Reply>;
}

export interface WireConfig {
  readonly baseUrl: string;
  /** `test_…` or `live_…`; a live key travels only over TLS. */
  readonly secretKey: string;
  /** How long one request may take, waiting for a connection included; then its socket is cut. */
  readonly timeoutMs: number;
  /** More requests than this wait for a connection. */
  readonly connectionsMost: number;
}

const ANSWER_BYTES_MAX = 65_536;
const IDLE_MS_MAX = 4_000; // Shorter than any server's, so that none closes a connection we are about to use.
const CLOSE_MS_MAX = 3_000;

/** @throws Error if the configuration is wrong; its message has no secret */
export function openWire(config: WireConfig): Wire {
  const url = checkedUrl(config);
  const isTls = url.protocol === "https:";
  const limits = {
    keepAlive: true,
    maxSockets: config.connectionsMost,
    maxFreeSockets: config.connectionsMost,
    timeout: IDLE_MS_MAX,
  };
  const agent = isTls ? new HttpsAgent(limits) : new HttpAgent(limits);
  const send = isTls ? httpsRequest : httpRequest;
  const prefix = url.pathname.replace(/\/$/, "");
  const authorization = `Basic ${Buffer.from(`${config.secretKey}:`).toString("base64")}`;
  const pending = new Set<Promise<Reply>>();
  let isClosed = false;

  function start(asked: WireRequest): Promise<Reply> {
    const { method, path, body, idempotencyKey, answerBytesMax = ANSWER_BYTES_MAX } = asked;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const request = send({
      agent,
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      method,
      path: prefix + path,
      headers: {
        authorization,
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
    });
    const end = (reply: Reply) => {
      clearTimeout(timer);
      resolve(reply);
    };
    const cut = (why: string) => {
      end({ kind: "failed", why });
      request.destroy();
    };
    const timer = setTimeout(cut, config.timeoutMs, "TIMEOUT");
    request.on("error", (error) => end({ kind: "failed", why: codeOf(error) }));
    request.on("response", (response) => read(response, answerBytesMax, end, cut));
    request.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  return {
    get pending() {
      return pending.size;
    },
    async exchange(request) {
      if (isClosed) return { kind: "failed", why: "CLOSED" };
      const reply = startSafely(start, request);
      pending.add(reply);
      try {
        return await reply;
      } finally {
        pending.delete(reply);
      }
    },
    /** Answers that are on their way are waited for, but not for long: what is cut is asked about later. */
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const waited = new AbortController();
      const limit = sleep(CLOSE_MS_MAX, undefined, { signal: waited.signal }).catch(() => undefined);
      await Promise.race([Promise.all(pending), limit]);
      waited.abort();
      agent.destroy();
    },
  };
}

/** A request that cannot even be written, such as one with a line break in its key, is never sent. */
async function startSafely(start: (request: WireRequest) => Promise<Reply>, request: WireRequest) {
  try {
    return await start(request);
  } catch {
    return { kind: "failed", why: "NOT_SENT" } as const; // The error would quote the header.
  }
}

function read(
  response: IncomingMessage,
  bytesMax: number,
  end: (reply: Reply) => void,
  cut: (why: string) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > bytesMax) cut("BODY_TOO_LARGE");
    else chunks.push(chunk);
  });
  response.on("error", (error) => end({ kind: "failed", why: codeOf(error) }));
  response.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    end({ kind: "reply", status: response.statusCode ?? 0, body });
  });
}

/** Only the system's code, such as ECONNRESET: a message may quote what was sent. */
function codeOf(error: NodeJS.ErrnoException): string {
  return error.code !== undefined && /^[A-Z][A-Z0-9_]{1,40}$/.test(error.code) ? error.code : "CONNECTION";
}

function checkedUrl({ baseUrl, secretKey, timeoutMs, connectionsMost }: WireConfig): URL {
  const url = URL.parse(baseUrl);
  const faults: string[] = [];
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    faults.push("its address is an http or https URL without user or query");
  }
  if (!/^(test|live)_[\w-]{4,200}$/.test(secretKey)) faults.push("its secret key is test_… or live_…");
  if (secretKey.startsWith("live_") && url?.protocol !== "https:") faults.push("a live key needs https");
  if (!(timeoutMs >= 1 && connectionsMost >= 1)) faults.push("timeout and connections are at least 1");
  if (url === null || faults.length > 0) throw new Error(`Toss Payments: ${faults.join("; ")}`);
  return url;
}
