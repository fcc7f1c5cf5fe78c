// Whether a service may publish on its own stream just now: only while the broker was found to have what the outbox says.
import type { Placement } from "@quadrille/contracts/envelope";
import type { ToldPlaces } from "@quadrille/contracts/places";
import {
  compareTold,
  type Keeping,
  type Look,
  type Pass,
  StreamGone,
  settleTold,
  warnOfHoles,
} from "./epoch.ts";
import type { BusLog } from "./ports.ts";

/** Why nothing is published while the gate is shut. */
export const whileShut = "what the broker still has is being compared with what it was given";

/** A pass and what it promised when something was sent under it. */
export interface Leave {
  readonly pass: Pass;
  readonly floor: bigint;
}

export class Gate {
  readonly #places: ToldPlaces;
  readonly #stream: string;
  readonly #keeping: Keeping;
  readonly #log: BusLog;
  #pass: Pass | undefined;
  /** The broker counts from before, so answers it gave may not be true any more. */
  #gavePlaceTwice = false;

  constructor(places: ToldPlaces, stream: string, keeping: Keeping, log: BusLog) {
    this.#places = places;
    this.#stream = stream;
    this.#keeping = keeping;
    this.#log = log;
  }

  /** The leave to publish now; undefined while nobody may. */
  get leave(): Leave | undefined {
    return this.#pass && { pass: this.#pass, floor: this.#pass.floor };
  }

  shut(): void {
    this.#pass = undefined;
  }

  /** Compares, makes good what is lost, and opens, unless that is over by then. */
  async open(look: Look, over: AbortSignal): Promise<void> {
    this.shut();
    const gavePlaceTwice = this.#gavePlaceTwice;
    const pass = await settleTold(this.#places, this.#stream, look, this.#keeping, this.#log, gavePlaceTwice);
    if (over.aborted) return;
    this.#gavePlaceTwice = false;
    this.#pass = pass;
  }

  /** Compares while it is open; false when it had to be shut. */
  async check(look: Look): Promise<boolean> {
    const pass = this.#pass;
    if (pass === undefined) return true; // Whoever shut it is opening it.
    const isSound = await this.#isSound(look, pass);
    if (this.#pass !== pass) return true;
    if (!isSound) this.shut();
    return isSound;
  }

  async #isSound(look: Look, { epoch }: Pass): Promise<boolean> {
    try {
      const { isWhole, known, stream } = await compareTold(this.#places, this.#stream, look, this.#keeping);
      warnOfHoles(stream, this.#log);
      return isWhole && known?.created === stream.created && known.epoch === epoch;
    } catch (error) {
      if (error instanceof StreamGone) return false;
      throw error;
    }
  }

  /** A placement with its epoch; undefined, and the gate shut, when the broker counts from before. */
  stamped({ pass, floor }: Leave, placement: Placement): Placement | undefined {
    if (!placement.duplicate && placement.seq <= floor) {
      if (this.#pass !== pass) return undefined;
      this.#gavePlaceTwice = true;
      this.shut();
      return undefined;
    }
    if (placement.seq > pass.floor) pass.floor = placement.seq;
    return { ...placement, epoch: pass.epoch };
  }
}
