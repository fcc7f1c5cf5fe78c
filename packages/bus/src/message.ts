// A fact as the broker carries it: the subject, the CloudEvents headers, the protobuf bytes; and back again.
import { createHash } from "node:crypto";
import type { Envelope } from "@quadrille/contracts/envelope";
import { type FactKind, kindOf, kindOfMessage, Undecodable } from "@quadrille/contracts/events";

/** The names on the wire. The CloudEvents ones are those of its binary mode for NATS. */
export const header = {
  publishId: "Nats-Msg-Id",
  id: "ce-id",
  type: "ce-type",
  source: "ce-source",
  subject: "ce-subject",
  time: "ce-time",
  specVersion: "ce-specversion",
  traceparent: "traceparent",
  causation: "causation-id",
  version: "aggregate-version",
} as const;

export interface Message {
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly payload: Uint8Array;
}

/** What reading needs of a message, whoever carried it. */
export interface Readable {
  readonly subject: string;
  readonly payload: Uint8Array;
  header(name: string): string | undefined;
}

/** A fact as a watcher sees it: its envelope, and where the broker keeps it. */
export interface Watched extends Envelope {
  readonly stream: string;
  readonly seq: bigint;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Throws when the envelope's type is not a published fact. */
export function messageOf(envelope: Envelope): Message {
  const kind = kindOf(envelope.type);
  if (kind === undefined) throw new Error(`${envelope.type} is no fact of the catalogue`);
  const headers: [string, string][] = [
    [header.publishId, envelope.id],
    [header.id, envelope.id],
    [header.type, kind.messageName],
    [header.source, `/quadrille/${kind.teller}`],
    [header.subject, envelope.aggregateId],
    [header.time, envelope.occurredAt.toISOString()],
    [header.specVersion, "1.0"],
    [header.causation, envelope.causationId],
    [header.version, String(envelope.aggregateVersion)],
  ];
  if (envelope.traceparent !== undefined) headers.push([header.traceparent, envelope.traceparent]);
  return { subject: kind.subject, headers, payload: envelope.payload };
}

/**
 * The kind of a message, or its name when this build does not know it. Throws `Undecodable` when it has none, or
 * comes on another fact's subject: the broker lets a service publish on its own subjects alone, so the subject is
 * what proves who told it.
 */
export function kindOn(message: Readable): FactKind<string, never> | string {
  const name = message.header(header.type);
  if (name === undefined) throw new Undecodable(`no ${header.type}`);
  const kind = kindOfMessage(name);
  if (kind === undefined) return name;
  if (kind.subject !== message.subject) throw new Undecodable(`${kind.type} on ${message.subject}`);
  return kind;
}

/**
 * The fact's id in lower case, or undefined when there is none. `ce-id` comes first, because a fact that an operator
 * publishes once more needs a new publish id, or the broker drops it, while it stays the same fact to every inbox.
 */
export function factIdOf(message: Readable): string | undefined {
  for (const name of [header.id, header.publishId]) {
    const id = message.header(name);
    if (id !== undefined && uuid.test(id)) return id.toLowerCase();
  }
  return undefined;
}

/** The trace to continue, if the message names one that is well formed. */
export function traceOf(message: Readable): string | undefined {
  const found = message.header(header.traceparent);
  return found !== undefined && traceparent.test(found) ? found : undefined;
}

/**
 * An id for a message that has none: the same at every delivery, so parking it twice is parking it once. It is a
 * UUIDv7 of the moment the broker stored it, because tables are partitioned by the time in their ids.
 */
export function derivedId(place: { stream: string; seq: bigint; storedAt: number }): string {
  const hash = createHash("sha256").update(`${place.stream}:${place.seq}`).digest();
  hash.writeUIntBE(place.storedAt, 0, 6);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x70, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString("hex", 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The fact in a message, or undefined when it is not one this build knows: a watcher lets those pass. */
export function watchedOf(message: Readable, place: { stream: string; seq: bigint }): Watched | undefined {
  const id = factIdOf(message);
  const kind = kindOfMessage(message.header(header.type) ?? "");
  if (id === undefined || kind === undefined) return undefined;
  return {
    id,
    type: kind.type,
    aggregateId: message.header(header.subject) ?? "",
    aggregateVersion: Number(message.header(header.version)),
    occurredAt: new Date(message.header(header.time) ?? 0),
    causationId: message.header(header.causation) ?? "",
    traceparent: traceOf(message),
    payload: message.payload,
    stream: place.stream,
    seq: place.seq,
  };
}
