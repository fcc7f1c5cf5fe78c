// Whatever orders do, in whatever sequence and however often, no unit appears, vanishes or is sold twice.
import { expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import fc from "fast-check";
import { confirmed, holdInputs, line, placed, start, variant } from "./stock.examples.ts";
import { type Hold, type HoldStatus, type Movement, type StockInput, stock, type Variant } from "./stock.ts";

const orders = ["one", "two", "three"] as const;
/** C is listed only once somebody creates it. */
const variants = ["A", "B", "C"] as const;
const variantId = fc.constantFrom(...variants);

/** What an order wants. It is the same in all its facts, as the order service tells them, except where one lies. */
const wanted = fc.array(
  fc.record({ variantId: fc.constantFrom("A", "A", "B", "B", "C"), quantity: fc.nat(5) }),
  { minLength: 1, maxLength: 3 },
);
const kinds = ["OrderPlaced", "OrderConfirmed", "OrderCancelled", "ExpireHold"] as const;
const quantity = fc.integer({ min: 1, max: 4 });
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(...kinds),
      order: fc.nat(2),
      /** Quantities that a confirmation or a cancel names instead of those that were placed. */
      lie: fc.option(quantity, { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("ReceiveStock" as const), variantId, quantity }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("CreateVariant" as const), variantId }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("UpdateVariant" as const), variantId, onSale: fc.boolean() }),
  },
);
const hours = fc.integer({ min: 0, max: 9 });
const story = fc.record({
  lines: fc.tuple(wanted, wanted, wanted),
  /** How long each order may be held, from the start of the story. */
  holdHours: fc.tuple(hours, hours, hours),
  steps: fc.array(fc.record({ step, waitSeconds: fc.constantFrom(0, 0, 0, 60, 5_000) }), {
    maxLength: 40,
    size: "max",
  }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

const hoursLater = (count: number) => new Date(start.getTime() + count * 3_600_000);

function inputOf(told: Story["steps"][number]["step"], { lines, holdHours }: Story): StockInput {
  switch (told.kind) {
    case "ReceiveStock":
      return { type: told.kind, variantId: told.variantId, quantity: told.quantity };
    case "CreateVariant":
      return { type: told.kind, variantId: told.variantId, title: "A thing", price: 7n, onSale: true };
    case "UpdateVariant": {
      const { variantId, onSale } = told;
      return { type: told.kind, variantId, title: undefined, price: 9n, onSale };
    }
  }
  const orderId = orders[told.order] as string;
  const own = (lines[told.order] ?? []).map((each) => line(each.variantId, each.quantity + 1));
  const said = own.map((each) => ({ ...each, quantity: told.lie ?? each.quantity }));
  switch (told.kind) {
    case "OrderPlaced":
      return { ...placed, orderId, lines: own, holdUntil: hoursLater(holdHours[told.order] ?? 0) };
    case "OrderConfirmed":
      return { ...confirmed, orderId, lines: said };
    case "OrderCancelled":
      return { ...holdInputs.OrderCancelled, orderId, lines: said };
    case "ExpireHold":
      return { type: "ExpireHold", orderId, variantIds: own.map((each) => each.variantId) };
  }
}

interface Seen {
  readonly input: StockInput;
  readonly isRefused: boolean;
  readonly types: readonly string[];
  readonly movements: readonly Movement[];
  readonly variants: Readonly<Record<string, Variant>>;
  readonly holds: readonly Hold[];
}

function tell(story: Story): Seen[] {
  let past = given(stock, { variants: { A: variant(6), B: variant(3) } }, start);
  return story.steps.map(({ step, waitSeconds }) => {
    const input = inputOf(step, story);
    const outcome = past.when(input, new Date(past.now.getTime() + waitSeconds * 1000));
    past = outcome.after;
    return {
      input,
      isRefused: outcome.refusal !== undefined,
      types: outcome.facts.map((fact) => fact.type),
      movements: outcome.facts.flatMap((fact) => stock.entries?.(fact) ?? []),
      variants: Object.fromEntries(variants.map((id) => [id, past.state("variants", id)])),
      holds: orders.map((orderId) => past.state("holds", orderId)),
    };
  });
}

const counts = (of: Variant | undefined) =>
  of?.status === "listed" ? of : { available: 0, held: 0, sold: 0 };
const unitsIn = (holds: readonly Hold[], status: Hold["status"], variantId: string) =>
  holds
    .filter((hold) => hold.status === status)
    .flatMap((hold) => hold.lines)
    .reduce((sum, each) => (each.variantId === variantId ? sum + each.quantity : sum), 0);

test("the stories tell every input, and reach every state of a hold", () => {
  const inputs: Record<StockInput["type"], boolean> = {
    OrderPlaced: false,
    OrderConfirmed: false,
    OrderCancelled: false,
    ExpireHold: false,
    CreateVariant: false,
    UpdateVariant: false,
    ReceiveStock: false,
  };
  const states: Record<HoldStatus, boolean> = {
    absent: false,
    held: false,
    committed: false,
    returned: false,
    released: false,
    expired: false,
    rejected: false,
    lost: false,
    tombstone: false,
  };
  for (const told of fc.sample(story, { numRuns: 200, seed: 1 })) {
    for (const { input, holds } of tell(told)) {
      inputs[input.type] = true;
      for (const { status } of holds) states[status] = true;
    }
  }
  expect(Object.entries({ ...inputs, ...states }).filter(([, happened]) => !happened)).toEqual([]);
});

test("no count is ever negative, and their sum grows only by receipts", () => {
  fc.assert(
    fc.property(story, (told) => {
      const units: Record<string, number> = { A: 6, B: 3, C: 0 };
      for (const seen of tell(told)) {
        const { input, isRefused } = seen;
        if (input.type === "ReceiveStock" && !isRefused)
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
        C: { outside: 0, available: 0, held: 0, sold: 0 },
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

test("an order hears of one hold at most, and of its sale one end: sold, or that it cannot be", () => {
  fc.assert(
    fc.property(story, (told) => {
      const heard = new Set<string>();
      for (const { input, types } of tell(told)) {
        if (!("orderId" in input)) continue;
        for (const type of types) {
          if (type === "product.stock_rejected" || type === "product.stock_released") continue;
          const said = type === "product.stock_held" ? "held" : "sale";
          expect(heard).not.toContain(`${input.orderId} ${said}`);
          heard.add(`${input.orderId} ${said}`);
        }
      }
    }),
  );
});

function rest({ outside: _, ...places }: Record<string, number> = {}) {
  return places;
}
