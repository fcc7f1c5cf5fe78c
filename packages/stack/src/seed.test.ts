import { beforeEach, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import type { Clients } from "./clients.ts";
import { membersSeeded, seed, variantId, variantsSeeded } from "./seed.ts";

/** Product and member services that remember every request by its id, as the real ones do. */
function services() {
  const answered = new Set<string>();
  const titles = new Map<string, string>();
  const units = new Map<string, number>();
  const points = new Map<string, bigint>();
  const made = async (
    requestId: string,
    map: Map<string, unknown>,
    key: string,
    value: unknown,
    code: string,
  ) => {
    if (answered.has(requestId)) return;
    if (map.has(key)) throw new Refusal(code);
    answered.add(requestId);
    map.set(key, value);
  };
  const products = {
    createVariant: (one: { requestId: string; variantId: string; title: string }) =>
      made(one.requestId, titles, one.variantId, one.title, "VARIANT_EXISTS"),
    receiveStock: async (one: { requestId: string; variantId: string; quantity: number }) => {
      if (!answered.has(one.requestId))
        units.set(one.variantId, (units.get(one.variantId) ?? 0) + one.quantity);
      answered.add(one.requestId);
    },
  };
  const members = {
    createMember: (one: { requestId: string; memberId: string }) =>
      made(one.requestId, points, one.memberId, 0n, "MEMBER_EXISTS"),
    adjustPoints: async (one: { requestId: string; memberId: string; points: bigint }) => {
      if (!answered.has(one.requestId))
        points.set(one.memberId, (points.get(one.memberId) ?? 0n) + one.points);
      answered.add(one.requestId);
    },
  };
  return { answered, titles, units, points, products, operator: { products, members } as unknown as Clients };
}

let there: ReturnType<typeof services>;
beforeEach(() => {
  there = services();
});

describe("seeding", () => {
  test("gives a thousand different things with stock, and ten members with points", async () => {
    await seed(there.operator);
    expect(there.titles.size).toBe(variantsSeeded);
    expect(new Set(there.titles.values()).size).toBe(variantsSeeded);
    expect(there.titles.has(variantId(1)) && there.titles.has(variantId(variantsSeeded))).toBe(true);
    expect(new Set(there.units.values())).toEqual(new Set([100_000]));
    expect(there.units.size).toBe(variantsSeeded);
    expect([...there.points.values()]).toEqual(Array(membersSeeded).fill(10_000_000n));
  });

  test("again changes nothing, whether the requests are still remembered or not", async () => {
    await seed(there.operator);
    const before = [[...there.units], [...there.points]];
    await seed(there.operator);
    there.answered.clear();
    await seed(there.operator);
    expect([[...there.units], [...there.points]]).toEqual(before);
  });

  test("that was cut off between a variant and its stock is finished by the next", async () => {
    const receive = there.products.receiveStock;
    there.products.receiveStock = async () => {
      throw new Refusal("UNAVAILABLE");
    };
    await expect(seed(there.operator)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    there.products.receiveStock = receive;
    await seed(there.operator);
    expect(there.units.size).toBe(variantsSeeded);
  });
});
