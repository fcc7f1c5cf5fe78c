// Whatever comes to an order, in whatever sequence and however often, some things hold.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Input, State } from "./order.decisions.ts";
import { historyMost } from "./order.evolve.ts";
import { inputs, orderOf, type Past, states } from "./order.examples.ts";
import type { Order } from "./order.ts";

/** Where an order may go from each status; staying is always possible. */
const ways: Record<Order["status"], readonly Order["status"][]> = {
  absent: ["pending"],
  pending: ["payable", "cancelled"],
  payable: ["cancelling", "confirmed", "cancelled"],
  cancelling: ["confirmed", "cancelled"],
  confirmed: ["cancelled"],
  cancelled: [],
};

/** Any start, then inputs that repeat, swap and come late as they like. */
const story = fc.record({
  from: fc.constantFrom(...(Object.keys(states) as State[])),
  steps: fc.array(
    fc.record({
      name: fc.constantFrom(...(Object.keys(inputs) as Input[])),
      waitSeconds: fc.constantFrom(0, 0, 0, 1, 59, 60, 700, 4000),
    }),
    { maxLength: 60 },
  ),
});

interface Step {
  readonly before: Order;
  readonly after: Order;
  readonly types: readonly string[];
}

function tell({ from, steps }: typeof story extends fc.Arbitrary<infer Story> ? Story : never): Step[] {
  let past: Past = states[from];
  return steps.map(({ name, waitSeconds }) => {
    const before = orderOf(past);
    const now = new Date(past.now.getTime() + waitSeconds * 1000);
    const outcome = past.when(inputs[name], now);
    past = outcome.after;
    return { before, after: orderOf(past), types: outcome.facts.map((fact) => fact.type) };
  });
}

test("goes only along the table, and nowhere once it is cancelled", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after } of tell(told)) {
        if (after.status !== before.status) expect(ways[before.status]).toContain(after.status);
      }
    }),
  );
});

test("is placed, payable, confirmed and cancelled at most once each", () => {
  const once = ["order.placed", "order.payable", "order.confirmed", "order.cancelled"];
  fc.assert(
    fc.property(story, (told) => {
      const types = tell(told).flatMap((step) => step.types);
      for (const type of once) expect(types.filter((told) => told === type).length).toBeLessThan(2);
    }),
  );
});

test("keeps a history without gaps, of bounded length, that only grows", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after, types } of tell(told)) {
        if (after.status === "absent") continue;
        const { history } = after;
        const numbers = history.map((change) => change.number);
        const first = numbers[0] ?? 0;
        expect(history.length).toBeLessThanOrEqual(historyMost);
        expect(numbers).toEqual(numbers.map((_, index) => first + index));
        const last = before.status === "absent" ? 0 : (before.history.at(-1)?.number ?? 0);
        expect(numbers.at(-1)).toBe(last + types.length); // Every fact of an order is a change its watchers see.
        expect(history.at(-1)?.status).toBe(after.status);
      }
    }),
  );
});

test("asks for the money back only when it is not confirmed, and keeps what was agreed", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after, types } of tell(told)) {
        const wasConfirmed = before.status !== "absent" && before.wasConfirmed;
        if (wasConfirmed) expect(types).not.toContain("order.confirmation_failed");
        if (before.status === "absent" || after.status === "absent") continue;
        const terms = ({ lines, subtotal, points, amountDue, memberId, requestHash }: typeof before) => ({
          ...{ lines, subtotal, points, amountDue, memberId, requestHash },
        });
        expect(terms(after)).toEqual(terms(before));
        expect(after.wasConfirmed).toBe(before.wasConfirmed || after.status === "confirmed");
      }
    }),
  );
});

test("never confirms what it has asked to be given back", () => {
  fc.assert(
    fc.property(story, (told) => {
      let isGivenBack = false;
      for (const { before, types } of tell(told)) {
        if (isGivenBack) expect(types).not.toContain("order.confirmed");
        isGivenBack ||= before.status !== "absent" && types.includes("order.confirmation_failed");
      }
    }),
  );
});

test("is looked at again as long as it waits for something, and never after", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { after } of tell(told)) {
        if (after.status === "absent") continue;
        const waits = ["pending", "payable", "cancelling"].includes(after.status);
        expect(after.dueAt !== undefined).toBe(waits);
      }
    }),
  );
});
