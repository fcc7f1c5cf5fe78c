// Benefits: what a member has, what is held for which order, what was spent. Nothing here waits or reads a clock.
//
// A hold lives as one over stock does:
//   absent → held → spent → returned        the way of a sale, and of one taken back whole
//              ├──→ released                the order was cancelled
//              └──→ expired → spent         nobody asked in time; a late sale may still find the points
//   absent → rejected | tombstone | lost    refused; cancelled before it came; a sale without points
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type {
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
} from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import { type Decider, type Instant, Refusal, type Rows, row, unreachable } from "@quadrille/decider";

/** More than this cannot be owned. */
export const pointsMost = 1_000_000_000_000n;

export interface KnownMember {
  readonly status: "known";
  readonly name: string;
  readonly available: bigint;
  readonly held: bigint;
  readonly spent: bigint;
}

export type Member = { readonly status: "absent" } | KnownMember;
export const absentMember: Member = { status: "absent" };

export type HoldStatus =
  | "absent"
  | "held"
  | "spent"
  | "returned"
  | "released"
  | "expired"
  | "rejected"
  | "lost"
  | "tombstone";

export interface Hold {
  readonly status: HoldStatus;
  readonly memberId: string;
  readonly points: bigint;
  readonly holdUntil: Instant | undefined;
}
export const absentHold: Hold = { status: "absent", memberId: "", points: 0n, holdUntil: undefined };

/** Holds by order id, members by member id. */
export interface BenefitTables {
  readonly holds: Hold;
  readonly members: Member;
}

export type BenefitInput =
  | (Told<OrderPlaced> & { readonly type: "OrderPlaced" })
  | (Told<OrderConfirmed> & { readonly type: "OrderConfirmed" })
  | (Told<OrderCancelled> & { readonly type: "OrderCancelled" })
  | { readonly type: "ExpireHold"; readonly orderId: string; readonly memberId: string }
  | { readonly type: "CreateMember"; readonly memberId: string; readonly name: string }
  | {
      readonly type: "AdjustPoints";
      readonly memberId: string;
      readonly points: bigint;
      readonly note: string;
    };

/** The accounts of one member's points. What is issued is owed by the shop, so it is the negative of the others. */
export type Account = "issued" | "available" | "held" | "spent";

/** One transfer in the ledger: it debits one account and credits another, so all accounts always sum to nothing. */
export interface Transfer {
  readonly memberId: string;
  readonly points: bigint;
  readonly from: Account;
  readonly to: Account;
  readonly orderId: string | undefined;
  readonly note: string;
}

type MemberFact =
  | { readonly type: "memberCreated"; readonly memberId: string; readonly name: string }
  | { readonly type: "pointsAdjusted"; readonly memberId: string; readonly transfers: readonly Transfer[] };
/** `becomes` is the hold's next status. */
type HoldFact = FactToldBy<"member"> & {
  readonly becomes: HoldStatus;
  readonly transfers: readonly Transfer[];
};
export type BenefitFact = HoldFact | MemberFact;

type HoldInput = Extract<BenefitInput, { orderId: string }>;

export const benefits: Decider<BenefitTables, BenefitInput, BenefitFact, Transfer> = {
  initial: { holds: () => absentHold, members: () => absentMember },

  keys(input) {
    if (!("orderId" in input)) return { members: [input.memberId] };
    return wantsBenefits(input) ? { holds: [input.orderId], members: [input.memberId] } : {};
  },

  decide(rows, input, now) {
    if (!("orderId" in input)) return decideMember(row(rows.members, input.memberId), input);
    return wantsBenefits(input) ? decideHold(rows, input, now) : [];
  },

  evolve(rows, fact) {
    if (fact.type === "memberCreated") {
      const { memberId, name } = fact;
      const created: Member = { status: "known", name, available: 0n, held: 0n, spent: 0n };
      return { members: new Map([[memberId, created]]) };
    }
    const members = moved(rows.members, fact.transfers);
    if (!("data" in fact)) return { members };
    const { orderId } = fact.data;
    return { members, holds: new Map([[orderId, evolveHold(row(rows.holds, orderId), fact)]]) };
  },

  entries: (fact) => ("transfers" in fact ? fact.transfers : []),
};

/** An order that wants nothing of a member is none of our business: no row, no answer. */
function wantsBenefits(input: HoldInput): boolean {
  switch (input.type) {
    case "OrderPlaced":
    case "OrderConfirmed":
      return input.points > 0n;
    case "OrderCancelled":
      return input.benefitsWanted;
    default:
      return true; // Its hold says that it does.
  }
}

function decideHold(rows: Rows<BenefitTables>, input: HoldInput, now: Instant): readonly BenefitFact[] {
  const hold = row(rows.holds, input.orderId);
  if (hold.status !== "absent" && hold.memberId !== input.memberId)
    throw new Error("an order's points are its member's"); // What one member's order held must not go to another.
  switch (input.type) {
    case "OrderPlaced":
      if (hold.status === "tombstone") return [rejected(input, "CANCELLED", "tombstone")];
      return hold.status === "absent" ? take(rows, input, now) : [];
    case "OrderConfirmed":
      switch (hold.status) {
        case "held":
          return [spent(input, hold.points, "held")];
        case "absent":
        case "expired":
        case "rejected":
          return spendUnheld(rows, input);
        case "spent":
        case "lost":
        case "returned": // Cancelled in the meantime: the sale comes too late.
        case "released":
        case "tombstone":
          return [];
        default:
          return unreachable(hold.status);
      }
    case "OrderCancelled":
      switch (hold.status) {
        case "held":
          return [released(input, hold.points, "CANCELLED", "held")];
        case "spent":
          return [released(input, hold.points, "RETURNED", "spent")];
        case "absent": // The cancel came first: its tombstone refuses the hold that is still on its way.
          return [released(input, 0n, "CANCELLED", "held", "tombstone")];
        case "expired":
        case "rejected":
        case "lost":
          return [released(input, 0n, "CANCELLED", "held")];
        case "returned":
        case "released":
        case "tombstone":
          return [];
        default:
          return unreachable(hold.status);
      }
    case "ExpireHold":
      return hold.status === "held" && hold.holdUntil !== undefined && now >= hold.holdUntil
        ? [released(input, hold.points, "EXPIRED", "held")]
        : [];
    default:
      return unreachable(input);
  }
}

