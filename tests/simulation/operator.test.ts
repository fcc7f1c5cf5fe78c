import { expect, test } from "@jest/globals";
import { run } from "./run.ts";

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
