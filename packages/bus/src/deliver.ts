// What becomes of a delivered message: the only file that acknowledges, gives back or ends one.
//
// A fact is acknowledged after its handler resolved, because then what it led to is committed. A fact that cannot be
// handled for good is parked: set aside in the service's own database, then ended, so that it blocks nobody. Whatever
// might go better later is given back with a growing pause, for as long as it takes.
import type { FactCause, Parked } from "@quadrille/contracts/envelope";
import { isTransientRefusal } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { backoffMs } from "./backoff.ts";
import type { Counts, Delivery } from "./delivery.ts";
import { aloneFrom, type Limits, parkedFrom } from "./limits.ts";
import { derivedId, factIdOf, kindOn, traceOf } from "./message.ts";
import type { BusLog, Clock, Random } from "./ports.ts";
import type { Sightings } from "./sightings.ts";
import type { Line } from "./subscription.ts";

export interface DelivererOptions {
  readonly durable: string;
  /** By message name. */
  readonly lines: ReadonlyMap<string, Line>;
  /** Sets a fact aside for an operator; resolves when that is committed. Parking the same fact twice is once. */
  readonly park: (parked: Parked) => Promise<unknown>;
  /** Where messages that leave no row in the inbox are remembered; without it the broker is believed. */
  readonly sightings?: Sightings | undefined;
  readonly onUnknown?: ((messageName: string) => void) | undefined;
  /** Development: every handler is called a second time after it resolved. */
  readonly deliverTwice?: boolean | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: BusLog;
  /** Called when a delivery ended and there is room for another. */
  readonly onRoom?: (() => void) | undefined;
}

interface InFlight {
  readonly message: Delivery;
  readonly since: number;
  workings: number;
}

/** A message that was read: a fact for a handler. */
interface Heard {
  readonly line: Line;
  readonly data: never;
  readonly cause: FactCause;
}

const errorTextMost = 2_000;

export class Deliverer implements Disposable {
  readonly #options: DelivererOptions;
  readonly #inFlight = new Set<InFlight>();
  readonly #counts = { handled: 0, unheard: 0, unknown: 0, parked: 0, again: 0 };
  #waiting: (() => void)[] = [];
  #cancelTick: (() => void) | undefined;

  constructor(options: DelivererOptions) {
    this.#options = options;
  }

  get counts(): Counts {
    return this.#counts;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get isFull(): boolean {
    return this.#inFlight.size >= this.#options.limits.inFlightMost;
  }

  /** Resolves when fewer than `below` deliveries are in flight. */
  async fewerThan(below: number): Promise<void> {
    while (this.#inFlight.size >= below) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when the broker was told what became of it; never rejects. */
  async deliver(message: Delivery): Promise<void> {
    const flight = { message, since: this.#options.clock.now(), workings: 0 };
    this.#inFlight.add(flight);
    this.#tick();
    try {
      await this.#settle(message);
    } catch (error) {
      // The broker could not be told, or a counter of the service threw; the broker delivers it again.
      this.#options.log.error({ err: error, durable: this.#options.durable }, "a delivery was not settled");
    } finally {
      this.#inFlight.delete(flight);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
      this.#options.onRoom?.();
    }
  }

  /** Resolves when nothing is in flight. */
  async drained(): Promise<void> {
    this.#options.sightings?.hurry();
    await this.fewerThan(1);
  }

  /** Whatever is still in flight gets no more time: its broker may deliver it elsewhere. */
  [Symbol.dispose](): void {
    this.#cancelTick?.();
  }

  /** For a message that was fetched and will not be handled here: another replica gets it at once. */
  giveBack(message: Delivery): void {
    message.nak(0);
  }

  async #settle(message: Delivery): Promise<void> {
    let heard: Heard | "unheard" | { readonly unknown: string };
    try {
      heard = this.#read(message);
    } catch (error) {
      return await this.#park(message, error);
    }
    if (heard === "unheard" || "unknown" in heard) return await this.#pass(message, heard);
    try {
      await heard.line.handler(heard.data, heard.cause);
      if (this.#options.deliverTwice === true) await heard.line.handler(heard.data, heard.cause);
    } catch (error) {
      return await this.#failed(message, error);
    }
    message.ack();
    this.#counts.handled += 1;
  }

  /** Nobody here wants it. */
  async #pass(message: Delivery, heard: "unheard" | { readonly unknown: string }): Promise<void> {
    try {
      await this.#remember(message);
    } catch (error) {
      return this.#again(message, error, "warn");
    }
    message.ack();
    if (heard === "unheard") {
      this.#counts.unheard += 1;
      return;
    }
    this.#counts.unknown += 1;
    this.#options.onUnknown?.(heard.unknown);
  }

  async #remember(message: Delivery): Promise<void> {
    const { seq, storedAt } = message;
    await this.#options.sightings?.remember({ seq, factId: factIdOf(message), storedAt: new Date(storedAt) });
  }

  /** Throws for a message that cannot be read, which no waiting mends. */
  #read(message: Delivery): Heard | "unheard" | { readonly unknown: string } {
    const { payloadMost } = this.#options.limits;
    if (message.payload.length > payloadMost) {
      throw new Error(`a payload of ${message.payload.length} bytes; at most ${payloadMost} are read`);
    }
    const kind = kindOn(message);
    if (typeof kind === "string") return { unknown: kind };
    const line = this.#options.lines.get(kind.messageName);
    if (line === undefined) return "unheard";
    const id = factIdOf(message);
    if (id === undefined) throw new Error("no fact id that is a UUID");
    const { stream, seq, deliveries, storedAt } = message;
    const alone = deliveries >= aloneFrom;
    const cause: FactCause = {
      kind: "fact",
      id,
      stream,
      seq,
      storedAt: new Date(storedAt),
      traceparent: traceOf(message),
      deliveries,
      alone,
    };
    return { line, data: kind.decode(message.payload), cause };
  }

