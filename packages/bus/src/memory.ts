// The bus inside one process: for tests and simulations that want every order of events, quickly and again.
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { durableOf, type Service, services, streamOf } from "@quadrille/contracts/events";
import { type Bus, type Hearing, type HearOptions, once, total, type Watching } from "./bus.ts";
import { pause } from "./connection.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { type Faults, MemoryStream, noFaults, type Stored } from "./memory-broker.ts";
import { Replica, readable } from "./memory-replica.ts";
import { header, type Message, messageOf, type Watched, watchedOf } from "./message.ts";
import type { BusLog, Clock, Random } from "./ports.ts";
import { NotPublished } from "./publisher.ts";
import { type Line, linesOf, tellersHeard } from "./subscription.ts";
import type { WatchOptions } from "./watch.ts";

export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** For the backoff's jitter; without one there is none. */
  readonly random?: Random;
  readonly faults?: Partial<Faults>;
  readonly limits?: Partial<Limits>;
}

export interface MemoryConnectOptions {
  readonly log: BusLog;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
}

export class MemoryBroker {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly #streams = new Map<string, MemoryStream>();
  readonly #awaited = new Map<string, (() => void)[]>();

  constructor({ clock, random = () => 1, faults = {}, limits = {} }: MemoryBrokerOptions) {
    this.clock = clock;
    this.random = random;
    this.faults = { ...noFaults, ...faults };
    this.limits = { ...defaultLimits, ...limits };
  }

  /** One replica of a service; its own clock stops with its process. */
  connect({ log, limits = {}, clock = this.clock }: MemoryConnectOptions): MemoryBus {
    return new MemoryBus(this, { ...this.limits, ...limits }, log, clock);
  }

  /** Puts any message on the stream that takes its subject, as a foreign publisher would. */
  publish(message: Message): Placement {
    const name = services.map(streamOf).find(({ subjects }) => takes(subjects, message.subject))?.name;
    const stream = this.#streams.get(name ?? "");
    if (stream === undefined) throw new NotPublished("no stream takes this fact");
    const id = message.headers.find(([name]) => name === header.publishId)?.[1];
    const { seq, duplicate } = stream.append(id, message);
    return { stream: stream.name, seq: BigInt(seq), duplicate };
  }

  make(teller: Service): void {
    const { name } = streamOf(teller);
    if (this.#streams.has(name)) return;
    this.#streams.set(name, new MemoryStream(name, this.clock, this.faults, this.limits.duplicateWindowMs));
    for (const tell of this.#awaited.get(name) ?? []) tell();
  }

  /** Resolves when the teller has made its stream. */
  async stream(teller: Service): Promise<MemoryStream> {
    const { name } = streamOf(teller);
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    await new Promise<void>((resolve) =>
      this.#awaited.set(name, [...(this.#awaited.get(name) ?? []), resolve]),
    );
    return await this.stream(teller);
  }
}

const takes = (subjects: readonly string[], subject: string) =>
  subjects.some((pattern) => subject.startsWith(pattern.slice(0, -1)));

export class MemoryBus implements Bus {
  readonly #broker: MemoryBroker;
  readonly #limits: Limits;
  readonly #log: BusLog;
  readonly #clock: Clock;
  readonly #open = new Set<Disposable | AsyncDisposable>();
  readonly #replicas: Replica[] = [];
  #closed = false;
  readonly publish: (envelope: Envelope) => Promise<Placement>;

  constructor(broker: MemoryBroker, limits: Limits, log: BusLog, clock: Clock) {
    this.#broker = broker;
    this.#limits = limits;
    this.#log = log;
    this.#clock = clock;
    this.publish = async (envelope) => this.#publish(envelope);
  }

  async ownStream(teller: Service): Promise<void> {
    this.#broker.make(teller);
  }

  #publish(envelope: Envelope): Placement {
    if (this.#closed) throw new NotPublished("the bus is closed");
    const { faults } = this.#broker;
    if (envelope.payload.length > this.#limits.payloadMost) {
      throw new NotPublished(`a payload of ${envelope.payload.length} bytes is too large`);
    }
    const message = messageOf(envelope);
    const fate = faults.publish(message);
    if (fate === "lost") throw new NotPublished("no answer from the broker");
    const placement = this.#broker.publish(message);
    if (fate === "unanswered") throw new NotPublished("no answer from the broker");
    return placement;
  }

  subscribe(hearer: Service, lines: readonly Line[], options: HearOptions): Hearing {
    const { random } = this.#broker;
    const limits = this.#limits;
    const clock = this.#clock;
    const byMessage = linesOf(hearer, lines);
    const replicas = tellersHeard(hearer, byMessage, this.#log).map((teller) => {
      const durable = durableOf(hearer, teller).name;
      const deliverer = { ...options, durable, lines: byMessage, limits, clock, random, log: this.#log };
      return new Replica(deliverer, this.#broker.stream(teller));
    });
    this.#replicas.push(...replicas);
    const close = once(async () => {
      this.#open.delete(hearing);
      const finished = new AbortController();
      void Promise.all(replicas.map((each) => each.close())).then(() => finished.abort());
      await pause(clock, limits.drainMs, finished.signal);
      for (const each of replicas) each.deliverer[Symbol.dispose]();
    });
    const hearing: Hearing = {
      ready: Promise.all(replicas.map((each) => each.ready)).then(() => undefined),
      get counts() {
        return total(replicas.map((each) => each.deliverer.counts));
      },
      [Symbol.asyncDispose]: close,
    };
    this.#open.add(hearing);
    return hearing;
  }

  watch(tellers: readonly Service[], onFact: (fact: Watched) => void, options: WatchOptions = {}): Watching {
    let over = false;
    const undo: (() => void)[] = [];
    const watchOne = async (teller: Service) => {
      const stream = await this.#broker.stream(teller);
      if (over) return;
      const show = (stored: Stored) => {
        const fact = watchedOf(readable(stored.message), { stream: stream.name, seq: BigInt(stored.seq) });
        if (fact === undefined) return;
        try {
          onFact(fact);
        } catch (error) {
          this.#log.error({ err: error, type: fact.type }, "a watcher failed; it goes on with the next fact");
        }
      };
      if (options.from === "start") for (const stored of stream.all()) show(stored);
      stream.watchers.add(show);
      undo.push(() => stream.watchers.delete(show));
    };
    const watching: Watching = {
      ready: Promise.all(tellers.map(watchOne)).then(() => undefined),
      [Symbol.dispose]: () => {
        over = true;
        this.#open.delete(watching);
        for (const each of undo) each();
      },
    };
    this.#open.add(watching);
    return watching;
  }

  isConnected(): boolean {
    return !this.#closed;
  }

  /** The process died: it takes, answers and publishes nothing more, and gives nothing back. */
  crash(): void {
    this.#closed = true;
    for (const replica of this.#replicas) replica.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#open].map((each) =>
        Symbol.asyncDispose in each ? each[Symbol.asyncDispose]() : each[Symbol.dispose](),
      ),
    );
    this.#closed = true;
  }
}
