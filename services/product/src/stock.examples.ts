// One order's inputs to stock, and the ways into each of a hold's states: what tests of decisions start from.
import { given, type Past as PastOf } from "@quadrille/decider/testing";
import type { HoldInput, HoldState, VariantInput, VariantState } from "./stock.decisions.ts";
import {
  type Hold,
  type ListedVariant,
  type Movement,
  type StockFact,
  type StockInput,
  type StockTables,
  stock,
  unitsMost,
  type Variant,
} from "./stock.ts";

export type Past = PastOf<StockTables, StockInput, StockFact, Movement>;

export const start = new Date("2026-01-01T00:00:00Z");
export const holdUntil = new Date("2026-01-02T00:00:00Z");
export const orderId = "order";

export function variant(available: number): ListedVariant {
  return { status: "listed", title: "A thing", price: 1000n, onSale: true, available, held: 0, sold: 0 };
}

export const line = (variantId: string, quantity: number) => ({
  variantId,
  quantity,
  unitPrice: 1000n,
  title: "A thing",
});
const lines = [line("A", 2), line("B", 1)];
const tooMany = [line("A", 11), line("B", 1)];

const money = { memberId: "member", subtotal: 3000n, points: 0n, amountDue: 3000n, currency: "KRW" };
export const placed = {
  ...money,
  type: "OrderPlaced",
  orderId,
  lines,
  method: "PAYMENT_METHOD_CARD",
  placedAt: start,
  pendingUntil: new Date("2026-01-01T00:01:00Z"),
  holdUntil,
  payWithinSeconds: 600,
} as const satisfies StockInput;
export const confirmed = {
  ...money,
  type: "OrderConfirmed",
  orderId,
  lines,
  confirmedAt: start,
} as const satisfies StockInput;

export const holdInputs = {
  OrderPlaced: placed,
  "OrderPlaced, more than there is": { ...placed, lines: tooMany },
  "OrderPlaced, unknown variant": { ...placed, lines: [...lines, line("X", 1)] },
  "OrderPlaced, past hold_until": { ...placed, holdUntil: start },
  OrderConfirmed: confirmed,
  "OrderConfirmed, more than there is": { ...confirmed, lines: tooMany },
  OrderCancelled: {
    ...money,
    type: "OrderCancelled",
    orderId,
    reason: "BY_MEMBER",
    wasConfirmed: false,
    benefitsWanted: false,
    cancelledAt: start,
    lines,
  },
  ExpireHold: { type: "ExpireHold", orderId, variantIds: ["A", "B"] },
} satisfies Record<HoldInput, StockInput>;

export const variantInputs = {
  CreateVariant: { type: "CreateVariant", variantId: "A", title: "A thing", price: 1000n, onSale: true },
  UpdateVariant: {
    type: "UpdateVariant",
    variantId: "A",
    title: undefined,
    price: 900n,
    onSale: undefined,
  },
  ReceiveStock: { type: "ReceiveStock", variantId: "A", quantity: 5 },
  "ReceiveStock, more than can be counted": { type: "ReceiveStock", variantId: "A", quantity: unitsMost },
} satisfies Record<VariantInput, StockInput>;

/** What the service knows after these inputs, one after the other. */
export function told(past: Past, ...names: readonly HoldInput[]): Past {
  return names.reduce((before, name) => before.when(holdInputs[name]).after, past);
}

export function holdOf(past: Past): Hold {
  return past.state("holds", orderId);
}

export function variantOf(past: Past, variantId = "A"): Variant {
  return past.state("variants", variantId);
}

const absent: Past = given(stock, { variants: { A: variant(10), B: variant(1) } }, start);
const held = told(absent, "OrderPlaced");
const committed = told(held, "OrderConfirmed");

export const holdStates: Record<HoldState, Past> = {
  absent,
  held,
  "held, past hold_until": held.at(holdUntil),
  committed,
  returned: told(committed, "OrderCancelled"),
  released: told(held, "OrderCancelled"),
  expired: told(held.at(holdUntil), "ExpireHold"),
  rejected: told(absent, "OrderPlaced, more than there is"),
  lost: told(absent, "OrderConfirmed, more than there is"),
  tombstone: told(absent, "OrderCancelled"),
};

const { expired, rejected, lost, tombstone } = holdStates;

/** Other ways into the same states: what a state answers must not depend on how it was reached. */
export const otherWays: readonly (readonly [HoldState, string, Past])[] = [
  ["committed", "without its hold", told(absent, "OrderConfirmed")],
  ["committed", "past hold_until", told(held.at(holdUntil), "OrderConfirmed")],
  ["committed", "after its hold expired", told(expired, "OrderConfirmed")],
  ["committed", "after its hold was rejected", told(rejected, "OrderConfirmed")],
  ["returned", "from a sale without its hold", told(absent, "OrderConfirmed", "OrderCancelled")],
  ["returned", "from a sale after its hold expired", told(expired, "OrderConfirmed", "OrderCancelled")],
  ["released", "after it expired", told(expired, "OrderCancelled")],
  ["released", "after it was rejected", told(rejected, "OrderCancelled")],
  ["released", "after it was lost", told(lost, "OrderCancelled")],
  ["rejected", "for an unknown variant", told(absent, "OrderPlaced, unknown variant")],
  ["rejected", "for coming too late", told(absent, "OrderPlaced, past hold_until")],
  ["lost", "after it expired", told(expired, "OrderConfirmed, more than there is")],
  ["lost", "after it was rejected", told(rejected, "OrderConfirmed, more than there is")],
  ["tombstone", "that refused its hold", told(tombstone, "OrderPlaced")],
  ["tombstone", "that refused its sale", told(tombstone, "OrderConfirmed")],
];

export const variantStates: Record<VariantState, Past> = {
  absent: given(stock, [], start),
  listed: absent,
};
