// What the decision tables do not show: whose points move, how many, and what the facts say.
import { describe, expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import {
  cancelled,
  confirmed,
  holdInputs,
  holdStates,
  holdUntil,
  member,
  memberId,
  memberOf,
  memberStates,
  orderId,
  placed,
  start,
} from "./benefits.examples.ts";
import { benefits, type KnownMember } from "./benefits.ts";

const owned = (past: typeof holdStates.absent) => {
  const { available, held, spent } = memberOf(past) as KnownMember;
  return { available, held, spent };
};

test("points go where the hold goes, and back", () => {
  expect(owned(holdStates.held)).toEqual({ available: 900n, held: 100n, spent: 0n });
  expect(owned(holdStates.spent)).toEqual({ available: 900n, held: 0n, spent: 100n });
  for (const state of ["released", "expired", "returned", "rejected", "lost", "tombstone"] as const)
    expect(owned(holdStates[state])).toEqual({ available: 1000n, held: 0n, spent: 0n });
});

test("a hold is told with its points and how long it lasts, and booked once on each side", () => {
  const [fact] = holdStates.absent.when(placed).facts;
  expect(fact).toMatchObject({ data: { orderId, memberId, points: 100n, holdUntil }, becomes: "held" });
  expect(benefits.entries?.(fact as never)).toEqual([
    { memberId, points: 100n, from: "available", to: "held", orderId, note: "" },
  ]);
});

test("all the points there are can be held, and one more cannot", () => {
  const all = given(benefits, { members: { [memberId]: member(100n) } }, start);
  expect(owned(all.when(placed).after)).toEqual({ available: 0n, held: 100n, spent: 0n });
  const less = given(benefits, { members: { [memberId]: member(99n) } }, start);
  expect(less.when(placed).facts).toMatchObject([{ data: { reason: "NOT_ENOUGH_POINTS" } }]);
});

describe("what goes back is what was held or spent, never what a message says", () => {
  test.each(["held", "spent"] as const)("%s", (state) => {
    const { facts, after } = holdStates[state].when({ ...cancelled, points: 7n });
    expect(facts).toMatchObject([{ data: { points: 100n } }]);
    expect(owned(after)).toEqual({ available: 1000n, held: 0n, spent: 0n });
  });

  test("nothing, when there was nothing, and no line in the ledger", () => {
    for (const state of ["absent", "expired", "rejected", "lost"] as const) {
      const { facts } = holdStates[state].when(cancelled);
      expect(facts).toMatchObject([{ data: { points: 0n } }]);
      expect(facts.flatMap((fact) => benefits.entries?.(fact) ?? [])).toEqual([]);
    }
  });
});

test("a member's order cannot move the points of another", () => {
  const both = given(benefits, { members: { [memberId]: member(1000n), other: member(1000n) } }, start);
  const held = both.when(placed).after.when({ ...placed, orderId: "theirs", memberId: "other" }).after;
  for (const input of [cancelled, confirmed, { ...holdInputs.ExpireHold }])
    expect(() => held.when({ ...input, memberId: "other" }, holdUntil)).toThrow("its member's");
});

test("points that expired are spent from what is there, and are lost when they went meanwhile", () => {
  expect(owned(holdStates.expired.when(confirmed).after)).toEqual({ available: 900n, held: 0n, spent: 100n });
  const gone = holdStates.expired.when({ type: "AdjustPoints", memberId, points: -901n, note: "" }).after;
  gone
    .when(confirmed)
    .thenFacts([
      { type: "member.benefits_spend_failed", data: { orderId, memberId }, becomes: "lost", transfers: [] },
    ]);
});

test("points that are given or taken back are booked against what was issued, with the note", () => {
  const given = memberStates.known.when({ type: "AdjustPoints", memberId, points: 5n, note: "A gift" });
  expect(owned(given.after).available).toBe(1005n);
  expect(given.facts.flatMap((fact) => benefits.entries?.(fact) ?? [])).toEqual([
    { memberId, points: 5n, from: "issued", to: "available", orderId: undefined, note: "A gift" },
  ]);
  const taken = given.after.when({ type: "AdjustPoints", memberId, points: -5n, note: "A mistake" });
  expect(owned(taken.after).available).toBe(1000n);
  expect(taken.facts.flatMap((fact) => benefits.entries?.(fact) ?? [])).toEqual([
    { memberId, points: 5n, from: "available", to: "issued", orderId: undefined, note: "A mistake" },
  ]);
  expect(benefits.entries?.({ type: "memberCreated", memberId, name: "Ada" })).toEqual([]);
});

test("points that cannot be there cannot move", () => {
  const move = (points: bigint) =>
    ({
      type: "pointsAdjusted",
      memberId,
      transfers: [{ memberId, points, from: "available", to: "issued", orderId: undefined, note: "" }],
    }) as const;
  expect(() => memberStates.absent.and([move(1n)])).toThrow("not known");
  expect(() => memberStates.known.and([move(1001n)])).toThrow("less than nothing");
});

test("it knows its inputs and its states", () => {
  const odd = (status: string) =>
    ({ holds: new Map([[orderId, { status, memberId }]]), members: new Map() }) as never;
  expect(() => benefits.decide(odd("odd"), confirmed, start)).toThrow("unreachable");
  expect(() => benefits.decide(odd("odd"), cancelled, start)).toThrow("unreachable");
  const nonsense = { type: "Nonsense", orderId, memberId } as never;
  expect(() => benefits.decide(odd("absent"), nonsense, start)).toThrow("unreachable: Nonsense");
});
