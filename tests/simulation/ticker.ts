// The timers of a service's replicas: what runs every second or so in a process runs here when there is something for it.
//
// A sweep that finds nothing does nothing, so leaving those out changes no run, and hours without events cost nothing.
import type { Service } from "@quadrille/contracts/events";
import { sweepEveryMs } from "@quadrille/outbox/sweep";
import type { Opened, Replica } from "./replica.ts";
import { due } from "./stores.ts";
import type { World } from "./world.ts";

/** How often a replica sweeps its outbox. */
const outboxEveryMs = 5_000;
/** A worker that waits for the provider to come back asks no more often. */
const restlessEveryMs = 2_000;

export class Ticker {
  readonly #world: World;
  readonly #service: Service;
  readonly #busy = new Set<string>();
  #cancel: () => void = () => undefined;
  #nextMs = Number.POSITIVE_INFINITY;
  #outboxAtMs = 0;
  #restlessAtMs = 0;

  constructor(world: World, service: Service) {
    this.#world = world;
    this.#service = service;
  }

  /** Something was written, so something may be due from the next second on. */
  poke(): void {
    this.#lookAt(this.#world.clock.now() + sweepEveryMs);
  }

  #lookAt(atMs: number): void {
    if (atMs >= this.#nextMs) return;
    this.#cancel();
    this.#nextMs = atMs;
    this.#cancel = this.#world.clock.after(atMs - this.#world.clock.now(), () => {
      this.#nextMs = Number.POSITIVE_INFINITY;
      this.#look();
    });
  }

  #look(): void {
    const nowMs = this.#world.clock.now();
    const dueMs = this.#dueMs();
    const isOutboxDue = this.#world.databases[this.#service].outbox.waiting > 0;
    if (isOutboxDue && this.#outboxAtMs <= nowMs) {
      this.#outboxAtMs = nowMs + outboxEveryMs;
      this.#each((replica) => replica.relay.sweep(), "outbox");
    }
    if (dueMs <= nowMs) this.#each((replica) => replica.sweep(), "sweep");
    if (this.#service === "payment") this.#lookAfterPayments(nowMs);
    const nextMs = Math.min(
      dueMs,
      this.#askingMs(),
      isOutboxDue ? this.#outboxAtMs : Number.POSITIVE_INFINITY,
    );
    if (nextMs < Number.POSITIVE_INFINITY) this.#lookAt(Math.max(nowMs + sweepEveryMs, nextMs));
  }

  #lookAfterPayments(nowMs: number): void {
    if (this.#askingMs() > nowMs) return;
    this.#restlessAtMs = nowMs + restlessEveryMs;
    this.#each((replica) => (replica as Opened["payment"]).worker.look(), "leases");
  }

  /** Each replica does the work unless it is still at it, or cannot. */
  #each(work: (replica: Replica<unknown>) => Promise<void>, name: string): void {
    for (const replica of this.#world.replicasOf(this.#service)) {
      const { process } = replica;
      if (!process.isAlive || process.stillMs > 0) continue;
      const key = `${name} ${process.name}`;
      if (this.#busy.has(key)) continue;
      this.#busy.add(key);
      void work(replica)
        .catch(() => undefined) // As a schedule does: what went wrong is tried again.
        .finally(() => this.#busy.delete(key));
    }
  }

  /** When the earliest row has to be looked at by a sweep, by the clock of the run. */
  #dueMs(): number {
    return this.#rowDueMs() - this.#world.skewMs[this.#service];
  }

  #rowDueMs(): number {
    const { databases } = this.#world;
    switch (this.#service) {
      case "order":
        return earliest(databases.order.rows.orders, due.order);
      case "product":
        return earliest(databases.product.rows.holds, due.hold);
      case "member":
        return earliest(databases.member.rows.holds, due.hold);
      case "payment":
        return earliest(databases.payment.rows.payments, due.overdue);
    }
  }

  /** When the provider has to be asked next; at once while a worker waits for it to come back. */
  #askingMs(): number {
    if (this.#service !== "payment") return Number.POSITIVE_INFINITY;
    const { databases, skewMs } = this.#world;
    const askingMs = earliest(databases.payment.rows.payments, due.asking) - skewMs.payment;
    if (askingMs === Number.POSITIVE_INFINITY) return askingMs;
    const replicas = this.#world.replicasOf("payment") as readonly Opened["payment"][];
    const isRestless = replicas.some(({ process, provider }) => process.isAlive && provider.isRestless);
    return isRestless ? Math.min(askingMs, this.#restlessAtMs) : askingMs;
  }
}

function earliest<State>(
  rows: ReadonlyMap<string, { readonly state: State }>,
  when: (state: State) => Date | undefined,
): number {
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const { state } of rows.values()) {
    const ms = when(state)?.getTime();
    if (ms !== undefined && ms < earliestMs) earliestMs = ms;
  }
  return earliestMs;
}
