// Pulls one durable's messages and hands them to the deliverer, for as long as the service listens.
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type Service, streamOf } from "@quadrille/contracts/events";
import { type Connection, pause, type Session } from "./connection.ts";
import type { Deliverer } from "./deliver.ts";
import type { Delivery } from "./delivery.ts";
import type { Limits } from "./limits.ts";
import type { BusLog, Clock } from "./ports.ts";
import { ensureDurable } from "./streams.ts";

/** An idle pull is asked again after this long; a broker that is silent for two heartbeats is asked whether the durable still exists. */
const pullMs = 10_000;
const heartbeatMs = 2_000;

export interface HearerOptions {
  readonly connection: Connection;
  readonly hearer: Service;
  readonly teller: Service;
  readonly deliverer: Deliverer;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: BusLog;
}

export class Hearer implements AsyncDisposable {
  readonly #options: HearerOptions;
  readonly #stop = new AbortController();
  readonly #job: Disposable;
  readonly #stands = Promise.withResolvers<void>();
  /** The newest loop over fetched messages; older ones belong to sessions that are over. */
  #looping: Promise<void> = Promise.resolve();

  constructor(options: HearerOptions) {
    this.#options = options;
    const name = `${options.hearer} hears ${options.teller}`;
    this.#job = options.connection.eachSession(name, (session) => this.#pull(session));
  }

  /** Resolves when the durable was there, as it should be, for the first time. */
  get ready(): Promise<void> {
    return this.#stands.promise;
  }

  /** Pulls no more, gives back what was not begun, and waits, within bounds, for the handlers in flight. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { deliverer, limits, clock, log, hearer, teller } = this.#options;
    this.#stop.abort();
    this.#job[Symbol.dispose]();
    const finished = new AbortController();
    const looped = this.#looping.catch(() => undefined);
    void looped.then(() => deliverer.fewerThan(1)).then(() => finished.abort());
    await pause(clock, limits.drainMs, finished.signal);
    if (deliverer.inFlight > 0) {
      log.warn({ hearer, teller, inFlight: deliverer.inFlight }, "closed before every handler was done");
    }
    deliverer[Symbol.dispose]();
  }

  async #pull(session: Session): Promise<void> {
    const { hearer, teller, limits } = this.#options;
    const info = await ensureDurable(
      await jetstreamManager(session.nc, { checkAPI: false }),
      hearer,
      teller,
      limits,
    );
    this.#stands.resolve();
    const over = AbortSignal.any([this.#stop.signal, session.signal]);
    if (over.aborted) return;
    const messages = await jetstream(session.nc).consumers.getConsumerFromInfo(info).consume({
      max_messages: limits.fetchedMost,
      expires: pullMs,
      idle_heartbeat: heartbeatMs,
      // A durable that vanished ends the loop with an error, and the next run makes it again.
      abort_on_missing_resource: true,
    });
    over.addEventListener("abort", () => messages.stop());
    this.#looping = this.#loop(messages, session, over);
    await this.#looping;
  }

  async #loop(messages: AsyncIterable<JsMsg>, session: Session, over: AbortSignal): Promise<void> {
    const { teller, deliverer, limits } = this.#options;
    const stream = streamOf(teller).name;
    for await (const message of messages) {
      const delivery = new JetStreamDelivery(message, stream, session);
      // Not asking for more while the handlers are busy is what holds the broker back.
      if (deliverer.isFull) await deliverer.fewerThan(limits.inFlightMost);
      if (over.aborted) deliverer.giveBack(delivery);
      else void deliverer.deliver(delivery);
    }
  }
}

/**
 * A message of one session. Its answers end with the session: the broker that comes back may have lost its store and count
 * from one again, and then an old answer would acknowledge another fact.
 */
class JetStreamDelivery implements Delivery {
  readonly #message: JsMsg;
  readonly #session: Session;
  readonly stream: string;
  readonly seq: bigint;
  readonly deliveries: number;

  constructor(message: JsMsg, stream: string, session: Session) {
    this.#message = message;
    this.#session = session;
    this.stream = stream;
    this.seq = BigInt(message.info.streamSequence);
    this.deliveries = message.info.deliveryCount;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get payload(): Uint8Array {
    return this.#message.data;
  }

  get storedAt(): number {
    return this.#message.time.getTime();
  }

  header(name: string): string | undefined {
    // The library answers an absent header with an empty string; neither says anything.
    return this.#message.headers?.get(name) || undefined;
  }

  headers(): Record<string, string> {
    return Object.fromEntries(
      [...(this.#message.headers ?? [])].map(([name, all]) => [name, all.join(", ")]),
    );
  }

  ack(): void {
    this.#answer(() => this.#message.ack());
  }

  nak(delayMs: number): void {
    this.#answer(() => this.#message.nak(delayMs));
  }

  term(): void {
    this.#answer(() => this.#message.term());
  }

  working(): void {
    this.#answer(() => this.#message.working());
  }

  #answer(send: () => void): void {
    const { gathered, signal } = this.#session;
    gathered.add(() => {
      if (!signal.aborted) send();
    });
  }
}
