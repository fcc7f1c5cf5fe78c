// Makes what is bought and who buys: the stack's thousand variants, and members enough that buyers seldom meet.
import type { Stack } from "@quadrille/stack";
import { connectAs } from "@quadrille/stack/clients";
import { seed, variantId, variantsSeeded } from "@quadrille/stack/seed";
import type { Market } from "./checkout.ts";

const membersWanted = 500;
const pointsEach = 100_000_000n;
const idsMost = 100;

/** Resolves with everything the load's process needs to know. */
export async function makeMarket(stack: Stack): Promise<Market> {
  await using operator = await connectAs(stack, "operator", "operator");
  await seed(operator);
  const memberIds = Array.from({ length: membersWanted }, (_, index) => `buyer-${index + 1}`);
  await Promise.all(
    memberIds.map(async (memberId) => {
      await operator.members.createMember({ requestId: `seed-${memberId}`, memberId, name: memberId });
      const requestId = `seed-points-${memberId}`;
      await operator.members.adjustPoints({ requestId, memberId, points: pointsEach, note: "welcome" });
    }),
  );
  const tokens = memberIds.map((sub) => stack.keys.mintToken({ sub, role: "member", ttlS: 86_400 }));
  const variantIds = Array.from({ length: variantsSeeded }, (_, index) => variantId(index + 1));
  const found = [];
  for (let start = 0; start < variantIds.length; start += idsMost) {
    const asked = variantIds.slice(start, start + idsMost);
    found.push(...(await operator.products.batchGetVariants({ variantIds: asked })).variants);
  }
  return {
    orderAddress: stack.addresses.order,
    paymentAddress: stack.addresses.payment,
    providerUrl: stack.providerUrl,
    tokens: await Promise.all(tokens),
    variants: found.map(({ variantId: id, price }) => ({ variantId: id, price })),
  };
}
