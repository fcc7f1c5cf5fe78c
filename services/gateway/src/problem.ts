// Every no as problem+json (RFC 9457): from a refusal, a failed call, or what Fastify itself turns away.
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { isRefusalCode, type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal, type Violation } from "@quadrille/decider";
import { RpcError } from "@quadrille/rpc";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { violationsOf } from "./validation.ts";

export const problemType = "application/problem+json";

/** How long to wait before asking again when nothing says more, in seconds. */
const retryAfterSeconds = 1;

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail?: string;
  readonly violations?: readonly Violation[];
  /** Facts about this case, such as the amount that was computed. */
  readonly details?: Readonly<Record<string, string>>;
}

/** `/problems/out-of-stock`. */
export function typeOf(code: RefusalCode): string {
  return `/problems/${code.toLowerCase().replaceAll("_", "-")}`;
}

export function problemOf(refusal: Refusal<RefusalCode>, detail?: string): Problem {
  const { code, violations, details } = refusal;
  const { http, sentence } = refusals[code];
  return {
    type: typeOf(code),
    title: sentence,
    status: http,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(violations.length === 0 ? {} : { violations }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

/** The refusal that whatever was thrown stands for; what stands for none is our own defect, and its words stay here. */
export function refusalOf(thrown: unknown): Refusal<RefusalCode> {
  if (thrown instanceof Refusal) return inOurWords(thrown);
  if (thrown instanceof RpcError) return new Refusal(meaningOf(thrown), { cause: thrown });
  const { code, validation, statusCode, validationContext } = thrown as Partial<FastifyError>;
  if (validation !== undefined)
    return new Refusal("INVALID_REQUEST", { violations: violationsOf(validation, validationContext) });
  const known = code === undefined ? undefined : fastifyCodes[code];
  if (known !== undefined) return new Refusal(known);
  // What Fastify calls the caller's fault is; its own words say what it is about.
  if (code?.startsWith("FST_") && statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refusal("INVALID_REQUEST", { cause: thrown });
  return new Refusal("INTERNAL", { cause: thrown });
}

/** Field names are translated from the services' to those of the request as it was sent here. */
function inOurWords(refusal: Refusal): Refusal<RefusalCode> {
  const { code, cause } = refusal;
  if (!isRefusalCode(code)) return new Refusal("INTERNAL", { cause: refusal });
  const violations = refusal.violations.map((one) => ({ ...one, field: fieldHere(one.field) }));
  const details = Object.entries(refusal.details).map(([name, value]) => [fieldHere(name), value]);
  return new Refusal(code, { violations, details: Object.fromEntries(details), cause });
}

/** Answers with the problem of whatever was thrown; a defect gets an id under which the log has the rest. */
export function sendThrown(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = refusalOf(thrown);
  if (refusal.code !== "INTERNAL") {
    // One line without a stack: while a service is away there are many, and they differ in nothing.
    if (thrown instanceof RpcError && thrown.code !== "CANCELLED")
      request.log.warn(
        { reason: thrown.message, route: request.routeOptions.url },
        "a service gave no answer",
      );
    sendProblem(reply, refusal, detailOf(refusal));
    return;
  }
  const { id = randomUUID() } = refusal.details; // A service has logged its own defect under the id it gave.
  request.log.error({ err: thrown, id, route: request.routeOptions.url }, "a request failed");
  sendProblem(reply, new Refusal("INTERNAL", { details: { id } }));
}

export function sendProblem(reply: FastifyReply, refusal: Refusal<RefusalCode>, detail?: string): void {
  const problem = problemOf(refusal, detail);
  const mayHelp = problem.status === 503 || problem.status === 429;
  if (mayHelp && !reply.hasHeader("retry-after")) reply.header("retry-after", retryAfterSeconds);
  reply
    .code(problem.status)
    .removeHeader("etag")
    .header("cache-control", "no-store")
    .type(problemType)
    .serializer(JSON.stringify)
    .send(problem);
}

/** The same for those whose request never became one: a whole HTTP/1.1 answer, after which the connection ends. */
export function rawProblem(code: RefusalCode, headers: Readonly<Record<string, string>>): string {
  const body = JSON.stringify(problemOf(new Refusal(code)));
  const { http } = refusals[code];
  return [
    `HTTP/1.1 ${http} ${STATUS_CODES[http]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}

const fastifyCodes: Readonly<Record<string, RefusalCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE_UNSUPPORTED",
  FST_ERR_CTP_BODY_TOO_LARGE: "REQUEST_TOO_LARGE",
  FST_ERR_NOT_FOUND: "ROUTE_UNKNOWN",
  ECONNRESET: "INVALID_REQUEST", // Gone in the middle of their own body; nobody reads this, and it is no defect of ours.
};

/**
 * A neighbour that gave no answer. What our services refuse comes with a code of the catalogue; a bare status is the
 * connection's, and those below are what becomes of calls when it breaks.
 */
function meaningOf({ code }: RpcError): RefusalCode {
  if (code === "DEADLINE_EXCEEDED") return code;
  if (code === "CANCELLED") return "UNAVAILABLE"; // Whoever asked is gone, and so nobody reads this.
  return code === "UNAVAILABLE" || code === "INTERNAL" || code === "RESOURCE_EXHAUSTED"
    ? "UNAVAILABLE"
    : "INTERNAL";
}

/** Their words hold what was sent, at any length. */
const repeatingUrl: ReadonlySet<string> = new Set(["FST_ERR_BAD_URL", "FST_ERR_MAX_PARAM_LENGTH"]);

function detailOf({ cause }: Refusal): string | undefined {
  const { code, message } = (cause ?? {}) as Partial<FastifyError>;
  return code?.startsWith("FST_") && !repeatingUrl.has(code) ? message : undefined;
}

/** `lines[0].variant_id` is `lines[0].productId` here, and a request id is a header. */
function fieldHere(name: string): string {
  if (name === "request_id") return "Idempotency-Key";
  return name
    .replace(/\bvariant_ids\[\d+\]/g, "productId")
    .replace(/\bvariant_id\b/g, "productId")
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
