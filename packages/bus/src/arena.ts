// What the tests of the bus share: an arena with a broker in it, facts, lines, a place to park.
import { randomUUID } from "node:crypto";
import type { Envelope, FactCause, Parked } from "@quadrille/contracts/envelope";
import { events, type Service } from "@quadrille/contracts/events";
import { type Bus, type HearOptions, type Limits, type Line, on } from "./bus.ts";
import type { Message } from "./message.ts";
import type { Clock } from "./ports.ts";

/** A broker with nothing in it, and time that passes. */
export interface Arena extends AsyncDisposable {
  readonly clock: Clock;
  /** One replica of a service; the arena closes it. */
  connect(limits?: Partial<Limits>): Bus;
  /** Puts any message on a stream, as a foreign publisher would. */
  put(message: Message): Promise<void>;
  until(holds: () => boolean, withinMs?: number): Promise<void>;
  /** Lets that much time pass. */
  pass(ms: number): Promise<void>;
}

/** A broker whose store can be taken from it. In all of these it ends as a crash would end it, and starts again. */
export interface ForgetfulArena extends Arena {
  restart(): Promise<void>;
  wipe(): Promise<void>;
  /** Copies the store as it is now; what it gives puts the copy back, all of it or the messages alone. */
  copy(): Promise<(of: "all" | "messages") => Promise<void>>;
  /** Takes the order service's stream away under everyone, without a word and without an end. */
  dropStream(): Promise<void>;
  /** Lets the front of that stream go, up to a sequence or all of it, and does not end. */
  purge(upToSeq?: number): Promise<void>;
}

/** Short enough to wait for, long enough for a busy machine. */
export const limitsForTests = {
  ackWaitMs: 1_200,
  backoffFirstMs: 10,
  backoffMostMs: 60,
} satisfies Partial<Limits>;

export const noLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A fact that payment alone hears. */
export function factFor(orderId: string = randomUUID(), reason = "CANCELLED"): Envelope {
  return {
    id: randomUUID(),
    type: "order.confirmation_failed",
    aggregateId: orderId,
    aggregateVersion: 4,
    occurredAt: new Date("2026-01-02T03:04:05.678Z"),
    causationId: randomUUID(),
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    payload: events.orderConfirmationFailed.encode({ orderId, reason }),
  };
}

type Handler = (data: { orderId: string }, cause: FactCause) => Promise<unknown>;

/** A line for every fact the service hears, with the same handler behind all of them. */
export function linesFor(hearer: Service, handler: Handler): Line[] {
  return Object.values(events)
    .filter((kind) => kind.heardBy.includes(hearer))
    .map((kind) => on(kind, handler as Parameters<typeof on>[1]));
}

export const parkNothing: HearOptions = {
  park: (parked) => Promise.reject(new Error(`parked: ${parked.error}`)),
};

/** A place to park in that can be looked at. */
export function parkingLot(): HearOptions & { readonly parked: Parked[] } {
  const parked: Parked[] = [];
  return { parked, park: async (each) => parked.push(each) };
}

/** The same message with some headers changed; undefined leaves one out. */
export function altered(message: Message, changes: Record<string, string | undefined>): Message {
  const kept = message.headers.filter(([name]) => !Object.hasOwn(changes, name));
  const set = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...message, headers: [...kept, ...set] };
}
