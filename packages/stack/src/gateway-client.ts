// The gateway over HTTP in someone's name: each call with its answer, and a line that shows both.
import { Refusal, type Violation } from "@quadrille/decider";

export interface GatewayCaller {
  readonly url: string;
  /** Who calls. */
  readonly token: string;
  /** Takes a line for each call when its answer has come: `POST /v1/cart/lines {"productId":…} → 200`. */
  told(line: string): void;
}

export interface Call {
  readonly body?: object;
  /** The same for every repetition of a call, so that it is done once; one of its own when left out. */
  readonly key?: string;
  readonly msMax?: number;
}

export interface ServerSentEvent {
  readonly event: string;
  /** Names where to go on after it. */
  readonly id?: string | undefined;
  readonly data: string;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** The part of a problem document that programs read. */
interface Problem {
  readonly code: string;
  readonly violations?: readonly Violation[];
  readonly details?: Readonly<Record<string, string>>;
}

/** How long an answer may take unless the call says otherwise. */
const answerMsMax = 10_000;

/** Answers with what the gateway did. What it refuses is thrown as a `Refusal` with its code. */
export async function call<Answer>(
  caller: GatewayCaller,
  method: Method,
  path: string,
  { msMax = answerMsMax, ...sent }: Call = {},
): Promise<Answer> {
  const signal = AbortSignal.timeout(msMax);
  try {
    return (await (await ask(caller, method, path, { ...sent, signal })).json()) as Answer;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`the gateway has not answered ${method} ${path} after ${msMax} ms`, { cause: error });
  }
}

/**
 * The events of a stream as they come, those after the last one seen if there was one. It ends when the gateway ends it,
 * and fails when the signal aborts.
 */
export async function* events(
  caller: GatewayCaller,
  path: string,
  { signal, lastSeen }: { readonly signal: AbortSignal; readonly lastSeen?: string | undefined },
): AsyncGenerator<ServerSentEvent> {
  const headers = lastSeen === undefined ? undefined : { "last-event-id": lastSeen };
  const { body } = await ask(caller, "GET", path, { signal, headers });
  if (body === null) throw new Error(`${path} answered with no stream`);
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const whole = (text + chunk).split("\n\n");
    text = whole.pop() ?? "";
    for (const each of whole) {
      const event = parse(each);
      if (event !== undefined) yield event;
    }
  }
}

/** Undefined for a comment, which only says that the gateway is still there. */
function parse(text: string): ServerSentEvent | undefined {
  const fields = new Map(
    text.split("\n").map((line) => {
      const [name = "", ...value] = line.split(":");
      return [name, value.join(":").trimStart()];
    }),
  );
  const data = fields.get("data");
  return data === undefined
    ? undefined
    : { event: fields.get("event") ?? "message", id: fields.get("id"), data };
}

interface Sent extends Pick<Call, "body" | "key"> {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
}

async function ask(
  { url, token, told }: GatewayCaller,
  method: Method,
  path: string,
  { body, key, headers, signal }: Sent,
): Promise<Response> {
  const response = await fetch(`${url}${path}`, {
    method,
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(method !== "GET" && { "idempotency-key": key ?? crypto.randomUUID() }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((error: Error) => {
    throw signal.aborted
      ? error
      : new Error(`the gateway cannot be asked: ${reasonOf(error)}`, { cause: error });
  });
  const said = body === undefined ? "" : ` ${JSON.stringify(body, withoutSecrets)}`;
  if (response.ok) {
    told(`${method} ${path}${said} → ${response.status}`);
    return response;
  }
  const { code, violations = [], details = {} } = await problemOf(response);
  const faults = violations.map(({ field, description }) => ` ${field} ${description}`).join(",");
  told(`${method} ${path}${said} → ${response.status} ${code}${faults}`);
  throw new Refusal(code, { violations, details });
}

/** With the payment key alone money could be taken. */
function withoutSecrets(name: string, value: unknown): unknown {
  return name === "paymentKey" ? "…" : value;
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  if (response.headers.get("content-type")?.startsWith("application/problem+json"))
    return JSON.parse(text) as Problem;
  throw new Error(
    `${response.url} answered ${response.status} with no problem document: ${text.slice(0, 500)}`,
  );
}

/** What `fetch` says is that it failed; why stands in the cause. */
function reasonOf({ message, cause }: Error): string {
  const { message: why, code } = Object(cause) as { readonly message?: string; readonly code?: string };
  return why || code || message;
}
