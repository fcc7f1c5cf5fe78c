// Facts the broker has whose rows do not say so yet: marked many at once, kept when the database does not answer.
import type { OutboxTable, Published } from "./outbox-table.ts";
import type { OutboxLog } from "./ports.ts";

export class Marks {
  readonly #outbox: OutboxTable;
  readonly #log: OutboxLog;
  readonly #most: number;
  #waiting: Published[] = [];
  #flushing: Promise<void> | undefined;

  constructor(outbox: OutboxTable, log: OutboxLog, most: number) {
    this.#outbox = outbox;
    this.#log = log;
    this.#most = most;
  }

  /** Returns how many wait now. */
  add(published: Published): number {
    return this.#waiting.push(published);
  }

  /** Marks what waits now and what comes meanwhile. Never rejects: what cannot be marked waits for the next time. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#outbox.mark(batch);
      } catch (error) {
        // Forgotten ones are published again, which is harmless; memory must not grow without end.
        this.#waiting = [...batch, ...this.#waiting].slice(0, this.#most);
        this.#log.warn({ err: error, waiting: this.#waiting.length }, "published facts could not be marked");
        return;
      }
    }
  }
}
