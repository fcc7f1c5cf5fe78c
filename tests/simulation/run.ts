// One run: buyers and faults for a while, then calm until nothing is left to happen, then the checks.

import { services } from "@quadrille/contracts/events";
import { Buyer, type Told } from "./buyer.ts";
import { fill } from "./catalogue.ts";
import { check } from "./check.ts";
import { Endless } from "./endless.ts";
import type { FaultKind } from "./faults.ts";
import { forget } from "./forgetting.ts";
import { auditInPassing, watchPayments } from "./operator.ts";
import { World, type WorldOptions } from "./world.ts";

export interface RunOptions extends WorldOptions {
  /** Which of the seed's orders there are, by number. */
  readonly orders: readonly number[];
}

export interface Outcome {
  readonly seed: number;
  /** What is not as it must be; nothing is right. */
  readonly breaches: readonly string[];
  readonly enabled: readonly FaultKind[];
  readonly struck: ReadonlyMap<FaultKind, number>;
  readonly orders: number;
  readonly accepted: number;
  /** Facts told, by type. */
  readonly told: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
  /** SHA-256 of the trace; empty without one. */
  readonly hash: string;
}

/** How long faults may go on after the last buyer is done. */
const afterglowsMs = [0, 0, 60_000, 700_000];
const minuteMs = 60_000;
/** Longer than any hold lasts; what still happens then happens for ever. */
const calmMsMost = 28 * 60 * minuteMs;
const buyingMsMost = 120 * minuteMs;

export async function run(options: RunOptions): Promise<Outcome> {
  const world = new World(options);
  const breaches: string[] = [];
  const told: Told = { accepted: new Map(), contradictions: [] };
  try {
    await live(world, options.orders, told);
    breaches.push(...told.contradictions, ...world.alarms, ...check(world, told));
  } catch (error) {
    breaches.push(breachOf(world.bound.reason ?? error));
  }
  for (const breach of breaches) world.trace?.add(`BREACH ${breach}`);
  return {
    seed: options.seed,
    breaches,
    enabled: world.faults.enabled,
    struck: world.faults.struck,
    orders: options.orders.length,
    accepted: told.accepted.size,
    told: factsOf(world),
    trace: world.trace?.lines ?? [],
    hash: world.trace?.hash() ?? "",
  };
}

/** Whoever makes a seed small looks for the same first word. */
function breachOf(error: unknown): string {
  if (error instanceof Endless) return `does not end: ${error.message}`;
  return `the run failed: ${error instanceof Error ? error.stack : String(error)}`;
}

function factsOf({ databases }: World): ReadonlyMap<string, number> {
  const told = new Map<string, number>();
  for (const service of services)
    for (const { envelope } of databases[service].outbox.rows.values())
      told.set(envelope.type, (told.get(envelope.type) ?? 0) + 1);
  return told;
}

async function live(world: World, orders: readonly number[], told: Told): Promise<void> {
  const { clock } = world;
  const scenario = world.die("scenario");
  const filled = fill(world, scenario);
  let isFilled = false;
  void filled.then(() => {
    isFilled = true;
  });
  await inTime(world, () => isFilled, minuteMs);
  const catalogue = await filled;
  world.faults.begin();
  let buying = orders.length;
  let failure: { readonly error: unknown } | undefined;
  forget(world);
  watchPayments(world);
  auditInPassing(world);
  for (const index of orders) {
    new Buyer(world, catalogue, told, index)
      .buy()
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        buying -= 1;
      });
  }
  await inTime(world, () => buying === 0, buyingMsMost);
  if (failure !== undefined) throw failure.error;
  await clock.advance(scenario.pick(afterglowsMs));
  world.heal();
  await inTime(world, () => clock.pending === 0, calmMsMost);
}

async function inTime({ clock }: World, holds: () => boolean, ms: number): Promise<void> {
  await clock.until(holds, ms).catch((error: unknown) => {
    throw new Endless(`nothing comes to rest within ${ms / minuteMs} minutes`, { cause: error });
  });
}
