// How the timeline of an order, and what it waits for, are read by a person.
import type { Step, StepKind, Wait } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { type Happening, happeningsOf, type Known, waitsOf } from "./timeline.ts";

/** A service that could not be asked, and why. */
export interface Unasked {
  readonly service: string;
  readonly because: string;
}

/** The whole answer. What is indented was led to by what stands above it, further out. */
export function linesOf(orderId: string, known: readonly Known[], unasked: readonly Unasked[]): string[] {
  const statuses = known
    .filter(({ status }) => status !== "")
    .map(({ service, status }) => `${service} ${status}`);
  return [
    `order ${orderId}: ${statuses.join(", ")}`,
    ...unasked.map(({ service, because }) => `${service} could not be asked: ${because}`),
    ...happeningLines(happeningsOf(known)),
    "",
    ...waitLines(waitsOf(known), known, unasked),
  ];
}

function happeningLines(happenings: readonly Happening[]): string[] {
  let day = "";
  return happenings.flatMap((each) => {
    const [date = "", time = ""] = iso(each.step.at).slice(0, -1).split("T");
    const heading = date === day ? [] : ["", `${date} (UTC)`];
    day = date;
    const indent = "  ".repeat(each.depth);
    return [
      ...heading,
      `${time}  ${each.service.padEnd(7)}  ${verbs[each.step.kind].padEnd(9)}  ${indent}${said(each)}`,
    ];
  });
}

const verbs: Readonly<Record<StepKind, string>> = {
  STEP_KIND_UNSPECIFIED: "?",
  STEP_KIND_ASKED: "asked",
  STEP_KIND_TOLD: "told",
  STEP_KIND_PUBLISHED: "published",
  STEP_KIND_HEARD: "heard",
  STEP_KIND_PARKED: "parked",
  STEP_KIND_CALLED: "called",
  STEP_KIND_ANSWERED: "answered",
  STEP_KIND_RESOLVED: "resolved",
  UNRECOGNIZED: "?",
};

function said(each: Happening): string {
  const { step, type, cause } = each;
  const { kind, detail, factId } = step;
  switch (kind) {
    case "STEP_KIND_TOLD":
      return `${type}${inBrackets(detail)} ← ${causeOf(each)}`;
    case "STEP_KIND_PUBLISHED":
      return `${type}${inBrackets(detail)}`;
    case "STEP_KIND_HEARD": {
      const what =
        cause === undefined
          ? `fact ${factId}${inBrackets(detail)}`
          : `${type} after ${late(cause.step, step)}`;
      return step.deliveries > 1 ? `${what}, at delivery ${step.deliveries}` : what;
    }
    case "STEP_KIND_PARKED":
      return `${type} ${factId}: ${detail}`;
    case "STEP_KIND_CALLED":
      return `the payment provider: ${type}${inBrackets(detail)} ← ${causeOf(each)}`;
    case "STEP_KIND_ANSWERED":
      return `by the payment provider: ${[type, detail].filter(Boolean).join(" ")}`;
    default:
      return [type, detail].filter(Boolean).join(" ");
  }
}

const inBrackets = (text: string) => (text === "" ? "" : ` (${text})`);

/** What timers are called as causes. */
const timers: Readonly<Record<string, string>> = { deadlines: "its deadline", leases: "its turn" };

function causeOf({ cause, step: { causationId } }: Happening): string {
  if (cause === undefined) return timers[causationId] ?? (causationId === "" ? "not known" : causationId);
  switch (cause.step.kind) {
    case "STEP_KIND_ANSWERED":
      return "the provider's answer";
    case "STEP_KIND_CALLED":
      return "no answer";
    case "STEP_KIND_RESOLVED":
      return "a person's decision";
    default:
      return cause.type;
  }
}

/** The clocks of two databases may differ, so it may seem to be less than nothing. */
function late(told: Step, heard: Step): string {
  const ms = Number(heard.at) - Number(told.at);
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function waitLines(waits: readonly Wait[], known: readonly Known[], unasked: readonly Unasked[]): string[] {
  const names = known.map(({ service }) => service).join(", ");
  if (waits.length === 0)
    return [unasked.length === 0 ? "waits for nothing" : `waits for nothing that is known to ${names}`];
  return ["waits for", ...waits.flatMap(waitLine)];
}

function waitLine({ what, who, because, until, instead, notBefore }: Wait): string[] {
  const about = [
    because,
    notBefore === undefined ? "" : `not before ${iso(notBefore)}`,
    until === undefined ? `no deadline${instead && `: ${instead}`}` : `until ${iso(until)}, then ${instead}`,
  ];
  return [`  ${who}: ${what}`, ...about.filter(Boolean).map((line) => `    ${line}`)];
}

const iso = (at: Date | undefined) => (at ?? new Date(0)).toISOString();