/** Holds all the points, or none. */
function take(rows: Rows<BenefitTables>, input: Told<OrderPlaced>, now: Instant): readonly BenefitFact[] {
  if (now >= input.holdUntil) return [rejected(input, "TOO_LATE")];
  const member = row(rows.members, input.memberId);
  if (member.status === "absent") return [rejected(input, "MEMBER_UNKNOWN")];
  if (member.available < input.points) return [rejected(input, "NOT_ENOUGH_POINTS")];
  const { orderId, memberId, points, holdUntil } = input;
  return [
    {
      type: "member.benefits_held",
      data: { orderId, memberId, points, holdUntil },
      becomes: "held",
      transfers: transfer(input, points, "available", "held"),
    },
  ];
}

/** A sale whose hold is gone is kept if the points are there again. */
function spendUnheld(rows: Rows<BenefitTables>, input: Told<OrderConfirmed>): readonly BenefitFact[] {
  const { orderId, memberId, points } = input;
  const member = row(rows.members, memberId);
  if (member.status === "known" && member.available >= points) return [spent(input, points, "available")];
  return [
    { type: "member.benefits_spend_failed", data: { orderId, memberId }, becomes: "lost", transfers: [] },
  ];
}

function decideMember(member: Member, input: Exclude<BenefitInput, HoldInput>): readonly BenefitFact[] {
  const { memberId } = input;
  if (input.type === "CreateMember") {
    if (member.status !== "absent") throw new Refusal("MEMBER_EXISTS");
    return [{ type: "memberCreated", memberId, name: input.name }];
  }
  if (member.status === "absent") throw new Refusal("MEMBER_UNKNOWN");
  const { points, note } = input;
  if (member.available + points < 0n) {
    throw new Refusal("NOT_ENOUGH_POINTS", { details: { points: `${member.available}` } });
  }
  if (member.available + member.held + member.spent + points > pointsMost) {
    const violations = [{ field: "points", description: `a member can own ${pointsMost} at most` }];
    throw new Refusal("INVALID_REQUEST", { violations });
  }
  const amount = points < 0n ? -points : points;
  const [from, to]: [Account, Account] = points < 0n ? ["available", "issued"] : ["issued", "available"];
  return [
    {
      type: "pointsAdjusted",
      memberId,
      transfers: [{ memberId, points: amount, from, to, orderId: undefined, note }],
    },
  ];
}

function evolveHold(hold: Hold, fact: HoldFact): Hold {
  switch (fact.type) {
    case "member.benefits_held": {
      const { memberId, points, holdUntil } = fact.data;
      return { status: fact.becomes, memberId, points, holdUntil };
    }
    case "member.benefits_spent":
      return { ...hold, status: fact.becomes, memberId: fact.data.memberId, points: fact.data.points };
    default:
      return { ...hold, status: fact.becomes, memberId: fact.data.memberId };
  }
}

function moved(
  members: ReadonlyMap<string, Member>,
  transfers: readonly Transfer[],
): ReadonlyMap<string, Member> {
  const changed = new Map<string, Member>();
  for (const { memberId, points, from, to } of transfers) {
    const member = changed.get(memberId) ?? row(members, memberId);
    if (member.status === "absent") throw new Error("points of a member who is not known cannot move");
    const balances = { issued: 0n, available: member.available, held: member.held, spent: member.spent };
    balances[from] -= points;
    balances[to] += points;
    const { available, held, spent } = balances;
    if (available < 0n || held < 0n || spent < 0n)
      throw new Error(`a member would have less than nothing ${from}`);
    changed.set(memberId, { ...member, available, held, spent });
  }
  return changed;
}

interface About {
  readonly orderId: string;
  readonly memberId: string;
}

function transfer(
  { orderId, memberId }: About,
  points: bigint,
  from: Account,
  to: Account,
): readonly Transfer[] {
  return points === 0n ? [] : [{ memberId, points, from, to, orderId, note: "" }];
}

function rejected(
  { orderId, memberId }: About,
  reason: string,
  becomes: HoldStatus = "rejected",
): BenefitFact {
  return { type: "member.benefits_rejected", data: { orderId, memberId, reason }, becomes, transfers: [] };
}

function spent(about: About, points: bigint, from: Account): BenefitFact {
  const { orderId, memberId } = about;
  const transfers = transfer(about, points, from, "spent");
  return { type: "member.benefits_spent", data: { orderId, memberId, points }, becomes: "spent", transfers };
}

const becomesBy = { CANCELLED: "released", RETURNED: "returned", EXPIRED: "expired" } as const;

function released(
  about: About,
  points: bigint,
  reason: keyof typeof becomesBy,
  from: Account,
  becomes: HoldStatus = becomesBy[reason],
): BenefitFact {
  const { orderId, memberId } = about;
  const transfers = transfer(about, points, from, "available");
  return {
    type: "member.benefits_released",
    data: { orderId, memberId, points, reason },
    becomes,
    transfers,
  };
}
