// The arena of the contract suites over a real nats-server, and one whose server is killed and robbed.
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { type Nats, startNats } from "@quadrille/embedded";
import { type Arena, type ForgetfulArena, limitsForTests, noLog } from "../arena.ts";
import { type Bus, type BusOptions, type ConfigDiffers, connectBus, type Limits } from "../bus.ts";
import type { Message } from "../message.ts";
import { systemClock } from "../ports.ts";

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

/** What a broker learnt last is written down a moment later. */
const flushMs = 400;

/** A server that ends as a power cut would end it, and finds another store when it starts again. */
export class RobbedArena extends JetStreamArena implements ForgetfulArena {
  readonly #storeDir: string;
  #server: Nats;
  #copies = 0;

  static async start(storeDir: string, limits: Partial<Limits>): Promise<RobbedArena> {
    const server = await startNats({ storeDir, keep: true });
    const nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    return new RobbedArena(server, storeDir, nc, await jetstreamManager(nc), limits);
  }

  private constructor(
    server: Nats,
    storeDir: string,
    nc: NatsConnection,
    jsm: JetStreamManager,
    limits: Partial<Limits>,
  ) {
    super(server.url, nc, jsm, limits);
    this.#server = server;
    this.#storeDir = storeDir;
  }

  async restart(rob: () => Promise<void> = async () => {}): Promise<void> {
    const { port } = this.#server;
    this.#server.kill("SIGKILL");
    await this.#server.exited;
    await this.#server.stop();
    await rob();
    this.#server = await startNats({ storeDir: this.#storeDir, port, keep: true });
  }

  wipe(): Promise<void> {
    return this.restart(() => rm(this.#server.jetstreamDir, { recursive: true }));
  }

  async copy() {
    this.#copies += 1;
    const { jetstreamDir } = this.#server;
    const copied = join(this.#storeDir, `copy-${this.#copies}`);
    await sleep(flushMs);
    this.#server.kill("SIGSTOP");
    await sleep(100); // Until the last of its threads stands still.
    await cp(jetstreamDir, copied, { recursive: true });
    this.#server.kill("SIGCONT");
    return async (of: "all" | "messages") => {
      await sleep(flushMs);
      await this.restart(async () => {
        const folders = of === "all" ? [""] : [join("$G", "streams", "QUADRILLE_ORDER", "msgs")];
        for (const folder of folders) {
          await rm(join(jetstreamDir, folder), { recursive: true });
          await cp(join(copied, folder), join(jetstreamDir, folder), { recursive: true });
        }
      });
    };
  }

  async dropStream(): Promise<void> {
    await this.jsm.streams.delete("QUADRILLE_ORDER");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#server.stop();
  }
}
