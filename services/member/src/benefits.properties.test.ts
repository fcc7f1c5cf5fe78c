// Whatever orders do, in whatever sequence and however often, no point appears, vanishes or is spent twice.
import { expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import fc from "fast-check";
import { cancelled, confirmed, memberId, placed, start } from "./benefits.examples.ts";
import {
  type Account,
  type BenefitInput,
  benefits,
  type Hold,
  type Member,
  type Transfer,
} from "./benefits.ts";

const orders = ["one", "two", "three"] as const;
const kinds = ["OrderPlaced", "OrderConfirmed", "OrderCancelled", "ExpireHold"] as const;
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), order: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("AdjustPoints" as const),
      points: fc.bigInt({ min: -60n, max: 60n }),
    }),
  },
);
const story = fc.record({
  points: fc.tuple(...orders.map(() => fc.bigInt({ min: 0n, max: 80n }))),
  steps: fc.array(fc.record({ step, waitSeconds: fc.constantFrom(0, 0, 60, 40_000) }), { maxLength: 40 }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

function inputOf(told: Story["steps"][number]["step"], wanted: readonly bigint[]): BenefitInput {
  if (told.kind === "AdjustPoints") {
    return { type: told.kind, memberId, points: told.points, note: "" };
  }
  const orderId = orders[told.order] as string;
  const points = wanted[told.order] ?? 0n;
  switch (told.kind) {
    case "OrderPlaced":
      return { ...placed, orderId, points };
    case "OrderConfirmed":
      return { ...confirmed, orderId, points };
    case "OrderCancelled":
      return { ...cancelled, orderId, points, benefitsWanted: points > 0n };
    case "ExpireHold":
      return { type: "ExpireHold", orderId, memberId };
  }
}

interface Seen {
  readonly input: BenefitInput;
  readonly isRefused: boolean;
  readonly types: readonly string[];
  readonly transfers: readonly Transfer[];
  readonly member: Extract<Member, { status: "known" }>;
  readonly holds: readonly Hold[];
}

function tell({ points, steps }: Story): Seen[] {
  const created = { type: "memberCreated", memberId, name: "Ada" } as const;
  let past = given(benefits, [created], start).when({
    type: "AdjustPoints",
    memberId,
    points: 100n,
    note: "",
  }).after;
  return steps.map(({ step, waitSeconds }) => {
    const input = inputOf(step, points);
    const outcome = past.when(input, new Date(past.now.getTime() + waitSeconds * 1000));
    past = outcome.after;
    const member = past.state("members", memberId);
    if (member.status !== "known") throw new Error("unknown");
    return {
      input,
      isRefused: outcome.refusal !== undefined,
      types: outcome.facts.map((fact) => fact.type),
      transfers: outcome.facts.flatMap((fact) => benefits.entries?.(fact) ?? []),
      member,
      holds: orders.map((orderId) => past.state("holds", orderId)),
    };
  });
}

const pointsIn = (holds: readonly Hold[], status: Hold["status"]) =>
  holds.reduce((sum, hold) => (hold.status === status ? sum + hold.points : sum), 0n);

test("nothing owned is negative, and available, held and spent are together what was issued", () => {
  fc.assert(
    fc.property(story, (told) => {
      let issued = 100n;
      for (const { input, isRefused, member } of tell(told)) {
        if (input.type === "AdjustPoints" && !isRefused) issued += input.points;
        const { available, held, spent } = member;
        for (const owned of [available, held, spent]) expect(owned).toBeGreaterThanOrEqual(0n);
        expect(available + held + spent).toBe(issued);
      }
    }),
  );
});

test("what is counted as held and spent is what the holds say", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { member, holds } of tell(told)) {
        expect(member.held).toBe(pointsIn(holds, "held"));
        expect(member.spent).toBe(pointsIn(holds, "spent"));
      }
    }),
  );
});

test("the ledger alone gives the balances, and all its accounts sum to nothing", () => {
  fc.assert(
    fc.property(story, (told) => {
      const booked: Record<Account, bigint> = { issued: -100n, available: 100n, held: 0n, spent: 0n };
      for (const { transfers, member } of tell(told)) {
        for (const { points, from, to } of transfers) {
          expect(points).toBeGreaterThanOrEqual(0n);
          booked[from] -= points;
          booked[to] += points;
        }
        const { available, held, spent } = member;
        expect(booked).toEqual({ issued: -(available + held + spent), available, held, spent });
      }
    }),
  );
});

test("every cancel of an order with points is answered once, and nothing stays held or spent for it", () => {
  fc.assert(
    fc.property(story, (told) => {
      const ended = new Set<string>();
      for (const { input, types, holds } of tell(told)) {
        if (input.type === "OrderCancelled") {
          const isAnswered = input.benefitsWanted && !ended.has(input.orderId);
          expect(types).toEqual(isAnswered ? ["member.benefits_released"] : []);
          ended.add(input.orderId);
        }
        for (const [index, orderId] of orders.entries()) {
          if (ended.has(orderId)) expect(["held", "spent"]).not.toContain(holds[index]?.status);
        }
      }
    }),
  );
});
