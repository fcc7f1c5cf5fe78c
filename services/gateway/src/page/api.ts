// The gateway's API, asked in the name of whoever is signed in here; every no becomes a `Problem`.
import type { paths } from "@quadrille/client/gen/api";
import createClient from "openapi-fetch";
import { forget, remembered } from "./memory.ts";
import type { Schemas } from "./schemas.ts";

/** A no of the API (RFC 9457), or no answer at all. */
export class Problem extends Error {
  readonly code: string;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  /** When it may go better, in ms; undefined where nothing was said. */
  readonly retryAfterMs: number | undefined;
  readonly status: number;

  constructor({ title, code, status, violations = [] }: Partial<Schemas["Problem"]>, retryAfterMs?: number) {
    super(title ?? "Something went wrong.");
    this.code = code ?? "UNREADABLE";
    this.status = status ?? 0;
    this.violations = violations;
    this.retryAfterMs = retryAfterMs;
  }
}

const unreachable = { title: "The shop cannot be reached; try again shortly.", code: "UNREACHABLE" };

const client = createClient<paths>({ baseUrl: location.origin });
client.use({
  onRequest({ request }) {
    request.headers.set("authorization", `Bearer ${remembered("token") ?? ""}`);
  },
});
export const { GET, POST, PATCH, DELETE } = client;

interface Answered<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** What was answered; throws `Problem` for a no, and for no answer. */
export async function answerOf<Data>(asked: Promise<Answered<Data>>): Promise<Exclude<Data, undefined>> {
  const { data, error, response } = await asked.catch(notReached);
  if (!response.ok) throw toProblem(response, error);
  return data as Exclude<Data, undefined>;
}

/** One connection to an order's events, from after the change with this number. */
export async function connectToEvents(
  orderId: string,
  seen: number,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers = {
    accept: "text/event-stream",
    authorization: `Bearer ${remembered("token") ?? ""}`,
    "last-event-id": `${seen}`,
  };
  const path = `/v1/orders/${encodeURIComponent(orderId)}/events`;
  const response = await fetch(path, { headers, signal, cache: "no-store" }).catch(notReached);
  if (response.ok && response.body !== null) return response.body;
  throw toProblem(response, await response.json().catch(() => undefined));
}

/** Whether the very same request may succeed later without anyone changing anything. */
export function isTransient(error: unknown): boolean {
  // A connection that breaks while it is read is no problem of the API, and worth another.
  if (!(error instanceof Problem)) return error instanceof TypeError || error instanceof DOMException;
  return (
    error.status === 0 || error.status === 429 || error.status >= 500 || error.code === "PAYMENT_NOT_READY"
  );
}

function notReached(cause: unknown): never {
  if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
  throw new Problem(unreachable);
}

function toProblem(response: Response, body: unknown): Problem {
  if (response.status === 401) {
    forget("token");
    dispatchEvent(new Event("signedout"));
  }
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const known = typeof body === "object" && body !== null ? body : {};
  return new Problem(
    { status: response.status, ...known },
    Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  );
}
