// A service's memory for tests of the bus: an outbox with what it told, an inbox with what it heard, no database.
import type { Envelope } from "@quadrille/contracts/envelope";
import type { Service } from "@quadrille/contracts/events";
import { Refusal } from "@quadrille/decider";
import { MemoryOutbox } from "@quadrille/outbox/memory-outbox";
import { heardIn, MemoryEpochs, toldIn } from "@quadrille/outbox/memory-places";
import type { Claim } from "@quadrille/outbox/transaction";
import { factFor, linesFor, parkNothing } from "../arena.ts";
import type { Bus, Hearing } from "../bus.ts";
import type { Clock } from "../ports.ts";

export class Teller {
  readonly outbox: MemoryOutbox;
  readonly places;
  readonly #clock: Clock;
  #publishing: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
    const epochs = new MemoryEpochs(clock);
    this.outbox = new MemoryOutbox(clock, epochs);
    this.places = toldIn(this.outbox, epochs);
  }

  /** Facts that payment hears, in the outbox and nowhere else. */
  tell(count: number, type = "order.confirmation_failed"): readonly Envelope[] {
    const facts = Array.from({ length: count }, () => ({ ...factFor(), type }));
    for (const fact of facts) this.outbox.insert(fact);
    return facts;
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.outbox.rows.keys());
  }

  get unpublished(): readonly Envelope[] {
    return [...this.outbox.rows.values()]
      .filter(({ placement }) => placement === undefined)
      .map(({ envelope }) => envelope);
  }

  /** Those a sweep would be given. */
  get #claimable(): readonly Envelope[] {
    const now = this.#clock.now();
    return this.unpublished.filter(({ id }) => Number(this.outbox.rows.get(id)?.claimedUntilMs) < now);
  }

  /** Publishes these one after the other. */
  async publishInTurn(bus: Bus, facts: readonly Envelope[]): Promise<void> {
    for (const fact of facts) {
      const placement = await bus.publish(fact);
      await this.outbox.mark([{ id: fact.id, placement }]);
    }
  }

  /** What a relay does: publishes what is not published, and marks what the broker took. */
  publish(bus: Bus): Promise<void> {
    const work = async () => {
      await Promise.all(
        this.#claimable.map(async (fact) => {
          try {
            const placement = await bus.publish(fact);
            await this.outbox.mark([{ id: fact.id, placement }]);
          } catch {
            // It stays unpublished, and the next look finds it.
          }
        }),
      );
    };
    this.#publishing = this.#publishing.then(work);
    return this.#publishing;
  }
}

export class Listener {
  readonly inbox = new Map<string, Claim>();
  /** How often each fact came. */
  readonly deliveries = new Map<string, number>();
  readonly places;
  /** Facts wait here while it is shut. */
  gate: PromiseLike<unknown> = Promise.resolve();
  /** Facts that cannot be handled just now. */
  readonly refused = new Set<string>();
  /** Questions about what is remembered wait here while it is shut. */
  memory: PromiseLike<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    const places = heardIn(this.inbox, new MemoryEpochs(clock));
    this.places = {
      ...places,
      known: async (stream: string) => {
        await this.memory;
        return await places.known(stream);
      },
    };
  }

  hear(bus: Bus, hearer: Service = "payment"): Hearing {
    const lines = linesFor(hearer, async (_, { id: factId, stream, seq, storedAt, deliveries }) => {
      await this.gate;
      if (this.refused.has(factId)) throw new Refusal("UNAVAILABLE");
      this.deliveries.set(factId, (this.deliveries.get(factId) ?? 0) + 1);
      if (!this.inbox.has(factId)) this.inbox.set(factId, { factId, stream, seq, storedAt, deliveries });
    });
    return bus.subscribe(hearer, lines, { ...parkNothing, places: this.places });
  }

  hasAll(ids: Iterable<string>): boolean {
    return [...ids].every((id) => this.inbox.has(id));
  }
}
