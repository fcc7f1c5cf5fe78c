// What benefits answer to every input in every state. The tests compare `decide` with it, and the docs print it.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { acts, type Cell, quiet, refuses } from "@quadrille/decider/table";
import type { BenefitFact, BenefitInput, HoldStatus, Member } from "./benefits.ts";

/** The part after the comma is the special case. Unless it says otherwise a hold is in time. */
export type HoldState = HoldStatus | "absent, member unknown" | "held, past hold_until";

/** Unless it says otherwise the order wants points, and they are there. */
export type HoldInput =
  | Extract<BenefitInput, { orderId: string }>["type"]
  | "OrderPlaced, no points"
  | "OrderPlaced, more than there are"
  | "OrderPlaced, past hold_until"
  | "OrderConfirmed, no points"
  | "OrderConfirmed, more than there are"
  | "OrderCancelled, no points";

export type MemberState = Member["status"];
export type MemberInput =
  | Exclude<BenefitInput, { orderId: string }>["type"]
  | "AdjustPoints, taken back"
  | "AdjustPoints, more taken back than there are"
  | "AdjustPoints, more than can be owned";

type HoldName =
  | "member.benefits_held"
  | "member.benefits_spent"
  | "member.benefits_spend_failed"
  | `member.benefits_rejected ${"NOT_ENOUGH_POINTS" | "MEMBER_UNKNOWN" | "TOO_LATE" | "CANCELLED"}`
  | `member.benefits_released ${"CANCELLED" | "RETURNED" | "EXPIRED"}`;
type MemberName = Exclude<BenefitFact["type"], `member.${string}`>;

type Row = Record<HoldInput, Cell<HoldStatus, HoldName, RefusalCode>>;
type MemberRow = Record<MemberInput, Cell<MemberState, MemberName, RefusalCode>>;

export function nameOf(fact: BenefitFact): string {
  return "data" in fact && "reason" in fact.data ? `${fact.type} ${fact.data.reason}` : fact.type;
}

/** The hold's story is over, or has begun: what else comes is late, told twice, or wants nothing of its member. */
const nothing = {
  OrderPlaced: quiet,
  "OrderPlaced, no points": quiet,
  "OrderPlaced, more than there are": quiet,
  "OrderPlaced, past hold_until": quiet,
  OrderConfirmed: quiet,
  "OrderConfirmed, no points": quiet,
  "OrderConfirmed, more than there are": quiet,
  OrderCancelled: quiet,
  "OrderCancelled, no points": quiet,
  ExpireHold: quiet,
} satisfies Row;

const absent = {
  OrderPlaced: acts("held", "member.benefits_held"),
  "OrderPlaced, no points": quiet,
  "OrderPlaced, more than there are": acts("rejected", "member.benefits_rejected NOT_ENOUGH_POINTS"),
  "OrderPlaced, past hold_until": acts("rejected", "member.benefits_rejected TOO_LATE"),
  OrderConfirmed: acts("spent", "member.benefits_spent"), // Paid for: spent if they are there.
  "OrderConfirmed, no points": quiet,
  "OrderConfirmed, more than there are": acts("lost", "member.benefits_spend_failed"),
  OrderCancelled: acts("tombstone", "member.benefits_released CANCELLED"),
  "OrderCancelled, no points": quiet,
  ExpireHold: quiet,
} satisfies Row;

const held = {
  ...nothing,
  OrderConfirmed: acts("spent", "member.benefits_spent"),
  "OrderConfirmed, more than there are": acts("spent", "member.benefits_spent"), // What is held counts.
  OrderCancelled: acts("released", "member.benefits_released CANCELLED"),
} satisfies Row;

/** Nothing is held, but a sale that was paid for is kept if the points are there. */
const unheld = {
  ...nothing,
  OrderConfirmed: acts("spent", "member.benefits_spent"),
  "OrderConfirmed, more than there are": acts("lost", "member.benefits_spend_failed"),
  OrderCancelled: acts("released", "member.benefits_released CANCELLED"),
} satisfies Row;

export const holdTable = {
  absent,
  "absent, member unknown": {
    ...absent,
    OrderPlaced: acts("rejected", "member.benefits_rejected MEMBER_UNKNOWN"),
    "OrderPlaced, more than there are": acts("rejected", "member.benefits_rejected MEMBER_UNKNOWN"),
    OrderConfirmed: acts("lost", "member.benefits_spend_failed"),
  },
  held,
  "held, past hold_until": { ...held, ExpireHold: acts("expired", "member.benefits_released EXPIRED") },
  spent: { ...nothing, OrderCancelled: acts("returned", "member.benefits_released RETURNED") },
  returned: nothing,
  released: nothing,
  expired: unheld,
  rejected: unheld,
  lost: { ...nothing, OrderCancelled: acts("released", "member.benefits_released CANCELLED") },
  tombstone: {
    ...nothing, // The cancel came first: the hold is refused, and the sale is none.
    OrderPlaced: acts("tombstone", "member.benefits_rejected CANCELLED"),
    "OrderPlaced, more than there are": acts("tombstone", "member.benefits_rejected CANCELLED"),
    "OrderPlaced, past hold_until": acts("tombstone", "member.benefits_rejected CANCELLED"),
  },
} satisfies Record<HoldState, Row>;

export const memberTable = {
  absent: {
    CreateMember: acts("known", "memberCreated"),
    AdjustPoints: refuses("MEMBER_UNKNOWN"),
    "AdjustPoints, taken back": refuses("MEMBER_UNKNOWN"),
    "AdjustPoints, more taken back than there are": refuses("MEMBER_UNKNOWN"),
    "AdjustPoints, more than can be owned": refuses("MEMBER_UNKNOWN"),
  },
  known: {
    CreateMember: refuses("MEMBER_EXISTS"),
    AdjustPoints: acts("known", "pointsAdjusted"),
    "AdjustPoints, taken back": acts("known", "pointsAdjusted"),
    "AdjustPoints, more taken back than there are": refuses("NOT_ENOUGH_POINTS"),
    "AdjustPoints, more than can be owned": refuses("INVALID_REQUEST"),
  },
} satisfies Record<MemberState, MemberRow>;
