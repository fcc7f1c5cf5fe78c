// What many runs came to: how often each kind of fault was enabled and really struck, and which seeds failed.
import { createHash } from "node:crypto";
import { events } from "@quadrille/contracts/events";
import { type FaultKind, kindNames } from "./faults.ts";
import type { Outcome } from "./run.ts";

export interface Failure {
  readonly seed: number;
  readonly enabled: readonly FaultKind[];
  readonly breaches: readonly string[];
}

interface KindTally {
  /** Seeds that had it. */
  enabled: number;
  /** Seeds in which it happened at least once. */
  seeds: number;
  /** How often it happened. */
  strikes: number;
}

/** Plain data, so that threads can send it to each other. */
export interface Tally {
  runs: number;
  orders: number;
  accepted: number;
  kinds: Record<string, KindTally>;
  /** Facts told, by type: what the runs came by at all. */
  told: Record<string, number>;
  failures: Failure[];
  hashes: (readonly [seed: number, hash: string])[];
}

export function emptyTally(): Tally {
  const kinds = Object.fromEntries(kindNames.map((kind) => [kind, { enabled: 0, seeds: 0, strikes: 0 }]));
  return { runs: 0, orders: 0, accepted: 0, kinds, told: {}, failures: [], hashes: [] };
}

export function count(
  tally: Tally,
  { seed, enabled, struck, orders, accepted, told, breaches, hash }: Outcome,
): void {
  tally.runs += 1;
  tally.orders += orders;
  tally.accepted += accepted;
  for (const kind of enabled) kindIn(tally, kind).enabled += 1;
  for (const [kind, strikes] of struck) {
    kindIn(tally, kind).seeds += 1;
    kindIn(tally, kind).strikes += strikes;
  }
  for (const [type, times] of told) tally.told[type] = (tally.told[type] ?? 0) + times;
  if (breaches.length > 0) tally.failures.push({ seed, enabled, breaches });
  if (hash !== "") tally.hashes.push([seed, hash]);
}

export function add(sum: Tally, part: Tally): void {
  sum.runs += part.runs;
  sum.orders += part.orders;
  sum.accepted += part.accepted;
  for (const kind of kindNames) {
    const [into, from] = [kindIn(sum, kind), kindIn(part, kind)];
    into.enabled += from.enabled;
    into.seeds += from.seeds;
    into.strikes += from.strikes;
  }
  for (const [type, times] of Object.entries(part.told)) sum.told[type] = (sum.told[type] ?? 0) + times;
  sum.failures.push(...part.failures);
  sum.hashes.push(...part.hashes);
}

export function kindIn({ kinds }: Tally, kind: FaultKind): KindTally {
  return kinds[kind] as KindTally;
}

/** One hash over those of all runs, whichever thread made them. */
export function hashOf({ hashes }: Tally): string {
  const hash = createHash("sha256");
  for (const [seed, each] of [...hashes].sort(([one], [other]) => one - other))
    hash.update(`${seed} ${each}\n`);
  return hash.digest("hex");
}

/** How many kinds a seed had. */
export function kindsPerRun(tally: Tally): number {
  return kindNames.reduce((sum, kind) => sum + kindIn(tally, kind).enabled, 0) / tally.runs;
}

/** A line for each kind, and one for all. */
export function swarmTable(tally: Tally): readonly string[] {
  const percent = (part: number) => `${((100 * part) / tally.runs).toFixed(1)} %`.padStart(8);
  const lines = kindNames.map((kind) => {
    const { enabled, seeds, strikes } = kindIn(tally, kind);
    return `${kind.padEnd(24)}${percent(enabled)}${percent(seeds)}${String(strikes).padStart(12)}`;
  });
  return [
    `${"kind of fault".padEnd(24)}${"enabled".padStart(8)}${"struck".padStart(8)}${"times".padStart(12)}`,
    ...lines,
    `${kindsPerRun(tally).toFixed(2)} kinds per seed`,
  ];
}

/** How often each fact of the catalogue was told. */
export function factsTable({ told }: Tally): readonly string[] {
  const types = Object.values(events).map(({ type }) => type);
  return types.map((type) => `${type.padEnd(30)}${String(told[type] ?? 0).padStart(12)}`);
}
