// Makes a failing run as small as can be: the fewest kinds of faults, then the fewest orders, with which it still fails.
import type { FaultKind } from "./faults.ts";
import { type RunOptions, run as runOnce } from "./run.ts";

export interface Shrunk {
  readonly seed: number;
  readonly faults: readonly FaultKind[];
  readonly orders: readonly number[];
  readonly breaches: readonly string[];
  /** False when the search was given up, and there may be a smaller one. */
  readonly isSmallest: boolean;
}

/** Gives up finding a smaller one after so many runs, or so much time. */
const runsMost = 400;
const msMost = 20_000;

/** The law a breach is about: a smaller run must break the same one, or it would explain another failure. */
const lawOf = (breach: string | undefined) => /^[A-Za-z0-9]+/.exec(breach ?? "")?.[0];

/** Throws when the run does not fail at all. */
export async function shrink(
  options: RunOptions & { readonly faults: readonly FaultKind[] },
  run: (options: RunOptions) => Promise<{ readonly breaches: readonly string[] }> = runOnce,
): Promise<Shrunk> {
  const { breaches } = await run(options);
  const law = lawOf(breaches[0]);
  if (law === undefined) throw new Error(`seed ${options.seed} does not fail`);
  let smallest: Shrunk = { ...options, breaches, isSmallest: true };
  let runs = 0;
  const startedMs = performance.now();
  const fails = async (faults: readonly FaultKind[], orders: readonly number[]) => {
    runs += 1;
    if (runs > runsMost || performance.now() - startedMs > msMost) {
      smallest = { ...smallest, isSmallest: false };
      return false;
    }
    const outcome = await run({ ...options, faults, orders });
    if (!outcome.breaches.some((breach) => lawOf(breach) === law)) return false;
    smallest = { seed: options.seed, faults, orders, breaches: outcome.breaches, isSmallest: true };
    return true;
  };
  for (let before = ""; before !== sizeOf(smallest); ) {
    before = sizeOf(smallest);
    await reduce(smallest.faults, (faults) => fails(faults, smallest.orders));
    await reduce(smallest.orders, (orders) => fails(smallest.faults, orders));
  }
  return smallest;
}

const sizeOf = ({ faults, orders }: Shrunk) => `${faults.length} ${orders.length}`;

/** Leaves out halves, then quarters, down to single ones, and keeps what still fails. */
async function reduce<Item>(
  items: readonly Item[],
  fails: (rest: readonly Item[]) => Promise<boolean>,
): Promise<void> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(rest)) kept = rest;
      else at += size;
    }
  }
}

/** What to type to see it. */
export function commandOf({ seed, faults, orders }: Pick<Shrunk, "seed" | "faults" | "orders">): string {
  const kinds = faults.length === 0 ? "none" : faults.join(",");
  const isPrefix = orders.every((order, index) => order === index);
  const which = isPrefix ? `--orders ${orders.length}` : `--only ${orders.join(",")}`;
  return `npm run simulate -- --seed ${seed} --faults ${kinds} ${which} --trace`;
}
