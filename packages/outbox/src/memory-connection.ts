// One replica's connection to a memory database: its transactions, their faults, and its death.
import type { HeardPlaces, Places, ToldPlaces } from "@quadrille/contracts/places";
import type { LeaseTable } from "./leases.ts";
import type { Fault, MemoryDatabase } from "./memory.ts";
import { leasesIn } from "./memory-leases.ts";
import { parkedIn } from "./memory-parked.ts";
import { heardIn, toldIn } from "./memory-places.ts";
import { MemoryTransaction, type Point } from "./memory-transaction.ts";
import type { OutboxTable } from "./outbox-table.ts";
import type { ParkedTable } from "./parked.ts";
import type { ServicePlaces } from "./places.ts";
import { wait } from "./ports.ts";
import type { Ground } from "./store.ts";
import { type GroupTransaction, TransactionFailed, type Transactions } from "./transaction.ts";

const never = () => new Promise<never>(() => undefined);

export class MemoryConnection<Tables, Entry> implements Ground<Tables, Entry>, Transactions<Tables, Entry> {
  readonly #database: MemoryDatabase<Tables, Entry>;
  readonly #replica: string;
  readonly #running = new Set<MemoryTransaction<Tables, Entry>>();
  #crashed = false;
  readonly transactions: Transactions<Tables, Entry> = this;
  readonly outbox: OutboxTable;
  readonly parked: ParkedTable;
  readonly leases: LeaseTable;
  readonly places: ServicePlaces;

  constructor(database: MemoryDatabase<Tables, Entry>, replica: string) {
    this.#database = database;
    this.#replica = replica;
    const { outbox } = database;
    this.outbox = {
      claim: (most) => this.#alive(() => outbox.claim(most)),
      release: (ids) => this.#alive(() => outbox.release(ids)),
      mark: (published) => this.#alive(() => outbox.mark(published)),
      backlog: () => this.#alive(() => outbox.backlog()),
    };
    this.parked = parkedIn(database.parked, () => database.now());
    const leases = leasesIn(database.leases, database.options.clock);
    this.leases = {
      take: (name, holder, ms) => this.#alive(() => leases.take(name, holder, ms)),
      release: (holder) => this.#alive(() => leases.release(holder)),
    };
    const told = toldIn(outbox, database.epochs);
    const heard = heardIn(database.inbox, database.epochs);
    this.places = {
      told: { ...this.#placesOf(told), ...this.#cutOf(told) },
      heard: { ...this.#placesOf(heard), ...this.#seenOf(heard) },
    };
  }

  /** The process died: its transactions are rolled back, and nothing it waits for ever comes. */
  crash(): void {
    this.#crashed = true;
    for (const transaction of this.#running) this.#database.locks.end(transaction);
    this.#running.clear();
  }

  async run<Result>(
    work: (transaction: GroupTransaction<Tables, Entry>) => Promise<Result>,
  ): Promise<Result> {
    await this.#at("begin");
    const transaction = new MemoryTransaction(this.#database, (point) => this.#at(point));
    this.#running.add(transaction);
    try {
      const result = await work(transaction);
      await this.#commit(transaction);
      return result;
    } finally {
      this.#database.locks.end(transaction);
      this.#running.delete(transaction);
    }
  }

  async isReady(): Promise<boolean> {
    return !this.#crashed;
  }

  async close(): Promise<void> {}

  async #commit(transaction: MemoryTransaction<Tables, Entry>): Promise<void> {
    const passing = this.#pass("commit");
    if (passing !== undefined) await passing;
    const fault = this.#database.options.fault?.("commit", this.#replica);
    if (fault === "lost_after" || fault === "crash_after" || fault === undefined) transaction.apply();
    if (fault !== undefined) await this.#fail(fault, "commit");
  }

  /** Undefined when nothing is to be waited for: a simulation comes by here many times for each order. */
  #at(point: Point): Promise<void> | undefined {
    const passing = this.#pass(point);
    if (passing !== undefined) return passing.then(() => this.#failAt(point));
    return this.#failAt(point);
  }

  #failAt(point: Point): Promise<void> | undefined {
    const fault = this.#database.options.fault?.(point, this.#replica);
    return fault === undefined ? undefined : this.#fail(fault, point);
  }

  /** Lets the point's time pass; for a process that died, for ever. */
  #pass(point: Point): Promise<void> | undefined {
    const { clock, latencyMs } = this.#database.options;
    const ms = latencyMs?.(point, this.#replica) ?? 0;
    if (ms > 0) return wait(clock, ms).then(() => (this.#crashed ? never() : undefined));
    return this.#crashed ? never() : undefined;
  }

  async #fail(fault: Fault, point: Point): Promise<void> {
    if (fault === "crash" || fault === "crash_after") {
      this.crash();
      return await never();
    }
    throw new TransactionFailed(fault === "lost_after" ? "lost" : fault, new Error(`${fault} at ${point}`));
  }

  #placesOf(places: Places): Places {
    return {
      known: (stream) => this.#alive(() => places.known(stream)),
      place: (stream, back) => this.#alive(() => places.place(stream, back)),
      begin: (stream) => this.#alive(() => places.begin(stream)),
      forget: (stream, above) => this.#alive(() => places.forget(stream, above)),
      end: (stream, created) => this.#alive(() => places.end(stream, created)),
      abandon: (stream) => this.#alive(() => places.abandon(stream)),
    };
  }

  #cutOf(places: ToldPlaces): Pick<ToldPlaces, "youngBelow" | "forgetCut"> {
    return {
      youngBelow: (stream, first, youngMs) => this.#alive(() => places.youngBelow(stream, first, youngMs)),
      forgetCut: (stream, cut, windowMs) => this.#alive(() => places.forgetCut(stream, cut, windowMs)),
    };
  }

  #seenOf(places: HeardPlaces): Pick<HeardPlaces, "saw"> {
    return { saw: (stream, place) => this.#alive(() => places.saw(stream, place)) };
  }

  #alive<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#crashed ? never() : work();
  }
}
