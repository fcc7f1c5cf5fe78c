// What a run begins with: some variants with stock, some members with points.
import type { Die } from "./die.ts";
import type { BenefitReplica, StockReplica } from "./replica.ts";
import type { World } from "./world.ts";

export interface Catalogue {
  readonly variants: readonly { readonly variantId: string; readonly price: bigint }[];
  readonly memberIds: readonly string[];
}

const own = { kind: "own", id: "catalogue" } as const;

/** Resolves when everything is committed. What there is depends on the number of orders as little as can be. */
export async function fill(world: World, die: Die): Promise<Catalogue> {
  // What was let go is only missed where there is not much.
  const isShort = world.faults.has("holds.short");
  const isScarce = world.faults.isSo("stock.scarce");
  const arePointsScarce = world.faults.isSo("points.scarce");
  const variants = Array.from({ length: 3 }, (_, index) => ({
    variantId: `variant-${index + 1}`,
    price: BigInt(die.between(1, 50) * 100),
    units: isScarce ? die.between(1, 8) : isShort ? die.between(4, 12) : 1_000,
  }));
  const members = Array.from({ length: isShort ? 2 : 3 }, (_, index) => ({
    memberId: `member-${index + 1}`,
    points: BigInt(
      arePointsScarce ? die.between(1, 6_000) : isShort ? die.between(1_000, 15_000) : 1_000_000,
    ),
  }));
  const { store: stock } = world.replicasOf("product")[0] as StockReplica;
  const { store: benefits } = world.replicasOf("member")[0] as BenefitReplica;
  const filling = [
    ...variants.flatMap(({ variantId, price, units }) => [
      stock.handle({ type: "CreateVariant", variantId, title: variantId, price, onSale: true }, own),
      stock.handle({ type: "ReceiveStock", variantId, quantity: units }, own),
    ]),
    ...members.flatMap(({ memberId, points }) => [
      benefits.handle({ type: "CreateMember", memberId, name: memberId }, own),
      benefits.handle({ type: "AdjustPoints", memberId, points, note: "a beginning" }, own),
    ]),
  ];
  await Promise.all(filling);
  return { variants, memberIds: members.map(({ memberId }) => memberId) };
}
