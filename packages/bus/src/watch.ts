// Sees the facts of one teller pass, without acknowledging anything: for wake-ups and timelines.
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  ReplayPolicy,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { type Service, streamOf } from "@quadrille/contracts/events";
import type { Connection, Session } from "./connection.ts";
import { type Watched, watchedOf } from "./message.ts";
import type { BusLog } from "./ports.ts";

export interface WatchOptions {
  /** `now`: what is told from here on; `start`: everything the broker still has, then what follows. */
  readonly from?: "now" | "start";
}

/** A watcher that went away is forgotten by the broker after this long. */
const inactiveMs = 30_000;
const fetchedMost = 500;
const pullMs = 10_000;
const heartbeatMs = 2_000;

export class Watcher implements Disposable {
  readonly #teller: Service;
  readonly #onFact: (fact: Watched) => void;
  readonly #log: BusLog;
  readonly #stop = new AbortController();
  readonly #job: Disposable;
  readonly #stands = Promise.withResolvers<void>();
  #start: Pick<ConsumerConfig, "deliver_policy" | "opt_start_seq">;

  constructor(
    connection: Connection,
    teller: Service,
    onFact: (fact: Watched) => void,
    options: WatchOptions,
    log: BusLog,
  ) {
    this.#teller = teller;
    this.#onFact = onFact;
    this.#log = log;
    const all = options.from === "start";
    this.#start = { deliver_policy: all ? DeliverPolicy.All : DeliverPolicy.New };
    this.#job = connection.eachSession(`watch ${teller}`, (session) => this.#watch(session));
  }

  /** Resolves when the broker began to show what is told. */
  get ready(): Promise<void> {
    return this.#stands.promise;
  }

  [Symbol.dispose](): void {
    this.#job[Symbol.dispose]();
    this.#stop.abort();
  }

  async #watch(session: Session): Promise<void> {
    const manager = await jetstreamManager(session.nc, { checkAPI: false });
    const stream = streamOf(this.#teller).name;
    const info = await manager.consumers.add(stream, {
      ...this.#start,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(inactiveMs),
      mem_storage: true,
      num_replicas: 1,
    });
    const over = AbortSignal.any([this.#stop.signal, session.signal]);
    if (over.aborted) return;
    const messages = await jetstream(session.nc).consumers.getConsumerFromInfo(info).consume({
      max_messages: fetchedMost,
      expires: pullMs,
      idle_heartbeat: heartbeatMs,
      abort_on_missing_resource: true,
    });
    over.addEventListener("abort", () => messages.stop());
    this.#stands.resolve();
    for await (const message of messages) {
      if (over.aborted) continue;
      const seq = message.info.streamSequence;
      if (this.#start.deliver_policy !== DeliverPolicy.New) {
        // A timeline goes on after a lost connection where it stopped.
        this.#start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seq + 1 };
      }
      const { subject, data: payload, headers } = message;
      const header = (name: string) => headers?.get(name) || undefined;
      this.#show(watchedOf({ subject, payload, header }, { stream, seq: BigInt(seq) }));
    }
  }

  #show(fact: Watched | undefined): void {
    if (fact === undefined) return;
    try {
      this.#onFact(fact);
    } catch (error) {
      this.#log.error({ err: error, type: fact.type }, "a watcher failed; it goes on with the next fact");
    }
  }
}
