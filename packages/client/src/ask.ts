// Asks the gateway, again when that may help: each repetition is the same request under the same key, so it is done once.
import { pause } from "./pause.ts";
import { faultIn, isTransient, NoAnswer, type Problem } from "./problem.ts";

export interface AskConfig {
  /** In whose name; a function is asked before every try, so that a token may be renewed. */
  readonly token: string | (() => string | Promise<string>);
  readonly fetch?: typeof globalThis.fetch;
  /** How often one request is tried in all: 4 unless told, 1 for once. */
  readonly triesMost?: number;
  /** The longest pause before another try; what the gateway wants to wait longer for is not tried again. 5 s unless told. */
  readonly waitMsMost?: number;
  /** How long each answer may take: 20 s unless told. */
  readonly answerMsMost?: number;
}

export interface Asker {
  /** Resolves with an answer that is `ok`, and whole. Rejects with a `Problem`, `NoAnswer`, or the signal's reason. */
  ask(request: Request): Promise<Response>;
  /** The same once, and as soon as the answer begins; the signal ends the rest of it. */
  connect(request: Request, signal: AbortSignal): Promise<Response>;
}

const keyName = "Idempotency-Key";
/** Before the second try; twice as long before each further one, unless the gateway says otherwise. */
const firstPauseMs = 200;

export function openAsker(config: AskConfig): Asker {
  const {
    token,
    fetch = globalThis.fetch,
    triesMost = 4,
    waitMsMost = 5_000,
    answerMsMost = 20_000,
  } = config;

  async function answerTo(
    request: Request,
    signal: AbortSignal,
    read: (response: Response) => Promise<Response>,
  ): Promise<Response | Problem | NoAnswer> {
    const tried = request.clone(); // A body can be sent but once.
    tried.headers.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`no answer in ${answerMsMost} ms`)), answerMsMost);
    try {
      const response = await fetch(tried, { signal: AbortSignal.any([signal, late.signal]) });
      return response.ok ? await read(response) : faultIn(response, await response.text());
    } catch (error) {
      signal.throwIfAborted();
      const reason = late.signal.aborted ? late.signal.reason : error;
      const message = `${request.method} ${request.url}: ${reasonOf(reason as Error)}`;
      return new NoAnswer(message, { cause: reason });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async ask(request) {
      if (request.method !== "GET" && !request.headers.has(keyName))
        request.headers.set(keyName, crypto.randomUUID());
      for (let tries = 1; ; tries += 1) {
        const answer = await answerTo(request, request.signal, whole);
        if (answer instanceof Response) return answer;
        const waitMs = answer.retryAfterMs ?? firstPauseMs * 2 ** (tries - 1);
        if (tries >= triesMost || !isTransient(answer) || waitMs > waitMsMost) throw answer;
        await pause(waitMs, request.signal);
      }
    },
    async connect(request, signal) {
      const answer = await answerTo(request, signal, async (response) => response);
      if (answer instanceof Response) return answer;
      throw answer;
    },
  };
}

/** An answer that breaks off is none, and can be asked for again. */
async function whole(response: Response): Promise<Response> {
  const { status, headers } = response;
  const text = await response.text();
  return new Response(text === "" ? null : text, { status, headers });
}

/** What `fetch` says is that it failed; outside of browsers the cause says why. */
function reasonOf({ message, cause }: Error): string {
  const { message: why, code } = Object(cause) as { readonly message?: string; readonly code?: string };
  return why || code || message;
}
