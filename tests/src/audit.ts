// The laws over a system of the tests, through the same calls that an operator's audit makes.

import { setTimeout as pause } from "node:timers/promises";
import { laws as allLaws, audit as auditBooks, gather, type Law, type Terms } from "@quadrille/audit";
import { untilAtRest } from "./at-rest.ts";
import type { System } from "./system.ts";

const graceMs = 60_000;
const secondLookMs = 2_000;

/** Every fact was heard, but some buyers have not paid yet. */
export const withOpenOrders: Partial<Terms> = { atRest: false, graceMs: 0 };

/** Waits until every fact was published and heard, then answers with whatever breaks a law; nothing is right. */
export async function audit(system: System, terms: Partial<Terms> = {}): Promise<string[]> {
  await untilAtRest(system);
  return await findings(system, { atRest: true, ...terms });
}

/** What breaks a law now, as sentences that begin with its number; of these laws only, if some are named. */
export async function findings(
  { operator }: System,
  terms: Partial<Terms> = {},
  ids: readonly string[] = allLaws.map(({ id }: Law) => id),
): Promise<string[]> {
  const verdicts = await auditBooks(() => gather((service) => operator.ops[service].readBooks({})), {
    terms: { atRest: false, graceMs, ...terms },
    pause: () => pause(secondLookMs),
    laws: allLaws.filter(({ id }) => ids.includes(id)),
  });
  return verdicts.flatMap((verdict) => verdict.findings.map(({ law, sentence }) => `${law}: ${sentence}`));
}
