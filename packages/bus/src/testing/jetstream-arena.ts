// The arena of the contract suites over a real nats-server, and one whose server is killed and robbed.
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { type Arena, type ForgetfulArena, limitsForTests, noLog } from "../arena.ts";
import { type Bus, type BusOptions, type ConfigDiffers, connectBus, type Limits } from "../bus.ts";
import type { Message } from "../message.ts";
import { systemClock } from "../ports.ts";
import { RobbedServer } from "./robbed-server.ts";

export class JetStreamArena implements Arena {
  readonly clock = systemClock;
  readonly url: string;
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly differences: ConfigDiffers[] = [];
  readonly #limits: Partial<Limits>;
  readonly #open: Bus[] = [];

  protected constructor(url: string, nc: NatsConnection, jsm: JetStreamManager, limits: Partial<Limits>) {
    this.url = url;
    this.nc = nc;
    this.jsm = jsm;
    this.#limits = limits;
  }

  static async open(
    { url }: { readonly url: string },
    limits: Partial<Limits> = limitsForTests,
  ): Promise<JetStreamArena> {
    const nc = await connect({ servers: url });
    return new JetStreamArena(url, nc, await jetstreamManager(nc), limits);
  }

  connect(limits: Partial<Limits> = {}, options: Partial<BusOptions> = {}): Bus {
    const bus = connectBus({
      servers: [this.url],
      name: "test",
      replicas: 1,
      log: noLog,
      onConfigDiffers: (difference) => this.differences.push(difference),
      ...options,
      limits: { ...this.#limits, ...limits },
    });
    this.#open.push(bus);
    return bus;
  }

  async put(message: Message): Promise<void> {
    const carried = headers();
    for (const [name, value] of message.headers) carried.append(name, value);
    await jetstream(this.nc).publish(message.subject, message.payload, { headers: carried });
  }

  async until(holds: () => boolean, withinMs = 20_000): Promise<void> {
    const deadline = systemClock.now() + withinMs;
    while (!holds()) {
      if (systemClock.now() > deadline) throw new Error(`not within ${withinMs} ms`);
      await this.pass(5);
    }
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => systemClock.after(ms, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((bus) => bus[Symbol.asyncDispose]()));
    await this.nc.close();
    // A connection of its own, because the arena's may still be waiting for a server that was killed.
    await using nc = await connect({ servers: this.url });
    const { streams } = await jetstreamManager(nc);
    for await (const { config } of streams.list()) await streams.delete(config.name);
  }
}

/** The same over a server that can be robbed of its store. */
export class RobbedArena extends JetStreamArena implements ForgetfulArena {
  readonly #server: RobbedServer;

  static async start(storeDir: string, limits: Partial<Limits>): Promise<RobbedArena> {
    const server = await RobbedServer.start(storeDir);
    const nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    return new RobbedArena(server, nc, await jetstreamManager(nc), limits);
  }

  private constructor(
    server: RobbedServer,
    nc: NatsConnection,
    jsm: JetStreamManager,
    limits: Partial<Limits>,
  ) {
    super(server.url, nc, jsm, limits);
    this.#server = server;
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  wipe(): Promise<void> {
    return this.#server.wipe();
  }

  async copy() {
    const copied = await this.#server.copy();
    return (of: "all" | "messages") => this.#server.putBack(copied, of);
  }

  async dropStream(): Promise<void> {
    await this.jsm.streams.delete("QUADRILLE_ORDER");
  }

  async purge(upToSeq?: number): Promise<void> {
    const upTo = upToSeq === undefined ? undefined : { seq: upToSeq + 1 }; // The first that stays.
    await this.jsm.streams.purge("QUADRILLE_ORDER", upTo);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
