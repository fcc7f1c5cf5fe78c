// The bus as services see it, and the one that runs over JetStream.
import { jetstreamManager } from "@nats-io/jetstream";
import type { Envelope, Parked, Placement } from "@quadrille/contracts/envelope";
import { durableOf, type Service, streamOf } from "@quadrille/contracts/events";
import type { HeardPlaces, ToldPlaces } from "@quadrille/contracts/places";
import { Connection, type Session } from "./connection.ts";
import { Deliverer } from "./deliver.ts";
import type { Counts } from "./delivery.ts";
import type { ConfigDiffers } from "./difference.ts";
import { Gate } from "./gate.ts";
import { Hearer } from "./hear.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import type { Watched } from "./message.ts";
import { lookAt, serverOf } from "./now.ts";
import { type BusLog, type Clock, type Random, systemClock } from "./ports.ts";
import { Publisher } from "./publisher.ts";
import { Sightings } from "./sightings.ts";
import { ensureStream } from "./streams.ts";
import { type Line, linesOf, tellersHeard } from "./subscription.ts";
import { Watcher, type WatchOptions } from "./watch.ts";

export type { Counts } from "./delivery.ts";
export { ConfigDiffers } from "./difference.ts";
export { checkEveryMs } from "./epoch.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { Watched } from "./message.ts";
export type { BusLog, Clock, Random } from "./ports.ts";
export { NotPublished } from "./publisher.ts";
export { type Line, on } from "./subscription.ts";
export type { WatchOptions } from "./watch.ts";

export interface HearOptions {
  /** Sets a fact aside for an operator; resolves when that is committed. Parking the same fact twice is once. */
  readonly park: (parked: Parked) => Promise<unknown>;
  /** A message type this build does not know was acknowledged. */
  readonly onUnknown?: (messageName: string) => void;
  /** Where this service remembers what it heard; the broker is compared with it before anything is pulled. Without it the broker is believed. */
  readonly places?: HeardPlaces | undefined;
  /** Development: calls every handler a second time after it resolved, as a lost acknowledgement would. */
  readonly deliverTwice?: boolean;
}

/** What a service listens to, until disposed. */
export interface Hearing extends AsyncDisposable {
  /** Resolves when every durable stands; stays pending while a teller never had its stream. */
  readonly ready: Promise<void>;
  readonly counts: Counts;
}

export interface Watching extends Disposable {
  /** Resolves when the broker began to show what is told. */
  readonly ready: Promise<void>;
}

/** See the README for what each call promises. */
export interface Bus extends AsyncDisposable {
  /** With `places`, what the service remembers to have told, nothing is published before the broker was compared with it. */
  ownStream(teller: Service, places?: ToldPlaces): Promise<void>;
  publish(envelope: Envelope): Promise<Placement>;
  subscribe(hearer: Service, lines: readonly Line[], options: HearOptions): Hearing;
  watch(tellers: readonly Service[], onFact: (fact: Watched) => void, options?: WatchOptions): Watching;
  /** Compares the broker with what is remembered, and makes good what it lost; to be called every `checkEveryMs`. */
  check(): Promise<void>;
  isConnected(): boolean;
}

export interface BusOptions {
  readonly servers: readonly string[];
  /** The service's name: letters, digits and dashes. The broker shows it, and answers come on `_INBOX_<name>.>`, which no other service need be allowed to read. */
  readonly name: string;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  /** Files; the connection is encrypted when this is given or the broker asks for it. */
  readonly tls?:
    | { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
    | undefined;
  /** Brokers that keep each stream: 1 or 3. */
  readonly replicas: number;
  readonly log: BusLog;
  /** The broker has a stream or durable of ours that works otherwise; a service should stop. Called again while it stays so. */
  readonly onConfigDiffers: (difference: ConfigDiffers) => void;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Returns at once; the broker may come later. */
export function connectBus(options: BusOptions): Bus {
  const { clock = systemClock, random = Math.random } = options;
  if (!/^[a-z0-9-]+$/.test(options.name)) throw new Error(`${options.name} cannot be part of a subject`);
  const limits = { ...defaultLimits, ...options.limits };
  return new JetStreamBus({ ...options, clock, random, limits });
}

/** A stream of this service; with a gate, nothing is published before the broker was compared with what is remembered. */
interface Own {
  readonly gate: Gate | undefined;
  readonly ready: PromiseWithResolvers<void>;
  /** Whether it was found in place since it was last looked for. */
  stands: boolean;
  /** Ends the looking for it. */
  ending: AbortController;
}

type Settled = BusOptions & { readonly clock: Clock; readonly random: Random; readonly limits: Limits };

class JetStreamBus implements Bus {
  readonly #options: Settled;
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #own = new Map<Service, Own>();
  readonly #hearers = new Set<Hearer>();
  readonly #open = new Set<Disposable | AsyncDisposable>();
  /** A plain function, because the relay is handed nothing else of the bus. */
  readonly publish: (envelope: Envelope) => Promise<Placement>;

  constructor(options: Settled) {
    const { limits, clock } = options;
    this.#options = options;
    this.#connection = new Connection(options);
    // Every publish in flight reports it; the stream is looked for once.
    const onAmiss = () =>
      this.#own.forEach((own, teller) => {
        if (own.stands) this.#stand(teller, own);
      });
    const gateOf = (teller: Service) => this.#own.get(teller)?.gate;
    this.#publisher = new Publisher({ connection: this.#connection, limits, clock, gateOf, onAmiss });
    this.publish = (envelope) => this.#publisher.publish(envelope);
  }

