// What an order costs: wanted lines and today's product and member data in, frozen terms or a refusal out.
import { Refusal } from "@quadrille/decider";
import type { WantedLine } from "./cart.ts";

/** A variant as the product service describes it. Prices in minor units. */
export interface VariantData {
  readonly variantId: string;
  readonly title: string;
  readonly price: bigint;
  readonly onSale: boolean;
  readonly available: number;
}

export interface PricedLine {
  readonly variantId: string;
  readonly quantity: number;
  readonly unitPrice: bigint;
  readonly title: string;
}

/** Amounts in minor units of the deployment's currency; one point pays one unit. */
export interface Quote {
  readonly lines: readonly PricedLine[];
  readonly subtotal: bigint;
  readonly points: bigint;
  readonly amountDue: bigint;
}

/** Why a line cannot be bought now, or "" when it can. */
export function problemOf(
  line: WantedLine,
  variant: VariantData | undefined,
): "" | "VARIANT_UNKNOWN" | "NOT_ON_SALE" | "OUT_OF_STOCK" {
  if (variant === undefined) return "VARIANT_UNKNOWN";
  if (!variant.onSale) return "NOT_ON_SALE";
  return variant.available < line.quantity ? "OUT_OF_STOCK" : "";
}

/** Refuses lines that name a variant twice: which of the two quantities was meant cannot be known. */
export function assertDistinct(lines: readonly WantedLine[]): void {
  const seen = new Set<string>();
  for (const { variantId } of lines) {
    if (seen.has(variantId)) throw new Refusal("DUPLICATE_LINE", { details: { variant_id: variantId } });
    seen.add(variantId);
  }
}

/** What the buyer was shown, and what the payment provider charges at the least; nothing due needs no charge. */
export interface Terms {
  readonly expectedAmountDue: bigint;
  readonly minimumCharge: bigint;
}

/**
 * Prices an order of at least one line, each of another variant. `points.owned` is what the member can spend now.
 * Refuses with VARIANT_UNKNOWN, NOT_ON_SALE, OUT_OF_STOCK, POINTS_EXCEED_TOTAL, NOT_ENOUGH_POINTS, AMOUNT_CHANGED or
 * AMOUNT_TOO_SMALL. Stock and points are only looked at here; the holds decide.
 */
export function quote(
  wanted: readonly WantedLine[],
  variants: ReadonlyMap<string, VariantData>,
  points: { readonly used: bigint; readonly owned: bigint },
  { expectedAmountDue, minimumCharge }: Terms,
): Quote {
  const lines = wanted.map((line): PricedLine => {
    const variant = variants.get(line.variantId);
    const problem = problemOf(line, variant);
    if (variant === undefined || problem !== "") {
      throw new Refusal(problem, { details: { variant_id: line.variantId } });
    }
    return {
      variantId: line.variantId,
      quantity: line.quantity,
      unitPrice: variant.price,
      title: variant.title,
    };
  });
  const subtotal = lines.reduce((sum, line) => sum + line.unitPrice * BigInt(line.quantity), 0n);
  if (points.used > subtotal)
    throw new Refusal("POINTS_EXCEED_TOTAL", { details: { subtotal: `${subtotal}` } });
  if (points.used > points.owned)
    throw new Refusal("NOT_ENOUGH_POINTS", { details: { points: `${points.owned}` } });
  const amountDue = subtotal - points.used;
  if (amountDue !== expectedAmountDue)
    throw new Refusal("AMOUNT_CHANGED", { details: { amount_due: `${amountDue}` } });
  if (amountDue > 0n && amountDue < minimumCharge) {
    const details = { amount_due: `${amountDue}`, minimum: `${minimumCharge}` };
    throw new Refusal("AMOUNT_TOO_SMALL", { details });
  }
  return { lines, subtotal, points: points.used, amountDue };
}
