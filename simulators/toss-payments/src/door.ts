// door.ts: the port the simulator listens on, which can be shut for a while so that connections are refused.
import type { Server } from "node:http";
import type { Log } from "./log.ts";

const AGAIN_MS = 50;

export class Door implements Disposable {
  readonly #server: Server;
  readonly #log: Log;
  #port = 0;
  #host = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  /** Told once where the simulator listens, because that is where it must listen again. */
  opened(address: string): void {
    const { hostname, port } = new URL(address);
    this.#host = hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(port || 80);
  }

  /** From now on new connections are refused, the control API's too. `cut` ends the open ones. */
  shut(ms: number): { cut: () => void } {
    this.#server.close();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), ms);
    this.#log("connections refused", { ms });
    return { cut: () => this.#server.closeAllConnections() };
  }

  #open(): void {
    const again = (error: Error) => {
      this.#log("not open yet", { error: String(error) });
      this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
    };
    this.#server.once("error", again);
    this.#server.listen({ host: this.#host, port: this.#port }, () => {
      this.#server.off("error", again);
      this.#log("connections accepted");
    });
  }

  /** A shut door stays shut. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