  ownStream(teller: Service, places?: ToldPlaces): Promise<void> {
    this.#own.get(teller)?.ending.abort();
    const { limits, log } = this.#options;
    const gate = places && new Gate(places, streamOf(teller).name, limits, log);
    const ready = Promise.withResolvers<void>();
    const own = { gate, ready, stands: false, ending: new AbortController() };
    this.#own.set(teller, own);
    this.#stand(teller, own);
    return ready.promise;
  }

  /** Makes the stream and opens its gate, now and in every later session. */
  #stand(teller: Service, own: Own): void {
    const { replicas, limits } = this.#options;
    own.ending.abort();
    own.ending = new AbortController();
    const { signal } = own.ending;
    const job = this.#connection.eachSession(`stream of ${teller}`, async (session: Session) => {
      own.stands = false;
      own.gate?.shut();
      const jsm = await jetstreamManager(session.nc, { checkAPI: false });
      await ensureStream(jsm, teller, replicas, limits);
      const over = AbortSignal.any([session.signal, signal]);
      await own.gate?.open(lookAt(jsm, teller, serverOf(session.nc)), over);
      if (over.aborted) return;
      own.stands = true;
      own.ready.resolve();
    });
    signal.addEventListener("abort", () => job[Symbol.dispose]());
  }

  async check(): Promise<void> {
    const session = this.#connection.session;
    if (session === undefined) return; // Whatever comes next begins with a comparison.
    const jsm = await jetstreamManager(session.nc, { checkAPI: false });
    const server = serverOf(session.nc);
    const streams = [...this.#own].map(async ([teller, own]) => {
      if (own.gate !== undefined && !(await own.gate.check(lookAt(jsm, teller, server))))
        this.#stand(teller, own);
    });
    await Promise.all([...streams, ...[...this.#hearers].map((hearer) => hearer.check())]);
  }

  subscribe(hearer: Service, lines: readonly Line[], options: HearOptions): Hearing {
    const { limits, clock, random, log } = this.#options;
    const byMessage = linesOf(hearer, lines);
    const deliverers: Deliverer[] = [];
    const hearers = tellersHeard(hearer, byMessage, log).map((teller) => {
      const durable = durableOf(hearer, teller).name;
      const { places } = options;
      const sightings = places && new Sightings(places, streamOf(teller).name, clock, limits.sightedEveryMs);
      const how = { durable, lines: byMessage, sightings, limits, clock, random, log };
      const deliverer = new Deliverer({ ...options, ...how });
      deliverers.push(deliverer);
      const heard = { hearer, teller, deliverer, places };
      return new Hearer({ connection: this.#connection, ...heard, limits, clock, log });
    });
    for (const each of hearers) this.#hearers.add(each);
    const ready = Promise.all(hearers.map((each) => each.ready)).then(() => undefined);
    const close = once(async () => {
      this.#open.delete(hearing);
      for (const each of hearers) this.#hearers.delete(each);
      await Promise.all(hearers.map((each) => each[Symbol.asyncDispose]()));
    });
    const hearing: Hearing = {
      ready,
      get counts() {
        return total(deliverers.map((each) => each.counts));
      },
      [Symbol.asyncDispose]: close,
    };
    this.#open.add(hearing);
    return hearing;
  }

  watch(tellers: readonly Service[], onFact: (fact: Watched) => void, options: WatchOptions = {}): Watching {
    const { log } = this.#options;
    const watchers = tellers.map((teller) => new Watcher(this.#connection, teller, onFact, options, log));
    const watching: Watching = {
      ready: Promise.all(watchers.map((each) => each.ready)).then(() => undefined),
      [Symbol.dispose]: () => {
        this.#open.delete(watching);
        for (const each of watchers) each[Symbol.dispose]();
      },
    };
    this.#open.add(watching);
    return watching;
  }

  isConnected(): boolean {
    return this.#connection.session !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#open].map((each) =>
        Symbol.asyncDispose in each ? each[Symbol.asyncDispose]() : each[Symbol.dispose](),
      ),
    );
    for (const { ending } of this.#own.values()) ending.abort();
    this.#publisher[Symbol.dispose]();
    await this.#connection[Symbol.asyncDispose]();
  }
}

/** The sum over a hearer's durables. */
export function total(counts: readonly Counts[]): Counts {
  const sum = { handled: 0, unheard: 0, unknown: 0, parked: 0, again: 0 };
  for (const each of counts) {
    for (const outcome of Object.keys(sum) as (keyof Counts)[]) sum[outcome] += each[outcome];
  }
  return sum;
}

/** The same promise to everyone who calls. */
export function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
