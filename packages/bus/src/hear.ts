// Pulls one durable's messages and hands them to the deliverer, for as long as the service listens.
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type Service, streamOf } from "@quadrille/contracts/events";
import type { Places } from "@quadrille/contracts/places";
import { type Connection, pause, type Session } from "./connection.ts";
import type { Deliverer } from "./deliver.ts";
import type { Delivery } from "./delivery.ts";
import { checkHeard, settleHeard } from "./epoch.ts";
import type { Gathered } from "./gather.ts";
import type { Limits } from "./limits.ts";
import { heardStream, serverOf } from "./now.ts";
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
  /** Where this hearer remembers the stream to be; without it the broker is believed. */
  readonly places: Places | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: BusLog;
}

/** The time between finding a durable in place and its end: of the durable, the session or the hearer. */
interface Pull {
  readonly session: Session;
  /** Ends it, because the durable is not what is remembered any more. */
  readonly end: AbortController;
}

/** What is answered, and until when. */
interface Answers {
  readonly gathered: Gathered;
  readonly signal: AbortSignal;
}

export class Hearer implements AsyncDisposable {
  readonly #options: HearerOptions;
  readonly #stop = new AbortController();
  readonly #job: Disposable;
  readonly #stands = Promise.withResolvers<void>();
  /** The newest loop over fetched messages; older ones belong to sessions that are over. */
  #looping: Promise<void> = Promise.resolve();
  #pulling: Pull | undefined;

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
    void looped.then(() => deliverer.drained()).then(() => finished.abort());
    await pause(clock, limits.drainMs, finished.signal);
    if (deliverer.inFlight > 0) {
      log.warn({ hearer, teller, inFlight: deliverer.inFlight }, "closed before every handler was done");
    }
    deliverer[Symbol.dispose]();
  }

  /** Compares what is pulled from with what is remembered, and begins again if it is another. */
  async check(): Promise<void> {
    const pulling = this.#pulling;
    const { places, hearer, teller, limits, log } = this.#options;
    if (pulling === undefined || places === undefined || pulling.session.signal.aborted) return;
    const jsm = await jetstreamManager(pulling.session.nc, { checkAPI: false });
    const heard = heardStream({ jsm, server: serverOf(pulling.session.nc) }, hearer, teller, limits);
    if (!(await checkHeard(places, heard, log))) pulling.end.abort();
  }

  /** Pulls until the session is over, or fails; whatever ends it, the durable is looked at before it is pulled from again. */
  async #pull(session: Session): Promise<void> {
    const { hearer, teller, limits, places, log } = this.#options;
    const jsm = await jetstreamManager(session.nc, { checkAPI: false });
    const heard = heardStream({ jsm, server: serverOf(session.nc) }, hearer, teller, limits);
    while (!this.#stop.signal.aborted && !session.signal.aborted) {
      if (places !== undefined) await settleHeard(places, heard, log);
      const info = await ensureDurable(jsm, hearer, teller, limits);
      this.#stands.resolve();
      const pull = { session, end: new AbortController() };
      const over = AbortSignal.any([this.#stop.signal, session.signal, pull.end.signal]);
      if (over.aborted) return;
      const messages = await jetstream(session.nc).consumers.getConsumerFromInfo(info).consume({
        max_messages: limits.fetchedMost,
        expires: pullMs,
        idle_heartbeat: heartbeatMs,
        // A durable that vanished ends the loop with an error, and the next run makes it again.
        abort_on_missing_resource: true,
      });
      over.addEventListener("abort", () => messages.stop());
      this.#pulling = pull;
      void this.#watchHeartbeats(messages);
      this.#looping = this.#loop(messages, pull, over);
      await this.#looping;
    }
  }

  /** A broker that falls silent may be another one when it speaks again. */
  async #watchHeartbeats(messages: ConsumerMessages): Promise<void> {
    const { log, hearer, teller } = this.#options;
    for await (const status of messages.status()) {
      if (status.type !== "heartbeats_missed") continue;
      await this.check().catch((error: unknown) => {
        log.debug({ err: error, hearer, teller }, "a broker that missed heartbeats could not be asked");
      });
    }
  }

  async #loop(messages: AsyncIterable<JsMsg>, pull: Pull, over: AbortSignal): Promise<void> {
    const { teller, deliverer, limits } = this.#options;
    const stream = streamOf(teller).name;
    const { gathered } = pull.session;
    const answers = { gathered, signal: AbortSignal.any([pull.session.signal, pull.end.signal]) };
    try {
      for await (const message of messages) {
        const delivery = new JetStreamDelivery(message, stream, answers);
        // Not asking for more while the handlers are busy is what holds the broker back.
        if (deliverer.isFull) await deliverer.fewerThan(limits.inFlightMost);
        if (over.aborted) deliverer.giveBack(delivery);
        else void deliverer.deliver(delivery);
      }
    } catch (error) {
      pull.end.abort(); // The durable is gone, and one of the same name may not be answered about its facts.
      throw error;
    }
  }
}

/**
 * A message of one pull. Its answers end with it: the broker that comes back may have lost its store and count from one
 * again, a durable made anew may be at another place, and then an old answer would acknowledge another fact.
 */
class JetStreamDelivery implements Delivery {
  readonly #message: JsMsg;
  readonly #answers: Answers;
  readonly stream: string;
  readonly seq: bigint;
  readonly deliveries: number;

  constructor(message: JsMsg, stream: string, answers: Answers) {
    this.#message = message;
    this.#answers = answers;
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
    const { gathered, signal } = this.#answers;
    gathered.add(() => {
      if (!signal.aborted) send();
    });
  }
}