  async #failed(message: Delivery, error: unknown): Promise<void> {
    // The one "no" that time alone may turn into a yes; it is not counted against the fact.
    if (isTransientRefusal(error)) return this.#again(message, error, "debug");
    if (error instanceof Refusal) return await this.#park(message, error);
    // At the limit it has run alone for several deliveries, so the failure is its own.
    if (message.deliveries >= parkedFrom) return await this.#park(message, error);
    this.#again(message, error, "warn");
  }

  #again(message: Delivery, error: unknown, level: "debug" | "warn" | "error"): void {
    const { limits, random, log, durable } = this.#options;
    const pause = { firstMs: limits.backoffFirstMs, mostMs: limits.backoffMostMs };
    const delayMs = backoffMs(message.deliveries, pause, random);
    message.nak(delayMs);
    this.#counts.again += 1;
    const { stream, seq, deliveries } = message;
    log[level](
      { err: error, durable, stream, seq: String(seq), deliveries, delayMs },
      "a fact is tried again",
    );
  }

  async #park(message: Delivery, error: unknown): Promise<void> {
    const { durable, park, log } = this.#options;
    const { stream, seq, subject, payload } = message;
    const factId = factIdOf(message) ?? derivedId(message);
    const text = describe(error).slice(0, errorTextMost);
    try {
      await park({ factId, durable, stream, seq, subject, headers: message.headers(), payload, error: text });
      await this.#remember(message);
    } catch (failure) {
      return this.#again(message, failure, "error");
    }
    // Bare: brokers before 2.10.4 do not understand a reason and would deliver it for ever.
    message.term();
    this.#counts.parked += 1;
    log.error({ err: error, durable, stream, seq: String(seq), factId }, "a fact was parked");
  }

  /** One timer for all: a message older than a third of the broker's patience asks for more. */
  #tick(): void {
    if (this.#cancelTick !== undefined) return;
    const { clock, limits } = this.#options;
    const thirdMs = limits.ackWaitMs / 3;
    this.#cancelTick = clock.after(thirdMs, () => {
      this.#cancelTick = undefined;
      const startedBefore = clock.now() - thirdMs;
      for (const flight of this.#inFlight) {
        // A handler that never ends must not keep its fact from the other replicas for ever.
        if (flight.since > startedBefore || flight.workings >= limits.workingMost) continue;
        flight.workings += 1;
        flight.message.working();
      }
      if (this.#inFlight.size > 0) this.#tick();
    });
  }
}

/** An error and what caused it, without stacks: an operator reads it in a table. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? String(error) : `${error}: ${describe(error.cause)}`;
}
