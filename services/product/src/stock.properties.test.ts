// Whatever orders do, in whatever sequence and however often, no unit appears, vanishes or is sold twice.
import { expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import fc from "fast-check";
import { confirmed, holdInputs, line, placed, start, variant } from "./stock.examples.ts";
import { type Hold, type Movement, type StockInput, stock, type Variant } from "./stock.ts";

const orders = ["one", "two", "three"] as const;
const variants = ["A", "B"] as const;

/** An order is the same in all its facts, as the order service tells them. */
const wanted = fc.array(fc.record({ variantId: fc.constantFrom(...variants), quantity: fc.nat(5) }), {
  minLength: 1,
  maxLength: 3,
});
const kinds = ["OrderPlaced", "OrderConfirmed", "OrderCancelled", "ExpireHold"] as const;
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), order: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("ReceiveStock" as const),
      variantId: fc.constantFrom(...variants),
      quantity: fc.integer({ min: 1, max: 4 }),
    }),
  },
);
const story = fc.record({
  lines: fc.tuple(wanted, wanted, wanted),
  steps: fc.array(fc.record({ step, waitSeconds: fc.constantFrom(0, 0, 60, 40_000) }), { maxLength: 40 }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

function inputOf(told: Story["steps"][number]["step"], lines: Story["lines"]): StockInput {
  if (told.kind === "ReceiveStock") {
    return { type: told.kind, variantId: told.variantId, quantity: told.quantity };
  }
  const orderId = orders[told.order] as string;
  const own = (lines[told.order] ?? []).map(({ variantId, quantity }) => line(variantId, quantity + 1));
  switch (told.kind) {
    case "OrderPlaced":
      return { ...placed, orderId, lines: own };
    case "OrderConfirmed":
      return { ...confirmed, orderId, lines: own };
    case "OrderCancelled":
      return { ...holdInputs.OrderCancelled, orderId, lines: own };
    case "ExpireHold":
      return { type: "ExpireHold", orderId, variantIds: own.map((each) => each.variantId) };
  }
}

interface Seen {
  readonly input: StockInput;
  readonly types: readonly string[];
  readonly movements: readonly Movement[];
  readonly variants: Readonly<Record<string, Variant>>;
  readonly holds: readonly Hold[];
}

function tell({ lines, steps }: Story): Seen[] {
  let past = given(stock, { variants: { A: variant(6), B: variant(3) } }, start);
  return steps.map(({ step, waitSeconds }) => {
    const input = inputOf(step, lines);
    const outcome = past.when(input, new Date(past.now.getTime() + waitSeconds * 1000));
    past = outcome.after;
    return {
      input,
      types: outcome.facts.map((fact) => fact.type),
      movements: outcome.facts.flatMap((fact) => stock.entries?.(fact) ?? []),
      variants: { A: past.state("variants", "A"), B: past.state("variants", "B") },
      holds: orders.map((orderId) => past.state("holds", orderId)),
    };
  });
}

const counts = (of: Variant | undefined) => {
  if (of?.status !== "listed") throw new Error("not listed");
  return of;
};
const unitsIn = (holds: readonly Hold[], status: Hold["status"], variantId: string) =>
  holds
    .filter((hold) => hold.status === status)
    .flatMap((hold) => hold.lines)
    .reduce((sum, each) => (each.variantId === variantId ? sum + each.quantity : sum), 0);

test("no count is ever negative, and their sum grows only by receipts", () => {
  fc.assert(
    fc.property(story, (told) => {
      const units: Record<string, number> = { A: 6, B: 3 };
      for (const seen of tell(told)) {
        const { input } = seen;
        if (input.type === "ReceiveStock")
          units[input.variantId] = (units[input.variantId] ?? 0) + input.quantity;
        for (const variantId of variants) {
          const { available, held, sold } = counts(seen.variants[variantId]);
          expect(Math.min(available, held, sold)).toBeGreaterThanOrEqual(0);
          expect(available + held + sold).toBe(units[variantId]);
        }
      }
    }),
  );
});

test("what is counted as held and sold is what the holds say, line by line", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const seen of tell(told)) {
        for (const variantId of variants) {
          const { held, sold } = counts(seen.variants[variantId]);
          expect(held).toBe(unitsIn(seen.holds, "held", variantId));
          expect(sold).toBe(unitsIn(seen.holds, "committed", variantId));
        }
      }
    }),
  );
});

test("the ledger alone gives the counts", () => {
  fc.assert(
    fc.property(story, (told) => {
      const booked: Record<string, Record<string, number>> = {
        A: { outside: 0, available: 6, held: 0, sold: 0 },
        B: { outside: 0, available: 3, held: 0, sold: 0 },
      };
      for (const seen of tell(told)) {
        for (const { variantId, quantity, from, to } of seen.movements) {
          const places = booked[variantId] as Record<string, number>;
          places[from] = (places[from] ?? 0) - quantity;
          places[to] = (places[to] ?? 0) + quantity;
        }
        for (const variantId of variants)
          expect(counts(seen.variants[variantId])).toMatchObject(rest(booked[variantId]));
      }
    }),
  );
});

test("every cancel is answered once, and nothing is held or sold for its order afterwards", () => {
  fc.assert(
    fc.property(story, (told) => {
      const cancelled = new Set<string>();
      for (const { input, types, holds } of tell(told)) {
        if (input.type === "OrderCancelled") {
          expect(types).toEqual(cancelled.has(input.orderId) ? [] : ["product.stock_released"]);
          cancelled.add(input.orderId);
        }
        for (const [index, orderId] of orders.entries()) {
          if (cancelled.has(orderId)) expect(["held", "committed"]).not.toContain(holds[index]?.status);
        }
      }
    }),
  );
});

function rest({ outside: _, ...places }: Record<string, number> = {}) {
  return places;
}
