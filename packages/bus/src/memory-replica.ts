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

  constructor(options: DelivererOptions, stream: Promise<MemoryStream>) {
    this.deliverer = new Deliverer({ ...options, onRoom: () => this.#durable?.wake() });
    this.ready = this.#join(options, stream);
  }

  async #join({ durable, limits }: DelivererOptions, stream: Promise<MemoryStream>): Promise<void> {
    const found = (await stream).durable(durable, limits);
    if (this.#closed) return;
    this.#durable = found;
    found.join(this);
  }

  hasRoom(): boolean {
    return !this.deliverer.isFull;
  }

  take(sent: Sent): void {
    if (this.#durable === undefined) return;
    const delivery = deliveryOf(this.#durable, sent);
    if (this.#closed) this.deliverer.giveBack(delivery);
    else void this.deliverer.deliver(delivery);
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

function deliveryOf(durable: MemoryDurable, sent: Sent): Delivery {
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
    ack: () => durable.settle(sent, "ack"),
    nak: (delayMs) => durable.settle(sent, "nak", delayMs),
    term: () => durable.settle(sent, "term"),
    working: () => durable.settle(sent, "working"),
  };
}
