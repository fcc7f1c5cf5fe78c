// One replica's share of one durable of the memory broker.
import { Deliverer, type DelivererOptions } from "./deliver.ts";
import type { Delivery } from "./delivery.ts";
import type { MemoryDurable, MemoryStream, Sent, Taker } from "./memory-broker.ts";
import type { Message, Readable } from "./message.ts";

export class Replica implements Taker {
  readonly deliverer: Deliverer;
  /** Resolves when it takes deliveries. */
  readonly ready: Promise<void>;
  #durable: MemoryDurable | undefined;
  #closed = false;
  #crashed = false;

  constructor(options: DelivererOptions, stream: Promise<MemoryStream>) {
    this.deliverer = new Deliverer({ ...options, onRoom: () => this.#durable?.wake() });
    this.ready = this.#join(options, stream);
  }

  async #join({ durable, limits }: DelivererOptions, stream: Promise<MemoryStream>): Promise<void> {
    const found = (await stream).durable(durable, limits);
    if (this.#closed || this.#crashed) return;
    this.#durable = found;
    found.join(this);
  }

  hasRoom(): boolean {
    return !this.deliverer.isFull;
  }

  take(sent: Sent): void {
    if (this.#durable === undefined) return;
    if (this.#crashed) return;
    const delivery = deliveryOf(this.#durable, sent, () => !this.#crashed);
    if (this.#closed) this.deliverer.giveBack(delivery);
    else void this.deliverer.deliver(delivery);
  }

  /** Its process died: what it was given is not answered, and comes again when the broker's patience ends. */
  crash(): void {
    if (this.#crashed) return;
    this.#crashed = true;
    this.#durable?.leave(this);
    this.deliverer[Symbol.dispose]();
  }

  /** Takes no more and resolves when nothing is in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#durable?.leave(this);
    await this.deliverer.fewerThan(1);
  }
}

/** A message as it can be read. */
export function readable(message: Message): Readable {
  const headers = new Map(message.headers);
  return { ...message, header: (name: string) => headers.get(name) || undefined };
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
