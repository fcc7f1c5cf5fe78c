// A fact in its envelope: what every fact carries on the wire, whatever it says.

/** A fact on its way out, as it stands in the outbox of the service that tells it. */
export interface Envelope {
  /** UUIDv7; the same on every publish and every delivery of this fact. */
  readonly id: string;
  /** Type in the catalogue, such as `order.placed`. */
  readonly type: string;
  /** The order, hold or payment it is about. */
  readonly aggregateId: string;
  /** Number of this fact within its aggregate, from 1 without gaps. */
  readonly aggregateVersion: number;
  /** When it was decided, by the teller's database clock. */
  readonly occurredAt: Date;
  /** The fact, request, answer or timer that led to it. */
  readonly causationId: string;
  /** W3C trace context of the work that led to it, if there was any. */
  readonly traceparent: string | undefined;
  /** The protobuf message. */
  readonly payload: Uint8Array;
}

/** Where the broker put a fact: the PubAck. */
export interface Placement {
  readonly stream: string;
  readonly seq: bigint;
  /** The broker had it already. */
  readonly duplicate: boolean;
  /** The stream's epoch in which it was published; see `KnownStream`. Undefined where nobody compares. */
  readonly epoch?: number;
}

/** A fact that was heard, as the cause of what a service then decides. */
export interface FactCause {
  readonly kind: "fact";
  /** The fact's id: with the hearing service, the key of its inbox. */
  readonly id: string;
  readonly stream: string;
  readonly seq: bigint;
  /** When the broker stored it. */
  readonly storedAt?: Date;
  readonly traceparent: string | undefined;
  /** How often the broker has delivered it, this time included. */
  readonly deliveries: number;
  /** Asks for a transaction of its own, because it failed in company before. */
  readonly alone: boolean;
}

/** A fact set aside because its handler fails for good; it waits for an operator and blocks nobody. */
export interface Parked {
  readonly factId: string;
  readonly durable: string;
  readonly stream: string;
  readonly seq: bigint;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  readonly error: string;
}
