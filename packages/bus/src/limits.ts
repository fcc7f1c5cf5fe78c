// Every bound of the bus in one place, with the values a service gets when it names none.

export interface Limits {
  /** Facts one durable hands to its handlers at the same time, per replica. Handlers are answered by group commits, so this is what makes groups. */
  readonly inFlightMost: number;
  /** Facts fetched ahead of the handlers, per durable and replica. */
  readonly fetchedMost: number;
  /** Unacknowledged facts per durable, all replicas together. Those that wait out a `nak` count too. */
  readonly ackPendingMost: number;
  /** When the broker gives an unacknowledged fact to someone else. */
  readonly ackWaitMs: number;
  /** How often a slow handler may ask for more time; a third of `ackWaitMs` each. Then its fact is given to another replica. */
  readonly workingMost: number;
  /** The first pause before a fact is tried again; it doubles with every delivery. */
  readonly backoffFirstMs: number;
  readonly backoffMostMs: number;
  /** Bytes of one fact's payload. */
  readonly payloadMost: number;
  /** Publishes that wait for the broker's answer. */
  readonly publishingMost: number;
  /** How long a publish waits for the broker's answer. */
  readonly publishTimeoutMs: number;
  /** How often the place of a message that leaves no row is written down; its acknowledgement waits for that. */
  readonly sightedEveryMs: number;
  /** How long handlers in flight may take when the bus is closed. */
  readonly drainMs: number;
  /** How long the broker keeps a fact. */
  readonly streamAgeMs: number;
  /** How long the broker recognises a fact it was given twice. */
  readonly duplicateWindowMs: number;
}

export const defaultLimits: Limits = {
  inFlightMost: 512,
  fetchedMost: 256,
  ackPendingMost: 4_096,
  ackWaitMs: 30_000,
  workingMost: 30,
  backoffFirstMs: 100,
  backoffMostMs: 60_000,
  payloadMost: 256 * 1024,
  publishingMost: 10_000,
  publishTimeoutMs: 5_000,
  sightedEveryMs: 250,
  drainMs: 8_000,
  streamAgeMs: 3 * 24 * 60 * 60 * 1_000,
  duplicateWindowMs: 2 * 60 * 1_000,
};

/** Room for the headers of a fact, beside its payload, in the largest message a stream takes. */
export const headersMost = 4 * 1024;

/** From this delivery on a fact asks for a transaction of its own. */
export const aloneFrom = 4;

/** A fact that fails alone, for good, at this delivery or later is parked. */
export const parkedFrom = 8;
