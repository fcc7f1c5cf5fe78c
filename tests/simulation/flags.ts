// What the command line of a simulation asks for, checked before anything runs.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type FaultKind, isKind, kindNames } from "./faults.ts";

export interface Flags {
  readonly seed: number;
  readonly runs: number;
  /** The seed's own swarm when undefined. */
  readonly faults: readonly FaultKind[] | undefined;
  /** Numbers of the orders each seed has. */
  readonly orders: readonly number[];
  /** Every line of what happens. */
  readonly isTraced: boolean;
  /** The hash of every run's trace, and one over all of them. */
  readonly isHashed: boolean;
  readonly jobs: number;
  /** After so many seeds that failed no other is begun, and no more are made small. */
  readonly failuresMost: number;
}

export const usage = `npm run simulate -- [flags]

  --seed 1        the first seed
  --runs 1000     how many, one after the other from there; 1 when a seed alone is given
  --trace         every line of what happens, and its hash
  --hash          the hash of each run
  --faults a,b    these kinds instead of the seed's own choice; none for none:
                  ${kindNames.join(", ")}
  --orders 10     orders of each seed; or --only 2,5 for some of them, by number
  --jobs 2        threads
  --failures 3    ends when so many seeds have failed`;

const ordersMost = 10_000;

/** Throws an error whose message a person can act on. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      runs: { type: "string" },
      trace: { type: "boolean", default: false },
      hash: { type: "boolean", default: false },
      faults: { type: "string" },
      orders: { type: "string" },
      only: { type: "string" },
      jobs: { type: "string" },
      failures: { type: "string", default: "3" },
    },
  });
  const { seed, runs, trace, hash, faults, orders = "10", only, jobs, failures } = values;
  const count = whole("--runs", runs ?? (seed === undefined ? "1000" : "1"), 1, 1_000_000_000);
  return {
    seed: whole("--seed", seed ?? "1", 0, Number.MAX_SAFE_INTEGER - count),
    runs: count,
    faults: faults === undefined ? undefined : kindsIn(faults),
    orders:
      only === undefined
        ? Array.from({ length: whole("--orders", orders, 0, ordersMost) }, (_, index) => index)
        : only.split(",").map((order) => whole("--only", order, 0, ordersMost)),
    isTraced: trace,
    isHashed: hash || trace || count === 1,
    jobs: whole("--jobs", jobs ?? `${availableParallelism()}`, 1, 256),
    failuresMost: whole("--failures", failures, 1, 1_000),
  };
}

function kindsIn(text: string): readonly FaultKind[] {
  if (text === "none" || text === "") return [];
  return text.split(",").map((name) => {
    if (!isKind(name)) throw new Error(`--faults knows no ${name}; it knows ${kindNames.join(", ")}`);
    return name;
  });
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text === "" || !(Number.isInteger(value) && value >= least && value <= most))
    throw new Error(`${flag} is a whole number from ${least} to ${most}, not ${text || "nothing"}`);
  return value;
}
