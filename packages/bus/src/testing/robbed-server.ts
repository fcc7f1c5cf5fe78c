// A real nats-server that ends as a power cut would end it, and finds another store when it starts again.
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Nats, startNats } from "@quadrille/embedded";

/** What a broker learnt last is written down a moment later. */
const flushMs = 400;
/** A signal stops the threads of a process one by one. */
const standStillMs = 100;

export class RobbedServer implements AsyncDisposable {
  readonly url: string;
  readonly #storeDir: string;
  #server: Nats;
  #copies = 0;

  static async start(storeDir: string): Promise<RobbedServer> {
    return new RobbedServer(await startNats({ storeDir, keep: true }), storeDir);
  }

  private constructor(server: Nats, storeDir: string) {
    this.url = server.url;
    this.#server = server;
    this.#storeDir = storeDir;
  }

  /** Kills it, lets that happen to its store, and starts it again. */
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

  /** Copies the store as it is now; answers with the folder of the copy. */
  async copy(): Promise<string> {
    this.#copies += 1;
    const copied = join(this.#storeDir, `copy-${this.#copies}`);
    await sleep(flushMs);
    this.#server.kill("SIGSTOP");
    await sleep(standStillMs);
    await cp(this.#server.jetstreamDir, copied, { recursive: true });
    this.#server.kill("SIGCONT");
    return copied;
  }

  /** The copy takes the store's place: all of it, or the messages alone, so that the durables know more than there is. */
  async putBack(copied: string, of: "all" | "messages"): Promise<void> {
    const { jetstreamDir } = this.#server;
    await sleep(flushMs);
    await this.restart(async () => {
      const streams = join("$G", "streams");
      const folders =
        of === "all"
          ? [""]
          : (await readdir(join(copied, streams))).map((stream) => join(streams, stream, "msgs"));
      for (const folder of folders) {
        await rm(join(jetstreamDir, folder), { recursive: true });
        await cp(join(copied, folder), join(jetstreamDir, folder), { recursive: true });
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }
}
