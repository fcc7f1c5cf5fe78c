// What must hold of everything that is counted: units and points come from somewhere, go somewhere, and are never owed.
import type { Counts } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Law } from "./law.ts";

export const stock: Law = {
  id: "I2",
  title: "units are what their movements and their holds make them",
  compares: "variants",
  isAcross: false,
  check({ product }, say) {
    for (const { variantId: id, counted, moved, keptHeld, keptSold } of product.variants.values()) {
      if (textOf(counted) !== textOf(moved))
        say(id, `variant ${id} counts ${textOf(counted)}, its movements ${textOf(moved)}`);
      if (counted?.held !== keptHeld)
        say(id, `variant ${id} has ${counted?.held} held, its holds have ${keptHeld}`);
      if (counted?.spent !== keptSold)
        say(id, `variant ${id} has ${counted?.spent} sold, its holds have ${keptSold}`);
      if (isNegative(counted)) say(id, `variant ${id} counts less than nothing: ${textOf(counted)}`);
    }
    return product.variants.size;
  },
};

/** Sold and held units can only be more than came in if a count was below zero after some movement. */
export const noOversell: Law = {
  id: "I3",
  title: "no unit was ever sold, or held, that was not there",
  compares: "variants",
  isAcross: false,
  check({ product }, say) {
    for (const { variantId: id, lowest } of product.variants.values())
      if (lowest < 0n) say(id, `variant ${id} was oversold: at its lowest it had ${lowest}`);
    return product.variants.size;
  },
};

/** Each transfer debits one account and credits another, so what was issued is what the others hold together. */
export const points: Law = {
  id: "I4",
  title: "points are what their transfers and their holds make them",
  compares: "members",
  isAcross: false,
  check({ member }, say) {
    for (const entry of member.members.values()) {
      const { memberId: id, counted, moved, keptHeld, keptSpent, lowest } = entry;
      if (textOf(counted) !== textOf(moved))
        say(id, `member ${id} counts ${textOf(counted)}, the transfers ${textOf(moved)}`);
      if (counted?.held !== keptHeld)
        say(id, `member ${id} has ${counted?.held} points held, the holds have ${keptHeld}`);
      if (counted?.spent !== keptSpent)
        say(id, `member ${id} has ${counted?.spent} points spent, the holds have ${keptSpent}`);
      if (isNegative(counted) || lowest < 0n) say(id, `member ${id} owed points: at the lowest ${lowest}`);
    }
    return member.members.size;
  },
};

function textOf(counts: Counts | undefined): string {
  const { available = 0n, held = 0n, spent = 0n } = counts ?? {};
  return `${available} available, ${held} held, ${spent} spent`;
}

function isNegative(counts: Counts | undefined): boolean {
  return counts !== undefined && (counts.available < 0n || counts.held < 0n || counts.spent < 0n);
}
