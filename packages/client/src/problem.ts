// What goes wrong with a request: the gateway's no, in its own words (RFC 9457), or no answer of the gateway's at all.
import type { components } from "./gen/api.ts";

type Said = components["schemas"]["Problem"];

/** A no. Programs tell cases apart by `code`, which the gateway lists at `/problems`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: string;
  readonly status: number;
  /** A sentence for a person. */
  readonly title: string;
  readonly detail: string | undefined;
  /** Every field at fault. */
  readonly violations: NonNullable<Said["violations"]>;
  /** Facts about this case, such as the amount that was computed. */
  readonly details: NonNullable<Said["details"]>;
  /** After how long it may go better; undefined where the gateway does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(said: Said, retryAfterMs?: number) {
    const { code, title, detail, violations = [], details = {} } = said;
    const faults = violations.map(({ field, description }) => `${field} ${description}`);
    super([`${code}: ${title}`, ...(detail === undefined ? [] : [detail]), ...faults].join("; "));
    this.code = code;
    this.status = said.status;
    this.title = title;
    this.detail = detail;
    this.violations = violations;
    this.details = details;
    this.retryAfterMs = retryAfterMs;
  }
}

/** It could not be reached, took too long, broke off, or something in front of it answered in its stead. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  /** What was answered in its stead. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    about: { cause?: unknown; status?: number; retryAfterMs?: number | undefined },
  ) {
    super(message, { cause: about.cause });
    this.status = about.status;
    this.retryAfterMs = about.retryAfterMs;
  }
}

/** What an answer that is not `ok` says, given its whole text. */
export function faultIn({ status, url, headers }: Response, text: string): Problem | NoAnswer {
  const retryAfterMs = millisecondsOf(headers.get("retry-after"));
  if (headers.get("content-type")?.startsWith("application/problem+json"))
    return new Problem(JSON.parse(text) as Said, retryAfterMs);
  const message = `${url} answered ${status} with no problem document: ${text.slice(0, 500)}`;
  return new NoAnswer(message, { status, retryAfterMs });
}

/** Too many requests, or somebody out of reach: the same request may find it otherwise in a moment. */
export function isTransient(fault: Problem | NoAnswer): boolean {
  return fault.status === undefined || [429, 502, 503, 504].includes(fault.status);
}

/** `Retry-After` comes in seconds or, from some proxies, as a date. */
function millisecondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = Number(retryAfter);
  const ms = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1_000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
