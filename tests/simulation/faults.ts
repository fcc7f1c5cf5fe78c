// What may go wrong in a run: the kinds, which of them a seed has, how often each strikes.
//
// Every seed has another subset (a swarm): faults that are always on together hide what each can do alone.
import { Die } from "./die.ts";

/** The meaning of each kind, and how likely it is, at the most, at each occasion. */
export const kinds = {
  "bus.lose": { most: 0.3, meaning: "a publish does not reach the broker" },
  "bus.unanswered": { most: 0.3, meaning: "the broker stores a fact and its answer is lost" },
  "bus.drop": { most: 0.3, meaning: "a delivery is lost" },
  "bus.ackLost": { most: 0.3, meaning: "the broker does not hear what became of a delivery" },
  "bus.double": { most: 0.5, meaning: "a delivery arrives twice" },
  "bus.delay": { most: 0.2, meaning: "a delivery takes up to two minutes" },
  "bus.reorder": { most: 1, meaning: "deliveries overtake each other" },
  "bus.wiped": { most: 1, meaning: "the broker loses everything and starts again" },
  "bus.setBack": { most: 1, meaning: "the broker starts again with an old copy of its store" },
  "bus.purged": { most: 1, meaning: "the broker lets the front of a stream go before it is old" },
  "bus.streamLost": { most: 1, meaning: "the broker loses one stream without a word" },
  "database.conflict": { most: 0.1, meaning: "a transaction is rolled back because of another" },
  "database.busy": { most: 0.1, meaning: "a lock is not to be had in time" },
  "database.lost": { most: 0.05, meaning: "the connection breaks before the commit" },
  "database.lostAfter": { most: 0.1, meaning: "the connection breaks after the commit" },
  "crash.database": { most: 0.01, meaning: "a replica dies at a step of a transaction" },
  "crash.committed": { most: 0.03, meaning: "a replica dies between a commit and its answer" },
  "crash.publish": { most: 0.03, meaning: "a replica dies between a commit and its publish" },
  "crash.mark": { most: 0.03, meaning: "a replica dies between a publish and its mark" },
  "crash.ack": { most: 0.02, meaning: "a replica dies between a commit and its acknowledgement" },
  "crash.places": {
    most: 0.05,
    meaning: "a replica dies while it compares the broker with what is remembered",
  },
  "crash.provider": { most: 0.2, meaning: "payment dies between a call to the provider and its record" },
  "clock.skew": { most: 1, meaning: "the databases' clocks differ by up to a minute" },
  pause: { most: 0.01, meaning: "a replica stands still for up to 45 seconds and goes on" },
  "provider.timeoutBefore": { most: 0.4, meaning: "a call is lost on its way to the provider" },
  "provider.timeoutAfter": { most: 0.4, meaning: "the provider acts and its answer is lost" },
  "provider.late": { most: 0.4, meaning: "the provider acts long after nobody waits any more" },
  "provider.error": { most: 0.4, meaning: "the provider answers 5xx, with or without having acted" },
  "provider.decline": { most: 0.5, meaning: "the provider declines" },
  "provider.amount": { most: 0.3, meaning: "the provider takes another amount" },
  "provider.slow": { most: 0.5, meaning: "the provider takes seconds to answer" },
  "provider.outage": { most: 0.1, meaning: "the provider answers nobody for up to two minutes" },
  "provider.notFound": { most: 0.4, meaning: "the provider does not know a payment yet" },
  "provider.processed": { most: 0.5, meaning: "the provider says only that it was asked before" },
  "member.neverPays": { most: 0.5, meaning: "a buyer never pays" },
  "member.paysLate": { most: 0.7, meaning: "a buyer pays around the end of the time to pay" },
  "member.cancels": { most: 0.5, meaning: "a buyer cancels within seconds" },
  "member.cancelsLate": { most: 0.5, meaning: "a buyer cancels later, perhaps when everything is settled" },
  "member.cancelsTwice": { most: 0.7, meaning: "a buyer who cancels does it again" },
  "member.repeats": { most: 0.7, meaning: "a buyer asks the same thing several times at once" },
  "member.hangsUp": { most: 0.5, meaning: "a buyer hangs up and asks again" },
  "member.reuses": { most: 0.5, meaning: "a buyer uses a request id again for something else" },
  "member.pokes": { most: 0.5, meaning: "a buyer pays with two payment keys at once" },
  "operator.resolves": {
    most: 0.8,
    meaning: "a person decides about a payment in doubt, rightly or too soon",
  },
  "holds.short": { most: 1, meaning: "holds last hardly longer than the time to pay" },
  "stock.scarce": { most: 1, meaning: "there is less in stock than is wanted" },
  "points.scarce": { most: 1, meaning: "members want to use more points than they have" },
} as const satisfies Record<string, { readonly most: number; readonly meaning: string }>;

