// The outbox of a memory database.
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import type { Cut } from "@quadrille/contracts/places";
import type { MemoryEpochs } from "./memory-places.ts";
import type { OutboxTable, Published } from "./outbox-table.ts";
import type { Clock } from "./ports.ts";

export interface MemoryOutboxRow {
  readonly envelope: Envelope;
  claimedUntilMs: number;
  placement: Placement | undefined;
  /** When it got its placement. */
  publishedAtMs: number;
}

const youngMs = 5_000;
const claimMs = 30_000;

export class MemoryOutbox implements OutboxTable {
  readonly #clock: Clock;
  readonly #epochs: MemoryEpochs;
  /** Every fact ever told, by id, in the order of commits. */
  readonly rows = new Map<string, MemoryOutboxRow>();
  readonly #unpublished = new Map<string, MemoryOutboxRow>();

  constructor(clock: Clock, epochs: MemoryEpochs) {
    this.#clock = clock;
    this.#epochs = epochs;
  }

  insert(envelope: Envelope): void {
    if (this.rows.has(envelope.id)) throw new Error(`fact ${envelope.id} was told before`);
    const row = { envelope, claimedUntilMs: 0, placement: undefined, publishedAtMs: 0 };
    this.rows.set(envelope.id, row);
    this.#unpublished.set(envelope.id, row);
  }

  async claim(most: number): Promise<readonly Envelope[]> {
    const now = this.#clock.now();
    const claimed: Envelope[] = [];
    for (const row of this.#unpublished.values()) {
      if (claimed.length === most) break;
      if (row.envelope.occurredAt.getTime() >= now - youngMs || row.claimedUntilMs >= now) continue;
      row.claimedUntilMs = now + claimMs;
      claimed.push(row.envelope);
    }
    return claimed;
  }

  async release(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const row = this.#unpublished.get(id);
      if (row !== undefined) row.claimedUntilMs = 0;
    }
  }

  async mark(published: readonly Published[]): Promise<void> {
    for (const { id, placement } of published) {
      const row = this.#unpublished.get(id);
      const { epoch } = placement;
      if (row === undefined || (epoch !== undefined && epoch !== this.#epochs.epochOf(placement.stream)))
        continue;
      row.placement = placement;
      row.publishedAtMs = this.#clock.now();
      this.#unpublished.delete(id);
    }
  }

  /** The broker lost what is above, and below: it is not published any more, and not claimed while the broker recognises it. */
  forget(
    stream: string,
    { above, below }: Pick<Cut, "above"> & Partial<Cut>,
    windowMs = Number.NEGATIVE_INFINITY,
  ): void {
    const now = this.#clock.now();
    for (const [id, row] of this.rows) {
      if (row.placement?.stream !== stream || row.placement.seq <= above) continue;
      if (below !== undefined && row.placement.seq >= below) continue;
      row.placement = undefined;
      row.claimedUntilMs = Math.max(0, Math.min(row.publishedAtMs + 2 * windowMs, now + windowMs));
      this.#unpublished.set(id, row);
    }
  }

  youngBelow(stream: string, first: bigint, youngMs: number): Cut | undefined {
    const since = this.#clock.now() - youngMs;
    const young: bigint[] = [];
    let above = 0n;
    for (const { placement, publishedAtMs } of this.rows.values()) {
      if (placement?.stream !== stream || placement.seq >= first) continue;
      if (publishedAtMs > since) young.push(placement.seq);
      else if (placement.seq > above) above = placement.seq;
    }
    return young.some((seq) => seq > above) ? { above, below: first } : undefined;
  }

  async backlog(): Promise<number> {
    return this.waiting;
  }

  /** Facts that are not marked as published. */
  get waiting(): number {
    return this.#unpublished.size;
  }
}
