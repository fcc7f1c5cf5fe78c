// What must hold of everything that is counted: units and points come from somewhere, go somewhere, and are never owed.
import type {
  Counts,
  OrderLedgerEntry,
  StockHoldEntry,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Law, Say } from "./law.ts";

export const stock: Law = {
  id: "I2",
  title: "units are what their movements and their holds make them, order by order",
  compares: "variants and holds",
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
    const { stockHolds, orderLedgers } = product;
    for (const id of idsIn(stockHolds, orderLedgers))
      asMoved(id, unitsKept(stockHolds.get(id)), orderLedgers?.get(id), say);
    return product.variants.size + stockHolds.size;
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
  title: "points are what their transfers and their holds make them, order by order",
  compares: "members and holds",
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
    const { benefitHolds, orderLedgers } = member;
    for (const id of idsIn(benefitHolds, orderLedgers)) {
      const { memberId = "", points: about = 0n, status = "" } = benefitHolds.get(id) ?? {};
      const [held, spent] = [status === "held" ? about : 0n, status === "spent" ? about : 0n];
      asMoved(id, new Map([[memberId, { about, held, spent }]]), orderLedgers?.get(id), say);
    }
    return member.members.size + benefitHolds.size;
  },
};

/** Where nobody keeps a ledger nothing can be compared with it. */
function idsIn(
  holds: ReadonlyMap<string, unknown>,
  ledgers: ReadonlyMap<string, unknown> | undefined,
): ReadonlySet<string> {
  return new Set(ledgers === undefined ? [] : [...holds.keys(), ...ledgers.keys()]);
}

/** What a hold is about of one variant or member, and what it keeps of that. */
interface Kept {
  readonly about: bigint;
  readonly held: bigint;
  readonly spent: bigint;
}
const keptNothing: Kept = { about: 0n, held: 0n, spent: 0n };

function unitsKept(hold: StockHoldEntry | undefined): ReadonlyMap<string, Kept> {
  const kept = new Map<string, Kept>();
  const add = (field: keyof Kept, lines: StockHoldEntry["lines"] = []) => {
    for (const { variantId, quantity } of lines) {
      const before = kept.get(variantId) ?? keptNothing;
      kept.set(variantId, { ...before, [field]: before[field] + quantity });
    }
  };
  add("about", hold?.lines);
  add("held", hold?.held);
  add("spent", hold?.sold);
  return kept;
}

/** What is held is taken once; what had run out and was sold all the same, twice. */
function asMoved(
  id: string,
  kept: ReadonlyMap<string, Kept>,
  ledger: OrderLedgerEntry | undefined,
  say: Say,
): void {
  const sums = new Map(ledger?.sums.map((sum) => [sum.of, sum]));
  for (const of of new Set([...kept.keys(), ...sums.keys()])) {
    const { about, held, spent } = kept.get(of) ?? keptNothing;
    const { moved, taken = 0n } = sums.get(of) ?? {};
    const should = textOf({ available: -held - spent, held, spent });
    if (textOf(moved) !== should)
      say(id, `the hold of ${id} makes ${should} of ${of}, its ledger ${textOf(moved)}`);
    else if (taken !== about && taken !== 2n * about)
      say(id, `the hold of ${id} is about ${about} of ${of}, its ledger took ${taken}`);
  }
}

function textOf(counts: Counts | undefined): string {
  const { available = 0n, held = 0n, spent = 0n } = counts ?? {};
  return `${available} available, ${held} held, ${spent} spent`;
}

function isNegative(counts: Counts | undefined): boolean {
  return counts !== undefined && (counts.available < 0n || counts.held < 0n || counts.spent < 0n);
}
