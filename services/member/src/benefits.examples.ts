// One order's inputs to benefits, and the ways into each of a hold's states: what tests of decisions start from.
import { given, type Past as PastOf } from "@quadrille/decider/testing";
import type { HoldInput, HoldState, MemberInput, MemberState } from "./benefits.decisions.ts";
import {
  type BenefitFact,
  type BenefitInput,
  type BenefitTables,
  benefits,
  type Hold,
  type KnownMember,
  type Member,
  pointsMost,
  type Transfer,
} from "./benefits.ts";

export type Past = PastOf<BenefitTables, BenefitInput, BenefitFact, Transfer>;

export const start = new Date("2026-01-01T00:00:00Z");
export const holdUntil = new Date("2026-01-02T00:00:00Z");
export const orderId = "order";
export const memberId = "member";

export function member(available: bigint): KnownMember {
  return { status: "known", name: "Ada", available, held: 0n, spent: 0n };
}

const terms = {
  orderId,
  memberId,
  subtotal: 3000n,
  points: 100n,
  amountDue: 2900n,
  currency: "KRW",
  lines: [{ variantId: "A", quantity: 3, unitPrice: 1000n, title: "A thing" }],
};
export const placed = {
  ...terms,
  type: "OrderPlaced",
  method: "PAYMENT_METHOD_CARD",
  placedAt: start,
  pendingUntil: new Date("2026-01-01T00:01:00Z"),
  holdUntil,
  payWithinSeconds: 600,
} as const satisfies BenefitInput;
export const confirmed = {
  ...terms,
  type: "OrderConfirmed",
  confirmedAt: start,
} as const satisfies BenefitInput;
export const cancelled = {
  ...terms,
  type: "OrderCancelled",
  reason: "BY_MEMBER",
  wasConfirmed: false,
  benefitsWanted: true,
  cancelledAt: start,
} as const satisfies BenefitInput;

export const holdInputs = {
  OrderPlaced: placed,
  "OrderPlaced, no points": { ...placed, points: 0n },
  "OrderPlaced, more than there are": { ...placed, points: 1001n },
  "OrderPlaced, past hold_until": { ...placed, holdUntil: start },
  OrderConfirmed: confirmed,
  "OrderConfirmed, no points": { ...confirmed, points: 0n },
  "OrderConfirmed, more than there are": { ...confirmed, points: 1001n },
  OrderCancelled: cancelled,
  "OrderCancelled, no points": { ...cancelled, points: 0n, benefitsWanted: false },
  ExpireHold: { type: "ExpireHold", orderId, memberId },
} satisfies Record<HoldInput, BenefitInput>;

const adjusted = { type: "AdjustPoints", memberId, note: "A gift" } as const;
export const memberInputs = {
  CreateMember: { type: "CreateMember", memberId, name: "Ada" },
  AdjustPoints: { ...adjusted, points: 500n },
  "AdjustPoints, taken back": { ...adjusted, points: -1000n },
  "AdjustPoints, more taken back than there are": { ...adjusted, points: -1001n },
  "AdjustPoints, more than can be owned": { ...adjusted, points: pointsMost },
} satisfies Record<MemberInput, BenefitInput>;

/** What the service knows after these inputs, one after the other. */
export function told(past: Past, ...names: readonly HoldInput[]): Past {
  return names.reduce((before, name) => before.when(holdInputs[name]).after, past);
}

export function holdOf(past: Past): Hold {
  return past.state("holds", orderId);
}

export function memberOf(past: Past): Member {
  return past.state("members", memberId);
}

const nobody: Past = given(benefits, [], start);
const absent: Past = given(benefits, { members: { [memberId]: member(1000n) } }, start);
const held = told(absent, "OrderPlaced");
const spent = told(held, "OrderConfirmed");

export const holdStates: Record<HoldState, Past> = {
  absent,
  "absent, member unknown": nobody,
  held,
  "held, past hold_until": held.at(holdUntil),
  spent,
  returned: told(spent, "OrderCancelled"),
  released: told(held, "OrderCancelled"),
  expired: told(held.at(holdUntil), "ExpireHold"),
  rejected: told(absent, "OrderPlaced, more than there are"),
  lost: told(absent, "OrderConfirmed, more than there are"),
  tombstone: told(absent, "OrderCancelled"),
};

const { expired, rejected, lost, tombstone } = holdStates;

/** Other ways into the same states: what a state answers must not depend on how it was reached. */
export const otherWays: readonly (readonly [HoldState, string, Past])[] = [
  ["spent", "without its hold", told(absent, "OrderConfirmed")],
  ["spent", "past hold_until", told(held.at(holdUntil), "OrderConfirmed")],
  ["spent", "after its hold expired", told(expired, "OrderConfirmed")],
  ["spent", "after its hold was rejected", told(rejected, "OrderConfirmed")],
  ["returned", "from a sale without its hold", told(absent, "OrderConfirmed", "OrderCancelled")],
  ["returned", "from a sale after its hold expired", told(expired, "OrderConfirmed", "OrderCancelled")],
  ["released", "after it expired", told(expired, "OrderCancelled")],
  ["released", "after it was rejected", told(rejected, "OrderCancelled")],
  ["released", "after it was lost", told(lost, "OrderCancelled")],
  ["released", "for a member who is not known", told(nobody, "OrderPlaced", "OrderCancelled")],
  ["rejected", "for coming too late", told(absent, "OrderPlaced, past hold_until")],
  ["lost", "after it expired", told(expired, "OrderConfirmed, more than there are")],
  ["lost", "after it was rejected", told(rejected, "OrderConfirmed, more than there are")],
  ["lost", "for a member who is not known", told(nobody, "OrderConfirmed")],
  ["tombstone", "that refused its hold", told(tombstone, "OrderPlaced")],
  ["tombstone", "that refused its sale", told(tombstone, "OrderConfirmed")],
  ["tombstone", "for a member who is not known", told(nobody, "OrderCancelled")],
];

export const memberStates: Record<MemberState, Past> = { absent: nobody, known: absent };
