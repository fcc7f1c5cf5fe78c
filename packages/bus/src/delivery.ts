// What a broker hands over with a message, and the tally of what became of it.
import type { Readable } from "./message.ts";

/** One delivery of one message, by any broker. The answers do nothing once the broker no longer waits for them. */
export interface Delivery extends Readable {
  readonly stream: string;
  readonly seq: bigint;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** When the broker stored it, in milliseconds. */
  readonly storedAt: number;
  headers(): Readonly<Record<string, string>>;
  ack(): void;
  nak(delayMs: number): void;
  term(): void;
  working(): void;
}

/** How deliveries ended so far. */
export interface Counts {
  /** Their handler resolved. */
  readonly handled: number;
  /** Known facts without a line here. */
  readonly unheard: number;
  /** Message types this build does not know. */
  readonly unknown: number;
  readonly parked: number;
  /** Given back to be tried again. */
  readonly again: number;
}
