// JetStream for the floor, with nothing around it: facts with their ids out, facts with their places in, acknowledgements.
import {
  AckPolicy,
  type ConsumerMessages,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { connect, createInbox, headers, type NatsConnection, nanos } from "@nats-io/transport-node";
import type { FactKind, Service } from "@quadrille/contracts/events";

export type Kind = FactKind<string, never>;

export interface Received {
  readonly kind: Kind;
  readonly factId: string;
  readonly payload: Uint8Array;
  readonly stream: string;
  readonly seq: number;
  acknowledge(): void;
}

const streamName = (prefix: string, teller: Service) => `${prefix}_${teller}`;
/** Fetched ahead of the transactions, for each fact that is heard. */
const fetchedMost = 512;

/** The streams are like the product's: file, Limits retention, a window in which ids are recognised. */
export async function makeStreams(url: string, prefix: string, tellers: readonly Service[]): Promise<void> {
  const nc = await connect({ servers: url });
  const jsm = await jetstreamManager(nc);
  for (const teller of tellers)
    await jsm.streams.add({
      name: streamName(prefix, teller),
      subjects: [`${prefix}.${teller}.>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      duplicate_window: nanos(120_000),
    });
  await nc.close();
}

export class FloorBroker {
  readonly #nc: NatsConnection;
  readonly #prefix: string;
  readonly #inbox = createInbox();
  readonly #onStored: (factId: string, stream: string, seq: number) => void;
  readonly #waiting = new Map<string, string>();
  #last = 0;

  /** `onStored` hears where the broker put a fact. */
  static async open(
    url: string,
    prefix: string,
    onStored: (factId: string, stream: string, seq: number) => void,
  ): Promise<FloorBroker> {
    return new FloorBroker(await connect({ servers: url }), prefix, onStored);
  }

  constructor(
    nc: NatsConnection,
    prefix: string,
    onStored: (factId: string, stream: string, seq: number) => void,
  ) {
    this.#nc = nc;
    this.#prefix = prefix;
    this.#onStored = onStored;
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (_, answer) => {
        const number = answer.subject.slice(this.#inbox.length + 1);
        const { stream, seq } = answer.json<{ stream?: string; seq?: number }>();
        if (stream === undefined || seq === undefined) throw new Error(`not stored: ${answer.string()}`);
        const factId = this.#waiting.get(number) as string;
        this.#waiting.delete(number);
        this.#onStored(factId, stream, seq);
      },
    });
  }

  publish(type: string, factId: string, payload: Uint8Array): void {
    this.#last += 1;
    const number = `${this.#last}`;
    this.#waiting.set(number, factId);
    const carried = headers();
    carried.set("Nats-Msg-Id", factId);
    const reply = `${this.#inbox}.${number}`;
    this.#nc.publish(`${this.#prefix}.${type}`, payload, { headers: carried, reply });
  }

  /** A durable for each kind, so that nothing is delivered that nobody hears. */
  async hear(hearer: Service, kind: Kind, onFact: (received: Received) => void): Promise<ConsumerMessages> {
    const stream = streamName(this.#prefix, kind.teller);
    const durable = `${hearer}_hears_${kind.type.replace(".", "_")}`;
    const jsm = await jetstreamManager(this.#nc);
    await jsm.consumers.add(stream, {
      durable_name: durable,
      filter_subject: `${this.#prefix}.${kind.type}`,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(30_000),
      max_ack_pending: 4_096,
      max_deliver: -1,
    });
    const consumer = await jetstream(this.#nc).consumers.get(stream, durable);
    return await consumer.consume({
      max_messages: fetchedMost,
      callback: (arrived) =>
        onFact({
          kind,
          factId: arrived.headers?.get("Nats-Msg-Id") ?? "",
          payload: arrived.data,
          stream,
          seq: arrived.seq,
          acknowledge: () => arrived.ack(),
        }),
    });
  }
}
