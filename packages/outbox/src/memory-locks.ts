// Locks as PostgreSQL keeps them: held until the transaction ends, given in the order they were asked for, with deadlocks and a time limit.
import type { Clock } from "./ports.ts";
import { TransactionFailed } from "./transaction.ts";

/** Whoever holds locks; one transaction. */
export interface Holder {
  /** What it waits for, if it waits. */
  waiting: Waiter | undefined;
  readonly held: string[];
  ended: boolean;
}

interface Waiter {
  readonly name: string;
  give(): void;
  /** Ends the time limit. */
  cancel(): void;
}

interface Lock {
  owner: Holder;
  readonly queue: Waiter[];
}

export class Locks {
  readonly #locks = new Map<string, Lock>();
  readonly #clock: Clock;
  readonly #waitMs: number;

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Takes a lock, at once if it is free. Rejects with `conflict` at a deadlock, `busy` when it takes too long. */
  take(holder: Holder, name: string): Promise<void> | undefined {
    // A process that died asks for nothing more.
    if (holder.ended) return new Promise(() => undefined);
    const lock = this.#locks.get(name);
    if (lock === undefined) {
      this.#locks.set(name, { owner: holder, queue: [] });
      holder.held.push(name);
      return undefined;
    }
    if (lock.owner === holder) return undefined;
    if (this.#waitsFor(lock.owner, holder)) {
      return Promise.reject(new TransactionFailed("conflict", new Error(`deadlock at ${name}`)));
    }
    return this.#wait(holder, name, lock);
  }

  /** Gives one lock back before the end. */
  release(holder: Holder, name: string): void {
    holder.held.splice(holder.held.indexOf(name), 1);
    this.#pass(name);
  }

  /** Ends a holder: it holds nothing any more and waits for nothing. */
  end(holder: Holder): void {
    holder.ended = true;
    this.#leave(holder);
    for (const name of holder.held.splice(0)) this.#pass(name);
  }

  #wait(holder: Holder, name: string, lock: Lock): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#waitMs, () => {
        this.#leave(holder);
        reject(new TransactionFailed("busy", new Error(`lock timeout at ${name}`)));
      });
      const give = () => {
        cancel();
        holder.waiting = undefined;
        holder.held.push(name);
        lock.owner = holder;
        resolve();
      };
      holder.waiting = { name, give, cancel };
      lock.queue.push(holder.waiting);
    });
  }

  #leave(holder: Holder): void {
    const { waiting } = holder;
    if (waiting === undefined) return;
    holder.waiting = undefined;
    waiting.cancel();
    const queue = this.#locks.get(waiting.name)?.queue;
    queue?.splice(queue.indexOf(waiting), 1);
  }

  #pass(name: string): void {
    const lock = this.#locks.get(name);
    const next = lock?.queue.shift();
    if (next === undefined) this.#locks.delete(name);
    else next.give();
  }

  /** Whether `owner` waits, over any number of others, for `holder`. */
  #waitsFor(owner: Holder, holder: Holder): boolean {
    let at: Holder | undefined = owner;
    while (at?.waiting !== undefined) {
      at = this.#locks.get(at.waiting.name)?.owner;
      if (at === holder) return true;
    }
    return false;
  }
}
