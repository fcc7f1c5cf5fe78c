// Stock: what there is, what is held for whom, what was sold. Nothing here waits or reads a clock.
//
// A hold:  absent → held → committed → returned       the way of a sale, and of one taken back whole
//                    ├──→ released                    the order was cancelled
//                    └──→ expired → committed         nobody asked in time; a late sale may still find the stock
//          absent → rejected | tombstone | lost       refused; cancelled before it came; a sale without stock
import type { FactToldBy, Told } from "@quadrille/contracts/events";
import type {
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
} from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import type { Shortage, StockLine } from "@quadrille/contracts/gen/quadrille/product/v1/facts.ts";
import { type Decider, type Instant, Refusal, type Rows, row, unreachable } from "@quadrille/decider";

/** More than this of one variant cannot be counted on the wire. */
export const unitsMost = 1_000_000_000;

export interface ListedVariant {
  readonly status: "listed";
  readonly title: string;
  /** Minor units. */
  readonly price: bigint;
  readonly onSale: boolean;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

export type Variant = { readonly status: "absent" } | ListedVariant;
export const absentVariant: Variant = { status: "absent" };

export type HoldStatus =
  | "absent"
  | "held"
  | "committed"
  | "returned"
  | "released"
  | "expired"
  | "rejected"
  | "lost"
  | "tombstone";

export interface Hold {
  readonly status: HoldStatus;
  readonly lines: readonly StockLine[];
  readonly holdUntil: Instant | undefined;
}
export const absentHold: Hold = { status: "absent", lines: [], holdUntil: undefined };

/** Holds by order id, variants by variant id. */
export interface StockTables {
  readonly holds: Hold;
  readonly variants: Variant;
}

export type StockInput =
  | (Told<OrderPlaced> & { readonly type: "OrderPlaced" })
  | (Told<OrderConfirmed> & { readonly type: "OrderConfirmed" })
  | (Told<OrderCancelled> & { readonly type: "OrderCancelled" })
  | { readonly type: "ExpireHold"; readonly orderId: string; readonly variantIds: readonly string[] }
  | {
      readonly type: "CreateVariant";
      readonly variantId: string;
      readonly title: string;
      readonly price: bigint;
      readonly onSale: boolean;
    }
  | {
      readonly type: "UpdateVariant";
      readonly variantId: string;
      readonly title: string | undefined;
      readonly price: bigint | undefined;
      readonly onSale: boolean | undefined;
    }
  | { readonly type: "ReceiveStock"; readonly variantId: string; readonly quantity: number };

/** Where units of a variant can be. They come from outside and are never counted there. */
export type Place = "outside" | "available" | "held" | "sold";

/** One line of the stock ledger: units that went from one place to another. Every change of a count is one of these. */
export interface Movement {
  readonly variantId: string;
  readonly quantity: number;
  readonly from: Place;
  readonly to: Place;
  readonly orderId: string | undefined;
}

type CatalogueFact =
  | {
      readonly type: "variantCreated" | "variantUpdated";
      readonly variantId: string;
      readonly title: string;
      readonly price: bigint;
      readonly onSale: boolean;
    }
  | { readonly type: "stockReceived"; readonly variantId: string; readonly movements: readonly Movement[] };
/** `becomes` is the hold's next status. */
type HoldFact = FactToldBy<"product"> & {
  readonly becomes: HoldStatus;
  readonly movements: readonly Movement[];
};
export type StockFact = HoldFact | CatalogueFact;

type HoldInput = Extract<StockInput, { orderId: string }>;

export const stock: Decider<StockTables, StockInput, StockFact, Movement> = {
  initial: { holds: () => absentHold, variants: () => absentVariant },

  keys(input) {
    switch (input.type) {
      case "OrderPlaced":
      case "OrderConfirmed":
      case "OrderCancelled":
        return { holds: [input.orderId], variants: input.lines.map((line) => line.variantId) };
      case "ExpireHold":
        return { holds: [input.orderId], variants: input.variantIds };
      default:
        return { variants: [input.variantId] };
    }
  },

  decide(rows, input, now) {
    return "orderId" in input
      ? decideHold(rows, input, now)
      : decideVariant(row(rows.variants, input.variantId), input);
  },

  evolve(rows, fact) {
    if ("variantId" in fact && fact.type !== "stockReceived") {
      return { variants: new Map([[fact.variantId, listed(row(rows.variants, fact.variantId), fact)]]) };
    }
    const variants = moved(rows.variants, fact.movements);
    if (!("data" in fact)) return { variants };
    const { orderId } = fact.data;
    return { variants, holds: new Map([[orderId, evolveHold(row(rows.holds, orderId), fact)]]) };
  },

  entries: (fact) => ("movements" in fact ? fact.movements : []),
};

function decideHold(rows: Rows<StockTables>, input: HoldInput, now: Instant): readonly StockFact[] {
  const hold = row(rows.holds, input.orderId);
  switch (input.type) {
    case "OrderPlaced":
      if (hold.status === "tombstone") return [rejected(input, "CANCELLED", [], "tombstone")];
      return hold.status === "absent" ? take(rows, input, now) : [];
    case "OrderConfirmed":
      switch (hold.status) {
        case "held":
          return [committed(input, hold.lines, "held")];
        case "absent":
        case "expired":
        case "rejected":
          return sellUnheld(rows, input);
        case "committed":
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
          return [released(input, hold.lines, "CANCELLED", "held")];
        case "committed":
          return [released(input, hold.lines, "RETURNED", "sold")];
        case "absent": // The cancel came first: its tombstone refuses the hold that is still on its way.
          return [released(input, [], "CANCELLED", "held", "tombstone")];
        case "expired":
        case "rejected":
        case "lost":
          return [released(input, [], "CANCELLED", "held")];
        case "returned":
        case "released":
        case "tombstone":
          return [];
        default:
          return unreachable(hold.status);
      }
    case "ExpireHold":
      return hold.status === "held" && hold.holdUntil !== undefined && now >= hold.holdUntil
        ? [released(input, hold.lines, "EXPIRED", "held")]
        : [];
    default:
      return unreachable(input);
  }
}

/** Holds every line at its frozen price, or nothing. */
function take(rows: Rows<StockTables>, input: Told<OrderPlaced>, now: Instant): readonly StockFact[] {
  if (now >= input.holdUntil) return [rejected(input, "TOO_LATE", [])];
  const lines = perVariant(input.lines);
  const short = shortages(rows, lines);
  if (short.length > 0) {
    const isUnknown = lines.some((line) => row(rows.variants, line.variantId).status === "absent");
    return [rejected(input, isUnknown ? "VARIANT_UNKNOWN" : "OUT_OF_STOCK", short)];
  }
  const { orderId, holdUntil } = input;
  const movements = move(lines, "available", "held", orderId);
  return [{ type: "product.stock_held", data: { orderId, lines, holdUntil }, becomes: "held", movements }];
}

/** A sale whose hold is gone is kept if every line is there again. */
function sellUnheld(rows: Rows<StockTables>, input: Told<OrderConfirmed>): readonly StockFact[] {
  const lines = perVariant(input.lines);
  const short = shortages(rows, lines);
  if (short.length === 0) return [committed(input, lines, "available")];
  return [
    {
      type: "product.stock_commit_failed",
      data: { orderId: input.orderId, shortages: short },
      becomes: "lost",
      movements: [],
    },
  ];
}

function decideVariant(variant: Variant, input: Exclude<StockInput, HoldInput>): readonly StockFact[] {
  if (input.type === "CreateVariant") {
    if (variant.status !== "absent") throw new Refusal("VARIANT_EXISTS");
    const { variantId, title, price, onSale } = input;
    return [{ type: "variantCreated", variantId, title, price, onSale }];
  }
  if (variant.status === "absent") throw new Refusal("VARIANT_UNKNOWN");
  const { variantId } = input;
  if (input.type === "UpdateVariant") {
    const { title = variant.title, price = variant.price, onSale = variant.onSale } = input;
    return [{ type: "variantUpdated", variantId, title, price, onSale }];
  }
  const units = variant.available + variant.held + variant.sold + input.quantity;
  if (units > unitsMost) {
    throw new Refusal("INVALID_REQUEST", {
      violations: [
        { field: "quantity", description: `there would have been ${units} units; at most ${unitsMost}` },
      ],
    });
  }
  return [{ type: "stockReceived", variantId, movements: move([input], "outside", "available", undefined) }];
}

function evolveHold(hold: Hold, fact: HoldFact): Hold {
  switch (fact.type) {
    case "product.stock_held":
      return { status: fact.becomes, lines: fact.data.lines, holdUntil: fact.data.holdUntil };
    case "product.stock_committed":
      return { ...hold, status: fact.becomes, lines: fact.data.lines };
    default:
      return { ...hold, status: fact.becomes };
  }
}

function listed(
  variant: Variant,
  { title, price, onSale }: Exclude<CatalogueFact, { type: "stockReceived" }>,
): ListedVariant {
  const counts = variant.status === "absent" ? { available: 0, held: 0, sold: 0 } : variant;
  const { available, held, sold } = counts;
  return { status: "listed", title, price, onSale, available, held, sold };
}

function moved(
  variants: ReadonlyMap<string, Variant>,
  movements: readonly Movement[],
): ReadonlyMap<string, Variant> {
  const changed = new Map<string, Variant>();
  for (const { variantId, quantity, from, to } of movements) {
    const variant = changed.get(variantId) ?? row(variants, variantId);
    if (variant.status === "absent")
      throw new Error(`units of ${variantId}, which is not listed, cannot move`);
    const counts = { outside: 0, available: variant.available, held: variant.held, sold: variant.sold };
    counts[from] -= quantity;
    counts[to] += quantity;
    if (counts.available < 0 || counts.held < 0 || counts.sold < 0)
      throw new Error(`${variantId} would have less than nothing ${from}`);
    const { available, held, sold } = counts;
    changed.set(variantId, { ...variant, available, held, sold });
  }
  return changed;
}

function move(
  lines: readonly StockLine[],
  from: Place,
  to: Place,
  orderId: string | undefined,
): readonly Movement[] {
  return lines.map(({ variantId, quantity }) => ({ variantId, quantity, from, to, orderId }));
}

function shortages(rows: Rows<StockTables>, lines: readonly StockLine[]): Shortage[] {
  return lines.flatMap(({ variantId, quantity }) => {
    const variant = row(rows.variants, variantId);
    const available = variant.status === "listed" ? variant.available : 0;
    return available < quantity ? [{ variantId, wanted: quantity, available }] : [];
  });
}

/** Units by variant: a variant named twice must be there twice. */
function perVariant(lines: readonly StockLine[]): StockLine[] {
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of lines) {
    if (quantity < 1)
      throw new Refusal("INVALID_REQUEST", {
        violations: [{ field: "lines.quantity", description: "at least 1" }],
      });
    quantities.set(variantId, (quantities.get(variantId) ?? 0) + quantity);
  }
  return [...quantities].map(([variantId, quantity]) => ({ variantId, quantity }));
}

interface About {
  readonly orderId: string;
}

function rejected(
  { orderId }: About,
  reason: string,
  short: Shortage[],
  becomes: HoldStatus = "rejected",
): StockFact {
  return {
    type: "product.stock_rejected",
    data: { orderId, reason, shortages: short },
    becomes,
    movements: [],
  };
}

function committed({ orderId }: About, lines: readonly StockLine[], from: Place): StockFact {
  const movements = move(lines, from, "sold", orderId);
  return {
    type: "product.stock_committed",
    data: { orderId, lines: [...lines] },
    becomes: "committed",
    movements,
  };
}

const becomesBy = { CANCELLED: "released", RETURNED: "returned", EXPIRED: "expired" } as const;

function released(
  { orderId }: About,
  lines: readonly StockLine[],
  reason: keyof typeof becomesBy,
  from: Place,
  becomes: HoldStatus = becomesBy[reason],
): StockFact {
  const movements = move(lines, from, "available", orderId);
  return { type: "product.stock_released", data: { orderId, lines: [...lines], reason }, becomes, movements };
}
