// One replica's share of one durable of the memory broker.
import type { Place, Places } from "@quadrille/contracts/places";
import { pause } from "./connection.ts";
import { Deliverer, type DelivererOptions } from "./deliver.ts";
import type { Delivery } from "./delivery.ts";
import { checkHeard, type HeardStream, type StreamNow, settleHeard } from "./epoch.ts";
import type { MemoryDurable, MemoryStream, Sent, Stored, Taker } from "./memory-broker.ts";
import { factIdOf, type Message, type Readable } from "./message.ts";

export interface ReplicaOptions extends DelivererOptions {
  /** Resolves when the teller has made its stream. */
  readonly stream: () => Promise<MemoryStream>;
  /** Where this hearer remembers the stream to be; without it the broker is believed. */
  readonly places: Places | undefined;
}

/** Before a durable that another replica makes anew is looked at again. */
const retryMs = 100;

export class Replica implements Taker {
  readonly deliverer: Deliverer;
  readonly #options: ReplicaOptions;
  readonly #stands = Promise.withResolvers<void>();
  #durable: MemoryDurable | undefined;
  /** Ends what belongs to the durable as it was. */
  #session = new AbortController();
  #closed = false;
  #crashed = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.deliverer = new Deliverer({ ...options, onRoom: () => this.#durable?.wake() });
  }

  /** Resolves when it takes deliveries. */
  get ready(): Promise<void> {
    return this.#stands.promise;
  }

  /** Takes deliveries once the durable was found to be what is remembered. */
  begin(): void {
    if (this.#closed || this.#crashed) return;
    this.end();
    this.#session = new AbortController();
    void this.#join(this.#session.signal);
  }

  /** Takes and answers nothing more of what was. */
  end(): void {
    this.#session.abort();
    this.#durable?.leave(this);
    this.#durable = undefined;
  }

  onGone(): void {
    this.begin();
  }

  async #join(over: AbortSignal): Promise<void> {
    const { clock, log, durable: name } = this.#options;
    while (!over.aborted) {
      const stream = await this.#options.stream();
      if (over.aborted || this.#closed) break;
      try {
        const durable = await this.#settle(stream);
        if (!over.aborted && !stream.isEnded && durable === stream.durable(name)) {
          this.#durable = durable;
          this.#stands.resolve();
          return durable.join(this);
        }
      } catch (error) {
        if (!over.aborted) log.debug({ err: error, durable: name }, "will be tried again");
        await pause(clock, retryMs, over);
      }
    }
    this.#stands.resolve();
  }

  async #settle(stream: MemoryStream): Promise<MemoryDurable> {
    const { durable: name, places, limits, log } = this.#options;
    if (places !== undefined) await settleHeard(places, heardOf(stream, this.#options), log);
    return stream.durable(name) ?? stream.make(name, limits, undefined);
  }

  /** Compares the durable it takes from with what is remembered, and begins again if it is another one. */
  async check(): Promise<void> {
    const { places } = this.#options;
    const { signal } = this.#session;
    if (this.#durable === undefined || places === undefined) return;
    const heard = heardOf(await this.#options.stream(), this.#options);
    const isSound = await checkHeard(places, heard, this.#options.log);
    if (!isSound && !signal.aborted) this.begin();
  }

  hasRoom(): boolean {
    return !this.deliverer.isFull;
  }

  take(sent: Sent): void {
    if (this.#durable === undefined || this.#crashed) return;
    const { signal } = this.#session;
    const delivery = deliveryOf(this.#durable, sent, () => !this.#crashed && !signal.aborted);
    if (this.#closed) this.deliverer.giveBack(delivery);
    else void this.deliverer.deliver(delivery);
  }

  /** Its process died: what it was given is not answered, and comes again when the broker's patience ends. */
  crash(): void {
    if (this.#crashed) return;
    this.#crashed = true;
    this.end();
    this.deliverer[Symbol.dispose]();
  }

  /** Takes no more and resolves when nothing is in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#durable?.leave(this);
    await this.deliverer.drained();
  }
}

/** A stream as whoever compares it sees it. */
export function streamNow(stream: MemoryStream): StreamNow {
  const at = async (seq: bigint) => {
    const stored = stream.find(seq);
    return stored && placeOf(stored);
  };
  const { name, created, starts, first, last } = stream;
  return { name, created, server: `${starts}`, first: BigInt(first), last: BigInt(last), holes: 0, at };
}

function placeOf({ seq, message, storedAt }: Stored): Place {
  return { seq: BigInt(seq), factId: factIdOf(readable(message)), storedAt: new Date(storedAt) };
}

function heardOf(stream: MemoryStream, { durable: name, limits }: ReplicaOptions): HeardStream {
  return {
    name: stream.name,
    durable: name,
    look: async () => streamNow(stream),
    async durableNow() {
      const durable = stream.durable(name);
      if (durable === undefined) return undefined;
      const { delivered, floor } = durable;
      return { delivered: BigInt(delivered), floor: BigInt(floor) };
    },
    make: async (from) => void stream.make(name, limits, from),
    remove: async () => stream.remove(name),
  };
}

/** A message as it can be read. */
export function readable(message: Message): Readable {
  const { subject, headers, payload } = message;
  // There are ten at the most, and three of them are read.
  const header = (name: string) => headers.findLast(([each]) => each === name)?.[1] || undefined;
  return { subject, payload, header };
}

function deliveryOf(durable: MemoryDurable, sent: Sent, isAlive: () => boolean): Delivery {
  const settle = (answer: Parameters<MemoryDurable["settle"]>[1], delayMs?: number) => {
    if (isAlive()) durable.settle(sent, answer, delayMs);
  };
  const { subject, payload, header } = readable(sent.message);
  return {
    subject,
    payload,
    header,
    stream: sent.stream,
    seq: BigInt(sent.seq),
    deliveries: sent.deliveries,
    storedAt: sent.storedAt,
    headers: () => Object.fromEntries(sent.message.headers),
    ack: () => settle("ack"),
    nak: (delayMs) => settle("nak", delayMs),
    term: () => settle("term"),
    working: () => settle("working"),
  };
}
