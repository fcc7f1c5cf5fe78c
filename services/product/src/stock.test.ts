// What the decision tables do not show: which units move, at what price, and what the facts say.
import { describe, expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import {
  confirmed,
  holdInputs,
  holdOf,
  holdStates,
  holdUntil,
  line,
  orderId,
  placed,
  start,
  told,
  variant,
  variantOf,
} from "./stock.examples.ts";
import { stock, unitsMost } from "./stock.ts";

const counts = (past: typeof holdStates.absent, variantId = "A") => {
  const {
    status: _,
    title: __,
    price: ___,
    onSale: ____,
    ...rest
  } = variantOf(past, variantId) as ReturnType<typeof variant>;
  return rest;
};
const lines = [
  { variantId: "A", quantity: 2 },
  { variantId: "B", quantity: 1 },
];

test("units go where the hold goes, and back", () => {
  expect(counts(holdStates.held)).toEqual({ available: 8, held: 2, sold: 0 });
  expect(counts(holdStates.held, "B")).toEqual({ available: 0, held: 1, sold: 0 });
  expect(counts(holdStates.committed)).toEqual({ available: 8, held: 0, sold: 2 });
  for (const state of ["released", "expired", "returned", "rejected", "lost", "tombstone"] as const)
    expect(counts(holdStates[state])).toEqual({ available: 10, held: 0, sold: 0 });
});

test("a hold is told with its lines and how long it lasts", () => {
  const [fact] = holdStates.absent.when(placed).facts;
  expect(fact).toMatchObject({
    type: "product.stock_held",
    data: { orderId, lines, holdUntil },
    becomes: "held",
  });
  expect(stock.entries?.(fact as never)).toEqual([
    { variantId: "A", quantity: 2, from: "available", to: "held", orderId },
    { variantId: "B", quantity: 1, from: "available", to: "held", orderId },
  ]);
});

test("a hold needs neither today's price nor that it is still on sale", () => {
  const changed = { ...variant(10), price: 5n, onSale: false };
  given(stock, { variants: { A: changed, B: changed } }, start);
  expect(
    told(given(stock, { variants: { A: changed, B: changed } }, start), "OrderPlaced").state("holds", orderId)
      .status,
  ).toBe("held");
});

test("a rejection says what lacks, line by line, and one line too short holds nothing", () => {
  const [fact] = holdStates.absent.when({
    ...placed,
    lines: [line("A", 1), line("B", 2), line("X", 1)],
  }).facts;
  expect(fact).toMatchObject({
    data: {
      reason: "VARIANT_UNKNOWN",
      shortages: [
        { variantId: "B", wanted: 2, available: 1 },
        { variantId: "X", wanted: 1, available: 0 },
      ],
    },
  });
});

test("a variant named twice must be there twice", () => {
  const twice = (quantity: number) => ({
    ...placed,
    lines: [line("A", 6), line("A", quantity), line("B", 1)],
  });
  expect(holdOf(holdStates.absent.when(twice(4)).after)).toMatchObject({
    status: "held",
    lines: [
      { variantId: "A", quantity: 10 },
      { variantId: "B", quantity: 1 },
    ],
  });
  expect(holdOf(holdStates.absent.when(twice(5)).after).status).toBe("rejected");
});

test("a line of nothing is no line", () => {
  holdStates.absent.when({ ...placed, lines: [line("A", 0)] }).thenRefuses("INVALID_REQUEST");
});

describe("what goes back is what was held or sold, never what a message says", () => {
  test.each(["held", "committed"] as const)("%s", (state) => {
    const other = { ...holdInputs.OrderCancelled, lines: [line("A", 9), line("B", 9)] };
    const { facts, after } = holdStates[state].when(other);
    expect(facts).toMatchObject([{ data: { lines } }]);
    expect(counts(after)).toEqual({ available: 10, held: 0, sold: 0 });
  });

  test("nothing, when there was nothing", () => {
    for (const state of ["absent", "expired", "rejected", "lost"] as const)
      expect(holdStates[state].when(holdInputs.OrderCancelled).facts).toMatchObject([
        { data: { lines: [] } },
      ]);
  });
});

test("a hold that expired is sold from what is there, and is lost when another bought it meanwhile", () => {
  const sold = holdStates.expired.when(confirmed).after;
  expect(counts(sold)).toEqual({ available: 8, held: 0, sold: 2 });
  const another = {
    ...placed,
    orderId: "other",
    lines: [line("B", 1)],
    holdUntil: new Date("2026-01-03T00:00:00Z"),
  };
  const taken = holdStates.expired.when(another).after;
  expect(taken.when(confirmed).facts).toMatchObject([
    {
      type: "product.stock_commit_failed",
      data: { shortages: [{ variantId: "B", wanted: 1, available: 0 }] },
    },
  ]);
});

test("a hold that is past its time but still there is sold", () => {
  expect(counts(holdStates["held, past hold_until"].when(confirmed).after)).toEqual({
    available: 8,
    held: 0,
    sold: 2,
  });
});

describe("a variant", () => {
  const listed = given(stock, { variants: { A: variant(10) } }, start);

  test("keeps what is not changed, and its counts", () => {
    const change = {
      type: "UpdateVariant",
      variantId: "A",
      title: "Another",
      price: undefined,
      onSale: undefined,
    } as const;
    expect(variantOf(listed.when(change).after)).toEqual({ ...variant(10), title: "Another" });
  });

  test("starts with nothing, and a delivery is a line of the ledger", () => {
    const create = { type: "CreateVariant", variantId: "N", title: "New", price: 1n, onSale: false } as const;
    const created = listed.when(create).after;
    expect(counts(created, "N")).toEqual({ available: 0, held: 0, sold: 0 });
    const { facts, after } = created.when({ type: "ReceiveStock", variantId: "N", quantity: unitsMost });
    expect(counts(after, "N").available).toBe(unitsMost);
    expect(facts.flatMap((fact) => stock.entries?.(fact) ?? [])).toEqual([
      { variantId: "N", quantity: unitsMost, from: "outside", to: "available", orderId: undefined },
    ]);
    expect(stock.entries?.({ ...create, type: "variantCreated" })).toEqual([]);
  });
});

test("units that cannot be there cannot move", () => {
  const move = (variantId: string, quantity: number) =>
    ({
      type: "stockReceived",
      variantId,
      movements: [{ variantId, quantity, from: "outside", to: "available", orderId: undefined }],
    }) as const;
  expect(() => given(stock, [move("X", 1)])).toThrow("not listed");
  expect(() => holdStates.absent.and([move("A", -11)])).toThrow("less than nothing");
});

test("it knows its inputs and its states", () => {
  const nonsense = { type: "Nonsense", orderId, variantId: "A" } as never;
  const odd = (status: string) => ({ holds: new Map([[orderId, { status }]]), variants: new Map() }) as never;
  expect(() => stock.decide(odd("absent"), nonsense, start)).toThrow("unreachable");
  expect(() => stock.decide(odd("odd"), confirmed, start)).toThrow("unreachable");
  expect(() => stock.decide(odd("odd"), holdInputs.OrderCancelled, start)).toThrow("unreachable");
});