export type FaultKind = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as FaultKind[];
export const isKind = (name: string): name is FaultKind => Object.hasOwn(kinds, name);

/** How many kinds of the swarm a seed has, about. */
const enabledShare = 0.22;
const strengths = [0.1, 0.4, 1];

export class Faults {
  readonly enabled: readonly FaultKind[];
  readonly struck = new Map<FaultKind, number>();
  readonly #seed: number;
  readonly #chances = new Map<FaultKind, number>();
  readonly #dice = new Map<FaultKind, Map<string, Die>>();
  /** Hears of each that struck, and whom. */
  onStrike: (kind: FaultKind, about: string) => void = () => undefined;
  #isOn = false;

  /** Without a choice of kinds it is the seed's own. */
  constructor(seed: number, only?: readonly FaultKind[]) {
    this.#seed = seed;
    for (const kind of kindNames) {
      // Each kind's share and strength are its own, so that taking one away, or adding one, leaves the others as they were.
      const swarm = new Die(seed, `swarm ${kind}`);
      const isInSwarm = swarm.chance(enabledShare);
      const strength = swarm.pick(strengths);
      if (!(only?.includes(kind) ?? isInSwarm)) continue;
      this.#chances.set(kind, kinds[kind].most * strength);
      this.#dice.set(kind, new Map());
    }
    this.enabled = [...this.#chances.keys()];
  }

  /** Until then everything goes well. */
  begin(): void {
    this.#isOn = true;
  }

  /** From now on nothing goes wrong any more. */
  end(): void {
    this.#isOn = false;
  }

  has(kind: FaultKind): boolean {
    return this.#chances.has(kind);
  }

  /** For what is so, or not, from the beginning. */
  isSo(kind: FaultKind): boolean {
    if (!this.#chances.has(kind)) return false;
    this.#count(kind, "the run");
    return true;
  }

  /** Whether it happens on this occasion, by the die of whatever it happens to: an order, a process. */
  strikes(kind: FaultKind, about: string): boolean {
    if (!this.#isOn) return false;
    const chance = this.#chances.get(kind);
    if (chance === undefined || this.die(kind, about).next() >= chance) return false;
    this.#count(kind, about);
    return true;
  }

  /** The same by the die of a buyer, which is rolled whatever is enabled, and even if the buyer never gets so far. */
  strikesBuyer(kind: FaultKind, die: Die, getsSoFar = true): boolean {
    const rolled = die.next();
    if (!this.#isOn || !getsSoFar || rolled >= (this.#chances.get(kind) ?? 0)) return false;
    this.#count(kind, "a buyer");
    return true;
  }

  /** For what else there is to choose about a fault that struck. */
  die(kind: FaultKind, about: string): Die {
    const dice = this.#dice.get(kind);
    if (dice === undefined) throw new Error(`${kind} is not enabled`);
    let die = dice.get(about);
    if (die === undefined) {
      die = new Die(this.#seed, `${kind} ${about}`);
      dice.set(about, die);
    }
    return die;
  }

  #count(kind: FaultKind, about: string): void {
    this.onStrike(kind, about);
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }
}
