import { expect, test } from "@jest/globals";
import { auditInPassing } from "./operator.ts";
import { run } from "./run.ts";
import { World } from "./world.ts";

const orders = Array.from({ length: 10 }, (_, index) => index);
const faults = ["provider.decline", "provider.amount", "member.cancelsLate"] as const;
const seedsMost = 100;

test("a refund that the provider refuses is looked after until the money is back", async () => {
  for (let seed = 0; seed < seedsMost; seed += 1) {
    const { trace, breaches } = await run({ seed, orders, faults, isTraced: true });
    expect([seed, ...breaches]).toEqual([seed]);
    const refused = trace.find((line) => line.includes("provider refuses to give back"));
    if (refused === undefined) continue;
    const [, orderId] = / for (\S+)$/.exec(refused) ?? [];
    expect(trace).toContainEqual(expect.stringContaining(`operator says RETRY of ${orderId}`));
    expect(trace).toContainEqual(expect.stringMatching(`provider gives back \\d+ for ${orderId}`));
    return;
  }
  throw new Error(`no refund was refused in ${seedsMost} seeds`);
});

test("some runs are audited in passing, and what is found only then is a breach", async () => {
  const found: string[] = [];
  for (let seed = 0; seed < 80; seed += 1) {
    const world = new World({ seed, faults: [] });
    const holds = world.databases.product.rows.holds;
    const holdUntil = new Date(world.clock.now() + 86_400_000);
    holds.set("nobody's", { state: { status: "held", lines: [], holdUntil }, version: 0, revision: 1 });
    auditInPassing(world);
    await world.clock.advance(900_000);
    holds.clear();
    found.push(...world.alarms);
  }
  expect(found).not.toEqual([]);
  expect(found.length).toBeLessThan(20);
  expect(found).toContain("I6: in passing, product has stock held for nobody's, which is no order");
});
