// Whether a no is told as the catalogue and RFC 9457 have it, and as the document promises.
import { isRefusalCode, refusals } from "@quadrille/contracts/refusals";
import type { RawAnswer } from "./raw-http.ts";

type Answer = Pick<RawAnswer, "status" | "headers" | "body">;

const fieldNames = ["type", "title", "status", "code", "detail", "violations", "details"];

/** The code of a no; undefined for whatever is none, or cannot be read. */
export function codeIn({ headers, body }: Answer): string | undefined {
  if (headers["content-type"] !== "application/problem+json") return undefined;
  try {
    return (JSON.parse(body) as { code?: string }).code;
  } catch {
    return undefined;
  }
}

/** What is wrong with a no; undefined when nothing is. An answer to HEAD has no body to look at. */
export function faultOfProblem(answer: Answer, method = "GET"): string | undefined {
  const { status, headers, body } = answer;
  if (headers["content-type"] !== "application/problem+json")
    return `${status} came as ${headers["content-type"]}: ${body.slice(0, 200)}`;
  if (method === "HEAD") return undefined;
  try {
    return faultIn(JSON.parse(body) as Record<string, unknown>, answer);
  } catch {
    return `${status} came with a body that is no JSON: ${body.slice(0, 200)}`;
  }
}

function faultIn(
  problem: Readonly<Record<string, unknown>>,
  { status, headers }: Answer,
): string | undefined {
  const { code, violations = [], details = {}, detail = "" } = problem;
  if (typeof code !== "string" || !isRefusalCode(code)) return `the catalogue has no ${code}`;
  const { http, sentence } = refusals[code];
  const type = `/problems/${code.toLowerCase().replaceAll("_", "-")}`;
  const wrong = Object.entries({ type, title: sentence, status: http }).find(
    ([name, due]) => problem[name] !== due,
  );
  if (wrong !== undefined) return `${code} has ${wrong[0]} ${problem[wrong[0]]} and not ${wrong[1]}`;
  if (status !== http) return `${code} came with ${status} and not ${http}`;
  const extra = Object.keys(problem).find((name) => !fieldNames.includes(name));
  if (extra !== undefined) return `${code} has a field ${extra}`;
  if (typeof detail !== "string" || !Object.values(details as object).every(isText))
    return `${code} has details that are no text`;
  if (!Array.isArray(violations) || !violations.every(isViolation))
    return `${code} has violations of another shape`;
  if (status === 401 && headers["www-authenticate"] === undefined) return "401 does not say how to be known";
  if (status === 405 && headers.allow === undefined) return "405 does not say what is allowed";
  if ((status === 429 || status === 503) && headers["retry-after"] === undefined)
    return `${status} does not say when to come again`;
  return undefined;
}

const isText = (value: unknown) => typeof value === "string";

function isViolation(value: unknown): boolean {
  const { field, description, ...more } = Object(value) as Record<string, unknown>;
  return isText(field) && isText(description) && description !== "" && Object.keys(more).length === 0;
}
