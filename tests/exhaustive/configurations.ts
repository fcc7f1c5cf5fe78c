// What is tried: where one order may start, what may happen to it, and at which moments.
import type { Service } from "@quadrille/contracts/events";

/** What the payment provider may do with a charge that reaches it. */
export type ChargeOutcome = "taken" | "declined" | "other amount";

export interface Configuration {
  readonly name: string;
  readonly points: bigint;
  readonly amountDue: bigint;
  /** Units that can be sold; the order wants one. */
  readonly stock: number;
  readonly pointsOwned: bigint;
  /** The clock stands still but for its jumps from one of these to the next. */
  readonly momentsSeconds: readonly number[];
  /** The service whose clock may be one moment before the others', or behind them. */
  readonly skewed: Service | undefined;
  readonly outcomes: readonly ChargeOutcome[];
  /** The member may ask for a cancel at any time. */
  readonly cancels: boolean;
  /** Another buyer may take the unit, and an operator the points, at any time. */
  readonly rival: boolean;
  /** A process may die, and a call go unanswered, whenever the provider is asked. */
  readonly doubts: boolean;
  /** After a payment key's life the provider denies that it knows it. */
  readonly forgets: boolean;
  /** How long it may really take the money for a key: longer than we reckon means that it lied. */
  readonly keyLifeSeconds: number;
  /** The provider refuses the first refund: a person has to look. */
  readonly refusesRefund: boolean;
}

/** One unit, wanted and paid with money alone; nothing goes wrong but the sequence and the time of everything. */
const plain: Omit<Configuration, "name"> = {
  points: 0n,
  amountDue: 1000n,
  stock: 1,
  pointsOwned: 100n,
  momentsSeconds: [0, 95_000],
  skewed: undefined,
  outcomes: ["taken", "declined"],
  cancels: false,
  rival: false,
  doubts: false,
  forgets: false,
  keyLifeSeconds: 600,
  refusesRefund: false,
};
const partly = { points: 100n, amountDue: 900n };
const wholly = { points: 1000n, pointsOwned: 1000n, amountDue: 0n };
const all: readonly ChargeOutcome[] = ["taken", "declined", "other amount"];

// What is late, by the moment: 61 s, the holds; 601 s, the buyer; 720 s, payment's word and the key; 4500 s, any answer of
// the provider; 95,000 s, the holds' own end.
const late = [0, 720, 95_000];
const ended = [0, 61, 601, 720, 4500, 95_000];

/** Together some seconds: tried with every run of the tests. */
export const brief: readonly Configuration[] = [
  { ...plain, name: "money; no holds in time", momentsSeconds: [0, 61, 601, 95_000] },
  { ...plain, name: "money; product's clock", skewed: "product", momentsSeconds: [0, 61, 601, 95_000] },
  { ...plain, name: "money; payment's clock", skewed: "payment", momentsSeconds: [0, 61, 601, 95_000] },
  { ...plain, name: "money; cancels", cancels: true },
  { ...plain, name: "money; cancels; refund refused", cancels: true, refusesRefund: true, outcomes: all },
  { ...plain, name: "money; cancels; rival", cancels: true, rival: true },
  {
    ...plain,
    name: "money; doubts; cancels",
    doubts: true,
    cancels: true,
    outcomes: ["taken", "other amount"],
  },
  { ...plain, name: "money; doubts; late; forgets", doubts: true, forgets: true, momentsSeconds: late },
  { ...plain, ...partly, name: "points, money; late", momentsSeconds: late },
  { ...plain, ...wholly, name: "points; rival; late", rival: true, momentsSeconds: late },
];

/** Together some minutes. */
export const thorough: readonly Configuration[] = [
  { ...plain, name: "money; every deadline", momentsSeconds: ended },
  { ...plain, name: "money; cancels; no holds in time", cancels: true, momentsSeconds: [0, 61, 95_000] },
  { ...plain, name: "money; cancels; late", cancels: true, momentsSeconds: late },
  { ...plain, name: "money; cancels; late; rival", cancels: true, rival: true, momentsSeconds: late },
  {
    ...plain,
    name: "money; cancels; late; refund refused",
    cancels: true,
    refusesRefund: true,
    momentsSeconds: late,
    outcomes: ["taken", "other amount"],
  },
  { ...plain, name: "money; doubts; cancels; all", doubts: true, cancels: true, outcomes: all },
  { ...plain, name: "money; doubts; late; cancels", doubts: true, cancels: true, momentsSeconds: late },
  {
    ...plain,
    name: "money; doubts; late; forgets; all",
    doubts: true,
    forgets: true,
    momentsSeconds: late,
    outcomes: all,
  },
  {
    ...plain,
    name: "money; doubts; a person is asked",
    doubts: true,
    momentsSeconds: [0, 720, 4500, 95_000],
  },
  {
    ...plain,
    name: "money; doubts; takes what it denies",
    doubts: true,
    forgets: true,
    keyLifeSeconds: 5000,
    momentsSeconds: late,
  },
  {
    ...plain,
    name: "money; cancels; late; order's clock",
    skewed: "order",
    cancels: true,
    momentsSeconds: late,
  },
  {
    ...plain,
    name: "money; doubts; late; payment's clock",
    skewed: "payment",
    doubts: true,
    forgets: true,
    momentsSeconds: late,
  },
  {
    ...plain,
    ...partly,
    name: "points, money; late; member's clock",
    skewed: "member",
    momentsSeconds: late,
  },
  { ...plain, ...partly, name: "points, money; cancels", cancels: true },
  { ...plain, ...partly, name: "points, money; late; rival", rival: true, momentsSeconds: late },
  { ...plain, ...partly, name: "points, money; cancels; rival", cancels: true, rival: true },
  { ...plain, ...partly, name: "points, money; doubts", doubts: true, outcomes: all },
  { ...plain, ...wholly, name: "points; cancels; rival", cancels: true, rival: true },
  {
    ...plain,
    ...wholly,
    name: "points; cancels; late; rival",
    cancels: true,
    rival: true,
    momentsSeconds: late,
  },
];
