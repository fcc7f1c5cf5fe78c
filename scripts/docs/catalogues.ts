// The pages that list what the services say to each other and to their callers, from the two catalogues.
import {
  durableOf,
  events,
  type FactKind,
  type Service,
  services,
  streamOf,
  tellersFor,
} from "@quadrille/contracts/events";
import { isTransient, type RefusalCode, type RefusalKind, refusals } from "@quadrille/contracts/refusals";
import { header } from "../../packages/bus/src/message.ts";
import { code, page, table } from "./markdown.ts";

const kinds = Object.values(events) as unknown as readonly FactKind<string, never>[];

const headers: Record<keyof typeof header, string> = {
  publishId: "The fact's id, by which the broker recognises a fact it was given twice.",
  id: "The fact's id, a UUIDv7; the same on every publish and every delivery. What was handled under it is not handled again.",
  type: "The protobuf message, such as `quadrille.order.v1.OrderPlaced`.",
  source: "`/quadrille/<teller>`.",
  subject: "The id of the order it is about.",
  time: "When it was decided, by the clock of the teller's database.",
  specVersion: "`1.0`: CloudEvents in binary mode.",
  traceparent: "W3C trace context of the work that led to it, if there was any.",
  causation: "The fact, request, answer or timer that led to it.",
  version:
    "Its number among the facts its teller told about this order, from 1 without gaps. For watchers and outsiders; facts arrive in any sequence, and no service here needs this one.",
};

export function eventsPage(): string {
  return page(
    "Facts",
    "What the services tell each other. A fact says what happened and tells nobody what to do; whoever owns something decides by itself what the fact means to it. Facts come at least once, in no promised sequence.",
    ...services.flatMap(toldBy),
    "## Durables",
    "One durable pull consumer for each pair of services of which one hears the other, shared by all replicas of the hearer. It gets every fact of the stream and passes over those that mean nothing to it.",
    table(
      ["durable", "stream", "filter"],
      services.flatMap((hearer) =>
        tellersFor(hearer).map((teller) => {
          const { name, filter } = durableOf(hearer, teller);
          return [code(name), code(streamOf(teller).name), code(filter)];
        }),
      ),
    ),
    "## Headers",
    "The payload is the protobuf message alone. What all facts have in common stands in the headers.",
    table(
      ["header", "says"],
      Object.entries(header).map(([key, name]) => [code(name), headers[key as keyof typeof header]]),
    ),
  );
}

function toldBy(teller: Service): string[] {
  const { name, subjects } = streamOf(teller);
  const proto = `proto/quadrille/${teller}/v1/facts.proto`;
  return [
    `## Told by ${teller}`,
    `Stream ${code(name)}, subjects ${subjects.map(code).join(", ")}, messages in [${proto}](../${proto}).`,
    table(
      ["fact", "subject", "message", "heard by", "meaning"],
      kinds
        .filter((kind) => kind.teller === teller)
        .map(({ type, subject, messageName, heardBy, meaning }) => [
          code(type),
          code(subject),
          code(messageName),
          heardBy.join(", ") || "whoever watches",
          meaning,
        ]),
    ),
  ];
}

export function errorsPage(): string {
  const all = Object.entries(refusals) as [RefusalCode, RefusalKind][];
  return page(
    "Refusals",
    'Every way a caller is told "no". The code is the `reason` of the `google.rpc.ErrorInfo` that comes with the gRPC status, in the domain `quadrille`, and does not change; the sentence is for people and may. With the same request id it is always safe to ask again.',
    table(
      ["code", "gRPC", "HTTP", "says", "may asking again help?"],
      all.map(([name, kind]) => [code(name), kind.grpc, `${kind.http}`, kind.sentence, again(name, kind)]),
    ),
  );
}

function again(name: RefusalCode, { grpc, http }: RefusalKind): string {
  if (isTransient(name)) return "yes, the same request";
  if (grpc === "ABORTED") return "yes, after looking again";
  if (grpc === "INTERNAL") return "perhaps";
  const isAboutState =
    grpc === "NOT_FOUND" || (grpc === "FAILED_PRECONDITION" && (http === 409 || http === 412));
  return isAboutState ? "not before something else has changed" : "no";
}
