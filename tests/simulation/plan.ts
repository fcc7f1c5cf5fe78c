// What a buyer means to do, decided before anything happens, so that it does not depend on what does.
import type { WantedLine } from "@quadrille/order/cart";
import type { Catalogue } from "./catalogue.ts";
import type { Die } from "./die.ts";
import type { World } from "./world.ts";

export interface Plan {
  readonly startsMs: number;
  readonly memberId: string;
  readonly lines: readonly WantedLine[];
  readonly points: bigint;
  readonly expectedAmountDue: bigint;
  /** The lines are put into the member's cart first, which other orders of theirs may use as well. */
  readonly isFromCart: boolean;
  readonly payWithinSeconds: number;
  /** After the order was placed; undefined: never. */
  readonly pays: { readonly afterMs: number } | undefined;
  readonly cancels: { readonly afterMs: number; readonly isTwice: boolean } | undefined;
  readonly repeats: boolean;
  readonly hangsUp: boolean;
  readonly reuses: boolean;
  readonly pokes: boolean;
}

/** Every choice is rolled, whatever is enabled, so that the others stay as they are. */
export function planOf(world: World, { variants, memberIds }: Catalogue, die: Die): Plan {
  const { faults } = world;
  // Where holds are short, some come when those of others have run out.
  const startsMs = die.below(faults.has("holds.short") ? 120_000 : 20_000);
  const memberId = die.pick(memberIds);
  const first = die.below(variants.length);
  const count = die.between(1, 2);
  const wanted = Array.from({ length: count }, (_, index) => variants[(first + index) % variants.length]);
  const lines = wanted.map((variant) => ({
    variantId: variant?.variantId ?? "",
    quantity: die.between(1, 3),
  }));
  const subtotal = lines.reduce(
    (sum, { quantity }, index) => sum + BigInt(quantity) * (wanted[index]?.price ?? 0n),
    0n,
  );
  const points = pointsOf(die, subtotal);
  const { payWithinSeconds: payWithinMost } = world.policies.order;
  const payWithinSeconds = Math.min(die.pick([30, 60, 120, 0]), payWithinMost);
  const paysAfterMs = die.below(faults.has("holds.short") ? 15_000 : 6_000);
  const neverPays = faults.strikesBuyer("member.neverPays", die);
  const paysLate = faults.strikesBuyer("member.paysLate", die, !neverPays);
  const lateMs = Math.max(
    0,
    (payWithinSeconds === 0 ? payWithinMost : payWithinSeconds) * 1_000 + die.between(-1_500, 2_500),
  );
  const cancels = faults.strikesBuyer("member.cancels", die);
  const cancelsAfterMs = die.below(8_000);
  const cancelsLate = faults.strikesBuyer("member.cancelsLate", die);
  const cancelsLateMs = die.between(5_000, 120_000);
  const isTwice = faults.strikesBuyer("member.cancelsTwice", die, cancels || cancelsLate);
  return {
    startsMs,
    memberId,
    lines,
    points,
    expectedAmountDue: subtotal - points,
    payWithinSeconds,
    pays: neverPays ? undefined : { afterMs: paysLate ? lateMs : paysAfterMs },
    cancels:
      cancels || cancelsLate ? { afterMs: cancels ? cancelsAfterMs : cancelsLateMs, isTwice } : undefined,
    repeats: faults.strikesBuyer("member.repeats", die),
    hangsUp: faults.strikesBuyer("member.hangsUp", die),
    reuses: faults.strikesBuyer("member.reuses", die),
    pokes: faults.strikesBuyer("member.pokes", die),
    isFromCart: die.chance(0.2),
  };
}

/** None, some, or all that the order costs; what is left to pay is never less than the provider charges. */
function pointsOf(die: Die, subtotal: bigint): bigint {
  const kind = die.pick(["none", "some", "all", "some"] as const);
  const hundreds = Number(subtotal / 100n);
  const some = BigInt(die.below(hundreds)) * 100n;
  if (kind === "none") return 0n;
  return kind === "all" ? subtotal : some;
}
