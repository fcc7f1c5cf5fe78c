// A small decider for the tests: stock that is held for orders, with a way to fail at every step.
import type { FactToldBy } from "@quadrille/contracts/events";
import { type Decider, Refusal, row } from "@quadrille/decider";

export interface Line {
  readonly variantId: string;
  readonly quantity: number;
}
export interface Hold {
  readonly status: "ABSENT" | "HELD" | "RELEASED";
  readonly lines: readonly Line[];
  readonly holdUntil: Date | null;
}
export interface Variant {
  readonly status: "ABSENT" | "KNOWN";
  readonly available: bigint;
  readonly note: string;
}
export interface Stock {
  readonly holds: Hold;
  readonly variants: Variant;
}

/** Where a `Fail` goes wrong. `nul`, `range` and `negative` are decided well, but cannot be stored. */
export type Where =
  | "keys"
  | "decide"
  | "evolve"
  | "stray"
  | "foreign"
  | "entries"
  | "nul"
  | "range"
  | "negative";

/** What PostgreSQL would refuse of a variant: less than nothing, more than its column holds, a text that is none. */
export const canBeStored = ({ available, note }: Variant): boolean =>
  available >= 0n && available < 2n ** 63n && !note.includes("\0");

export type StockInput =
  | { readonly type: "Receive"; readonly variantId: string; readonly quantity: number }
  | { readonly type: "Hold"; readonly orderId: string; readonly lines: readonly Line[] }
  | { readonly type: "Release"; readonly orderId: string; readonly variantIds?: readonly string[] }
  | { readonly type: "Look"; readonly orderId: string }
  | { readonly type: "Fail"; readonly orderId: string; readonly variantId: string; readonly where: Where };

export interface Movement {
  readonly variantId: string;
  readonly quantity: number;
}

export type StockFact =
  | Extract<FactToldBy<"product">, { type: "product.stock_held" | "product.stock_released" }>
  | { readonly type: "received"; readonly data: Line }
  | { readonly type: "failed"; readonly data: { where: Where; orderId: string; variantId: string } };

const noHold: Hold = { status: "ABSENT", lines: [], holdUntil: null };
const noVariant: Variant = { status: "ABSENT", available: 0n, note: "" };

export const stock: Decider<Stock, StockInput, StockFact, Movement> = {
  initial: { holds: () => noHold, variants: () => noVariant },

  keys(input) {
    switch (input.type) {
      case "Receive":
        return { variants: [input.variantId] };
      case "Hold":
        return { holds: [input.orderId], variants: input.lines.map((line) => line.variantId) };
      case "Release":
        return { holds: [input.orderId], variants: input.variantIds ?? [] };
      case "Look":
        return { holds: [input.orderId] };
      case "Fail":
        if (input.where === "keys") throw new Error("failed in keys");
        return { holds: [input.orderId], variants: [input.variantId] };
    }
  },

  decide({ holds, variants }, input, now) {
    switch (input.type) {
      case "Receive":
        return [{ type: "received", data: { variantId: input.variantId, quantity: input.quantity } }];
      case "Hold": {
        if (row(holds, input.orderId).status !== "ABSENT") return [];
        for (const { variantId, quantity } of input.lines) {
          if (row(variants, variantId).available < quantity) throw new Refusal("OUT_OF_STOCK");
        }
        const data = {
          orderId: input.orderId,
          lines: [...input.lines],
          holdUntil: new Date(now.getTime() + 60_000),
        };
        return [{ type: "product.stock_held", data }];
      }
      case "Release": {
        const { orderId } = input;
        const lines = [...row(holds, orderId).lines];
        return [{ type: "product.stock_released", data: { orderId, lines, reason: "CANCELLED" } }];
      }
      case "Look":
        return [];
      case "Fail":
        if (input.where === "decide") throw new Error("failed in decide");
        return [{ type: "failed", data: { ...input } }, ...foreign(input.where)];
    }
  },

  evolve({ holds, variants }, fact) {
    switch (fact.type) {
      case "received":
        return { variants: new Map([moved(variants, fact.data, 1)]) };
      case "product.stock_held": {
        const { orderId, lines, holdUntil } = fact.data;
        return {
          holds: new Map([[orderId, { status: "HELD", lines, holdUntil }]]),
          variants: new Map(lines.map((line) => moved(variants, line, -1))),
        };
      }
      case "product.stock_released": {
        const { orderId, lines } = fact.data;
        if (holds.get(orderId)?.status !== "HELD") return {}; // Told, though nothing is there.
        return {
          holds: new Map([[orderId, { status: "RELEASED", lines: [], holdUntil: null }]]),
          variants: new Map(lines.map((line) => moved(variants, line, 1))),
        };
      }
      case "failed":
        return failed(fact.data, variants);
    }
  },

  entries(fact) {
    if (fact.type === "failed" && fact.data.where === "entries") throw new Error("failed in entries");
    if (fact.type === "received") return [fact.data];
    if (fact.type === "product.stock_held")
      return fact.data.lines.map((line) => ({ ...line, quantity: -line.quantity }));
    return fact.type === "product.stock_released" ? fact.data.lines : [];
  },
};

type Variants = ReadonlyMap<string, Variant>;

function moved(variants: Variants, line: Line, sign: 1 | -1): readonly [string, Variant] {
  const before = row(variants, line.variantId);
  const available = before.available + BigInt(sign * line.quantity);
  return [line.variantId, { status: "KNOWN", available, note: before.note }];
}

/** A fact about an order the input does not name. */
function foreign(where: Where): StockFact[] {
  const data = { orderId: "00000000-0000-7000-8000-00000000f0e1", lines: [], reason: "CANCELLED" };
  return where === "foreign" ? [{ type: "product.stock_released", data }] : [];
}

const unstorable: { readonly [W in Where]?: bigint } = { negative: -1n, range: 2n ** 64n };

function failed({ where, variantId }: { where: Where; variantId: string }, variants: Variants) {
  if (where === "evolve") throw new Error("failed in evolve");
  const before = row(variants, variantId);
  // Something must change, so that a failure that leaves a trace is seen.
  const changed: Variant = {
    status: "KNOWN",
    available: unstorable[where] ?? before.available - 1n,
    note: where === "nul" ? "\0" : before.note,
  };
  const key = where === "stray" ? `${variantId}-stray` : variantId;
  return { variants: new Map([[key, changed]]) };
}
