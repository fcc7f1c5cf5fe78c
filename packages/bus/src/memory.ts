// The bus inside one process: for tests and simulations that want every order of events, quickly and again.
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { durableOf, kindOf, type Service, services, streamOf } from "@quadrille/contracts/events";
import type { ToldPlaces } from "@quadrille/contracts/places";
import { type Bus, type Hearing, type HearOptions, once, total, type Watching } from "./bus.ts";
import { pause } from "./connection.ts";
import { type Look, StreamGone } from "./epoch.ts";
import { Gate, whileShut } from "./gate.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import {
  type DurablesThen,
  type Faults,
  MemoryStream,
  noFaults,
  publishIdOf,
  type Stored,
} from "./memory-broker.ts";
import { Replica, readable, streamNow } from "./memory-replica.ts";
import { type Message, messageOf, type Watched, watchedOf } from "./message.ts";
import type { BusLog, Clock, Random } from "./ports.ts";
import { NotPublished } from "./publisher.ts";
import { Sightings } from "./sightings.ts";
import { type Line, linesOf, tellersHeard } from "./subscription.ts";
import type { WatchOptions } from "./watch.ts";

export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** For the backoff's jitter; without one there is none. */
  readonly random?: Random;
  readonly faults?: Partial<Faults>;
  readonly limits?: Partial<Limits>;
  /** How long a connection stays away when the broker starts again; 100. */
  readonly reconnectMs?: number;
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
  readonly #reconnectMs: number;
  readonly #buses = new Set<MemoryBus>();
  readonly #streams = new Map<string, MemoryStream>();
  #made = 0;
  readonly #awaited = new Map<string, (() => void)[]>();

  constructor({ clock, random = () => 1, faults = {}, limits = {}, reconnectMs = 100 }: MemoryBrokerOptions) {
    this.clock = clock;
    this.#reconnectMs = reconnectMs;
    this.random = random;
    this.faults = { ...noFaults, ...faults };
    this.limits = { ...defaultLimits, ...limits };
  }

  /** One replica of a service; its own clock stops with its process. */
  connect({ log, limits = {}, clock = this.clock }: MemoryConnectOptions): MemoryBus {
    const bus = new MemoryBus(this, { ...this.limits, ...limits }, log, clock);
    this.#buses.add(bus);
    return bus;
  }

  /** Puts any message on the stream that takes its subject, as a foreign publisher would. */
  publish(message: Message): Placement {
    const name = services.map(streamOf).find(({ subjects }) => takes(subjects, message.subject))?.name;
    const stream = this.#streams.get(name ?? "");
    if (stream === undefined) throw new NotPublished("no stream takes this fact");
    const { seq, duplicate } = stream.append(publishIdOf(message), message);
    return { stream: stream.name, seq: BigInt(seq), duplicate };
  }

  make(teller: Service): void {
    const { name } = streamOf(teller);
    if (this.#streams.has(name)) return;
    this.#made += 1;
    const { clock, faults, limits } = this;
    this.#streams.set(name, new MemoryStream(name, `${this.#made}`, clock, faults, limits.duplicateWindowMs));
    for (const tell of this.#awaited.get(name) ?? []) tell();
    this.#awaited.delete(name);
  }

  /** The teller's stream, if it is there. */
  kept(teller: Service): MemoryStream | undefined {
    return this.#streams.get(streamOf(teller).name);
  }

  /** Resolves when the teller has made its stream. */
  async stream(teller: Service): Promise<MemoryStream> {
    const { name } = streamOf(teller);
    const stream = this.kept(teller);
    if (stream !== undefined) return stream;
    await new Promise<void>((resolve) =>
      this.#awaited.set(name, [...(this.#awaited.get(name) ?? []), resolve]),
    );
    return await this.stream(teller);
  }

  /**
   * Forgets everything and starts again, so that every connection is lost; or, if a teller is named, only loses its
   * stream, under everyone's eyes and without a word.
   */
  wipe(teller?: Service): void {
    for (const [name, stream] of this.#streams) {
      if (teller !== undefined && name !== streamOf(teller).name) continue;
      this.#streams.delete(name);
      stream.end();
    }
    if (teller === undefined) this.#restart();
  }

  /**
   * Starts again with an old copy of its store: every stream as it was so many ms ago, or up to a sequence. What the
   * durables then remember is as old, older, or newer than that.
   */
  rollBack(to: { readonly ms: number } | { readonly toSeq: number }, durables: DurablesThen = "same"): void {
    const kept = "ms" in to ? { storedUntil: this.clock.now() - to.ms } : { seq: to.toSeq };
    for (const stream of this.#streams.values()) stream.rollBack(kept, durables);
    this.#restart();
  }

  /** Lets the front of a teller's stream go, up to that message or all there is, under everyone's eyes and without a word. */
  purge(teller: Service, upToSeq?: number): void {
    this.#streams.get(streamOf(teller).name)?.purge(upToSeq);
  }

  #restart(): void {
    for (const bus of this.#buses) bus.lostConnection(this.#reconnectMs);
  }

  left(bus: MemoryBus): void {
    this.#buses.delete(bus);
  }
}

const takes = (subjects: readonly string[], subject: string) =>
  subjects.some((pattern) => subject.startsWith(pattern.slice(0, -1)));

/** Before a comparison that failed is tried again. */
const retryMs = 100;

/** A stream of this service; with a gate, nothing is published until the broker was found to have what it should. */
interface Own {
  readonly gate: Gate | undefined;
  readonly stands: PromiseWithResolvers<void>;
  isSettling: boolean;
}

export class MemoryBus implements Bus {
  readonly #broker: MemoryBroker;
  readonly #limits: Limits;
  readonly #log: BusLog;
  readonly #clock: Clock;
  readonly #open = new Set<Disposable | AsyncDisposable>();
  readonly #replicas: Replica[] = [];
  readonly #own = new Map<Service, Own>();
  readonly #watches = new Set<() => void>();
  /** Undefined while there is no connection. */
  #session: AbortController | undefined = new AbortController();
  #closed = false;
  readonly publish: (envelope: Envelope) => Promise<Placement>;

  constructor(broker: MemoryBroker, limits: Limits, log: BusLog, clock: Clock) {
    this.#broker = broker;
    this.#limits = limits;
    this.#log = log;
    this.#clock = clock;
    this.publish = async (envelope) => this.#publish(envelope);
  }

  async ownStream(teller: Service, places?: ToldPlaces): Promise<void> {
    const gate = places && new Gate(places, streamOf(teller).name, this.#limits, this.#log);
    const own = { gate, stands: Promise.withResolvers<void>(), isSettling: false };
    this.#own.set(teller, own);
    void this.#settle(teller, own);
    return own.stands.promise;
  }

  /** Makes the stream and opens its gate, as often as it takes. */
  async #settle(teller: Service, own: Own): Promise<void> {
    const over = this.#session?.signal;
    if (over === undefined || own.isSettling) return;
    own.isSettling = true;
    while (!over.aborted) {
      try {
        this.#broker.make(teller);
        await own.gate?.open(this.#lookAt(teller), over);
        break;
      } catch (error) {
        this.#log.debug({ err: error, teller }, "will be tried again");
        await pause(this.#clock, retryMs, over);
      }
    }
    own.isSettling = false;
    if (!over.aborted) own.stands.resolve();
    else if (this.#session !== undefined) await this.#settle(teller, own); // A new session began meanwhile.
  }

  #lookAt(teller: Service): Look {
    return async () => {
      const stream = this.#broker.kept(teller);
      if (stream === undefined) throw new StreamGone(streamOf(teller).name);
      return streamNow(stream);
    };
  }

  async check(): Promise<void> {
    const streams = [...this.#own].map(async ([teller, own]) => {
      if (own.gate !== undefined && !(await own.gate.check(this.#lookAt(teller))))
        await this.#settle(teller, own);
    });
    await Promise.all([...streams, ...this.#replicas.map((replica) => replica.check())]);
  }

  /** The broker is gone, and back after so many ms. */
  lostConnection(forMs: number): void {
    if (this.#closed) return;
    this.#session?.abort();
    this.#session = undefined;
    for (const { gate } of this.#own.values()) gate?.shut();
    for (const replica of this.#replicas) replica.end();
    this.#clock.after(forMs, () => {
      if (this.#closed || this.#session !== undefined) return;
      this.#session = new AbortController();
      for (const [teller, own] of this.#own) void this.#settle(teller, own);
      for (const replica of this.#replicas) replica.begin();
      for (const watch of this.#watches) watch();
    });
  }

  #publish(envelope: Envelope): Placement {
    if (this.#closed) throw new NotPublished("the bus is closed");
    const { faults } = this.#broker;
    if (envelope.payload.length > this.#limits.payloadMost) {
      throw new NotPublished(`a payload of ${envelope.payload.length} bytes is too large`);
    }
    if (this.#session === undefined) throw new NotPublished("there is no connection to the broker");
    const message = messageOf(envelope);
    const teller = kindOf(envelope.type)?.teller as Service;
    const own = this.#own.get(teller);
    const leave = own?.gate?.leave;
    if (own?.gate !== undefined && leave === undefined) throw new NotPublished(whileShut);
    const fate = faults.publish(message);
    if (fate === "lost") throw new NotPublished("no answer from the broker");
    const placement = this.#placed(message, teller);
    if (fate === "unanswered") throw new NotPublished("no answer from the broker");
    if (own?.gate === undefined || leave === undefined) return placement;
    const stamped = own.gate.stamped(leave, placement);
    if (stamped !== undefined) return stamped;
    void this.#settle(teller, own);
    throw new NotPublished(whileShut);
  }

  #placed(message: Message, teller: Service): Placement {
    try {
      return this.#broker.publish(message);
    } catch (error) {
      const own = this.#own.get(teller);
      own?.gate?.shut();
      if (own !== undefined) void this.#settle(teller, own); // The stream is gone.
      throw error;
    }
  }

  subscribe(hearer: Service, lines: readonly Line[], options: HearOptions): Hearing {
    const { random } = this.#broker;
    const limits = this.#limits;
    const clock = this.#clock;
    const byMessage = linesOf(hearer, lines);
    const replicas = tellersHeard(hearer, byMessage, this.#log).map((teller) => {
      const durable = durableOf(hearer, teller).name;
      const { places } = options;
      const sightings = places && new Sightings(places, streamOf(teller).name, clock, limits.sightedEveryMs);
      const how = { durable, lines: byMessage, sightings, limits, clock, random, log: this.#log };
      return new Replica({ ...options, ...how, places, stream: () => this.#broker.stream(teller) });
    });
    this.#replicas.push(...replicas);
    if (this.#session !== undefined) for (const replica of replicas) replica.begin();
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
    const watched = new Set<MemoryStream>();
    const watchOne = async (teller: Service) => {
      const stream = await this.#broker.stream(teller);
      if (over || watched.has(stream)) return;
      watched.add(stream);
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
    const watchAll = () => Promise.all(tellers.map(watchOne));
    this.#watches.add(watchAll);
    const watching: Watching = {
      ready: watchAll().then(() => undefined),
      [Symbol.dispose]: () => {
        over = true;
        this.#watches.delete(watchAll);
        this.#open.delete(watching);
        for (const each of undo) each();
      },
    };
    this.#open.add(watching);
    return watching;
  }

  isConnected(): boolean {
    return !this.#closed && this.#session !== undefined;
  }

  /** The process died: it takes, answers and publishes nothing more, and gives nothing back. */
  crash(): void {
    this.#leave();
    for (const replica of this.#replicas) replica.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#open].map((each) =>
        Symbol.asyncDispose in each ? each[Symbol.asyncDispose]() : each[Symbol.dispose](),
      ),
    );
    this.#leave();
  }

  #leave(): void {
    this.#closed = true;
    this.#session?.abort();
    this.#session = undefined; // Whoever still settles something must not take it for a new one.
    this.#broker.left(this);
  }
}
