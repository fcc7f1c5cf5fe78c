// Remembers where messages were that leave no row behind, before they are acknowledged.
//
// A fact that was handled leaves its place in the inbox. One that nobody here wants leaves nothing, nor does one that was
// parked. Were it acknowledged at once, a broker that is set back could be given another fact in its place, and a durable
// that remembers more than its stream would pass over that one. So its answer waits until its place, or a higher one, is
// written down: one small write for everything that came in a while.
import type { HeardPlaces, Place } from "@quadrille/contracts/places";
import { pause } from "./connection.ts";
import type { Clock } from "./ports.ts";

export class Sightings {
  readonly #places: HeardPlaces;
  readonly #stream: string;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #hurry = new AbortController();
  #highest: Place | undefined;
  #written: Promise<void> | undefined;

  constructor(places: HeardPlaces, stream: string, clock: Clock, everyMs: number) {
    this.#places = places;
    this.#stream = stream;
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Resolves when this place or a higher one is remembered; rejects when the database cannot be told. */
  remember(place: Place): Promise<void> {
    if (this.#highest === undefined || place.seq > this.#highest.seq) this.#highest = place;
    this.#written ??= this.#write();
    return this.#written;
  }

  /** From now on nothing waits for more to come. */
  hurry(): void {
    this.#hurry.abort();
  }

  async #write(): Promise<void> {
    await pause(this.#clock, this.#everyMs, this.#hurry.signal);
    const highest = this.#highest;
    this.#highest = undefined;
    this.#written = undefined;
    if (highest !== undefined) await this.#places.saw(this.#stream, highest);
  }
}
