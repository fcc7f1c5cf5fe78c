// What a memory database remembers of where the broker keeps facts.
import type {
  HeardPlaces,
  KnownStream,
  Making,
  Place,
  Places,
  ToldPlaces,
} from "@quadrille/contracts/places";
import type { MemoryOutbox } from "./memory-outbox.ts";
import { epochMs } from "./places.ts";
import type { Clock } from "./ports.ts";
import type { Claim } from "./transaction.ts";

export class MemoryEpochs {
  readonly #clock: Clock;
  readonly #streams = new Map<string, KnownStream & { readonly untilMs: number }>();
  /** The highest message of a stream that left no row. */
  readonly seen = new Map<string, Place>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  epochOf(stream: string): number {
    return this.#streams.get(stream)?.epoch ?? 0;
  }

  known(stream: string): KnownStream | undefined {
    const known = this.#streams.get(stream);
    return known?.created === undefined || known.created === "" ? undefined : known;
  }

  begin(stream: string): boolean {
    const { created = "", server = "", epoch = 0, untilMs = 0 } = this.#streams.get(stream) ?? {};
    const now = this.#clock.now();
    if (untilMs > now) return false;
    this.#streams.set(stream, { created, server, epoch: epoch + 1, untilMs: now + epochMs });
    return true;
  }

  end(stream: string, { created, server }: Making): KnownStream {
    const known = { created, server, epoch: this.epochOf(stream) };
    this.#streams.set(stream, { ...known, untilMs: 0 });
    return known;
  }

  abandon(stream: string): void {
    const known = this.#streams.get(stream);
    if (known !== undefined) this.#streams.set(stream, { ...known, untilMs: 0 });
  }
}

/** One side's memory; `kept` gives every remembered place of a stream. */
function placesIn(
  epochs: MemoryEpochs,
  kept: (stream: string) => Place[],
  forget: (stream: string, above: bigint) => void,
): Places {
  return {
    known: async (stream) => epochs.known(stream),
    async place(stream, back) {
      const places = kept(stream);
      if (back > 0) places.sort((one, other) => Number(other.seq - one.seq));
      return back > 0 ? places[back] : highest(places);
    },
    begin: async (stream) => epochs.begin(stream),
    forget: async (stream, above) => forget(stream, above),
    end: async (stream, making) => epochs.end(stream, making),
    abandon: async (stream) => epochs.abandon(stream),
  };
}

function highest(places: readonly Place[]): Place | undefined {
  let found: Place | undefined;
  for (const place of places) if (found === undefined || place.seq > found.seq) found = place;
  return found;
}

export const toldIn = (outbox: MemoryOutbox, epochs: MemoryEpochs): ToldPlaces => ({
  ...placesIn(
    epochs,
    (stream) =>
      [...outbox.rows].flatMap(([factId, { placement }]) =>
        placement?.stream === stream ? [{ seq: placement.seq, factId, storedAt: undefined }] : [],
      ),
    (stream, above) => outbox.forget(stream, { above }),
  ),
  youngBelow: async (stream, first, youngMs) => outbox.youngBelow(stream, first, youngMs),
  forgetCut: async (stream, cut, windowMs) => outbox.forget(stream, cut, windowMs),
});

export const heardIn = (inbox: Map<string, Claim>, epochs: MemoryEpochs): HeardPlaces => ({
  ...placesIn(
    epochs,
    (of) => {
      const seen = epochs.seen.get(of);
      const handled = [...inbox.values()].flatMap(({ factId, stream, seq, storedAt }) =>
        stream === of && seq > 0n ? [{ seq, factId, storedAt }] : [],
      );
      return seen === undefined ? handled : [...handled, seen];
    },
    (stream, above) => {
      for (const [factId, claim] of inbox)
        if (claim.stream === stream && claim.seq > above) inbox.set(factId, { ...claim, seq: 0n });
      if ((epochs.seen.get(stream)?.seq ?? 0n) > above) epochs.seen.delete(stream);
    },
  ),
  async saw(stream, place) {
    if ((epochs.seen.get(stream)?.seq ?? 0n) < place.seq) epochs.seen.set(stream, place);
  },
});
