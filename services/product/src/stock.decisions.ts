// What stock answers to every input in every state. The tests compare `decide` with it, and the docs print it.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { acts, type Cell, quiet, refuses } from "@quadrille/decider/table";
import type { HoldStatus, StockFact, StockInput, Variant } from "./stock.ts";

/** The part after the comma is the special case. Unless it says otherwise a hold is in time. */
export type HoldState = HoldStatus | "held, past hold_until";

/** Unless it says otherwise every line is there. */
export type HoldInput =
  | Extract<StockInput, { orderId: string }>["type"]
  | "OrderPlaced, more than there is"
  | "OrderPlaced, unknown variant"
  | "OrderPlaced, past hold_until"
  | "OrderConfirmed, more than there is";

export type VariantState = Variant["status"];
export type VariantInput =
  | Exclude<StockInput, { orderId: string }>["type"]
  | "ReceiveStock, more than can be counted";

type HoldName =
  | "product.stock_held"
  | "product.stock_committed"
  | "product.stock_commit_failed"
  | `product.stock_rejected ${"OUT_OF_STOCK" | "VARIANT_UNKNOWN" | "TOO_LATE" | "CANCELLED"}`
  | `product.stock_released ${"CANCELLED" | "RETURNED" | "EXPIRED"}`;
type VariantName = Extract<StockFact, { variantId: string }>["type"];

type Row = Record<HoldInput, Cell<HoldStatus, HoldName, RefusalCode>>;
type VariantRow = Record<VariantInput, Cell<VariantState, VariantName, RefusalCode>>;

export function nameOf(fact: StockFact): string {
  return "data" in fact && "reason" in fact.data ? `${fact.type} ${fact.data.reason}` : fact.type;
}

/** The hold's story is over, or has begun: what else comes is late or told twice. */
const nothing = {
  OrderPlaced: quiet,
  "OrderPlaced, more than there is": quiet,
  "OrderPlaced, unknown variant": quiet,
  "OrderPlaced, past hold_until": quiet,
  OrderConfirmed: quiet,
  "OrderConfirmed, more than there is": quiet,
  OrderCancelled: quiet,
  ExpireHold: quiet,
} satisfies Row;

const absent = {
  OrderPlaced: acts("held", "product.stock_held"),
  "OrderPlaced, more than there is": acts("rejected", "product.stock_rejected OUT_OF_STOCK"),
  "OrderPlaced, unknown variant": acts("rejected", "product.stock_rejected VARIANT_UNKNOWN"),
  "OrderPlaced, past hold_until": acts("rejected", "product.stock_rejected TOO_LATE"),
  OrderConfirmed: acts("committed", "product.stock_committed"), // Paid for: sold if it is there.
  "OrderConfirmed, more than there is": acts("lost", "product.stock_commit_failed"),
  OrderCancelled: acts("tombstone", "product.stock_released CANCELLED"),
  ExpireHold: quiet,
} satisfies Row;

const held = {
  OrderPlaced: quiet,
  "OrderPlaced, more than there is": quiet,
  "OrderPlaced, unknown variant": quiet,
  "OrderPlaced, past hold_until": quiet,
  OrderConfirmed: acts("committed", "product.stock_committed"),
  "OrderConfirmed, more than there is": acts("committed", "product.stock_committed"), // What is held counts.
  OrderCancelled: acts("released", "product.stock_released CANCELLED"),
  ExpireHold: quiet,
} satisfies Row;

/** Nothing is held, but a sale that was paid for is kept if every line is there. */
const unheld = {
  OrderPlaced: quiet,
  "OrderPlaced, more than there is": quiet,
  "OrderPlaced, unknown variant": quiet,
  "OrderPlaced, past hold_until": quiet,
  OrderConfirmed: acts("committed", "product.stock_committed"),
  "OrderConfirmed, more than there is": acts("lost", "product.stock_commit_failed"),
  OrderCancelled: acts("released", "product.stock_released CANCELLED"),
  ExpireHold: quiet,
} satisfies Row;

export const holdTable = {
  absent,
  held,
  "held, past hold_until": { ...held, ExpireHold: acts("expired", "product.stock_released EXPIRED") },
  committed: { ...nothing, OrderCancelled: acts("returned", "product.stock_released RETURNED") },
  returned: nothing,
  released: nothing,
  expired: unheld,
  rejected: unheld,
  lost: { ...nothing, OrderCancelled: acts("released", "product.stock_released CANCELLED") },
  tombstone: {
    ...nothing, // The cancel came first: the hold is refused, and the sale is none.
    OrderPlaced: acts("tombstone", "product.stock_rejected CANCELLED"),
    "OrderPlaced, more than there is": acts("tombstone", "product.stock_rejected CANCELLED"),
    "OrderPlaced, unknown variant": acts("tombstone", "product.stock_rejected CANCELLED"),
    "OrderPlaced, past hold_until": acts("tombstone", "product.stock_rejected CANCELLED"),
  },
} satisfies Record<HoldState, Row>;

export const variantTable = {
  absent: {
    CreateVariant: acts("listed", "variantCreated"),
    UpdateVariant: refuses("VARIANT_UNKNOWN"),
    ReceiveStock: refuses("VARIANT_UNKNOWN"),
    "ReceiveStock, more than can be counted": refuses("VARIANT_UNKNOWN"),
  },
  listed: {
    CreateVariant: refuses("VARIANT_EXISTS"),
    UpdateVariant: acts("listed", "variantUpdated"),
    ReceiveStock: acts("listed", "stockReceived"),
    "ReceiveStock, more than can be counted": refuses("INVALID_REQUEST"),
  },
} satisfies Record<VariantState, VariantRow>;
