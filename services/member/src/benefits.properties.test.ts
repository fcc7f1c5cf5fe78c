// Whatever orders do, in whatever sequence and however often, no point appears, vanishes or is spent twice.
import { expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import fc from "fast-check";
import { cancelled, confirmed, member, memberId, placed, start } from "./benefits.examples.ts";
import {
  type Account,
  type BenefitInput,
  benefits,
  type Hold,
  type HoldStatus,
  type KnownMember,
  type Transfer,
} from "./benefits.ts";

const orders = ["one", "two", "three"] as const;
const kinds = ["OrderPlaced", "OrderConfirmed", "OrderCancelled", "ExpireHold"] as const;
const step = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom(...kinds),
      order: fc.nat(2),
      /** Points that a confirmation or a cancel names instead of those that were placed. */
      lie: fc.option(fc.bigInt({ min: 1n, max: 90n }), { nil: undefined, freq: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("AdjustPoints" as const),
      points: fc.bigInt({ min: -60n, max: 60n }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("CreateMember" as const) }) },
);
const hours = fc.integer({ min: 0, max: 9 });
const story = fc.record({
  isKnown: fc.constantFrom(true, true, true, false),
  points: fc.tuple(...orders.map(() => fc.bigInt({ min: 0n, max: 80n }))),
  /** How long each order may be held, from the start of the story. */
  holdHours: fc.tuple(hours, hours, hours),
  steps: fc.array(fc.record({ step, waitSeconds: fc.constantFrom(0, 0, 0, 60, 5_000) }), {
    maxLength: 40,
    size: "max",
  }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

const hoursLater = (count: number) => new Date(start.getTime() + count * 3_600_000);

function inputOf(told: Story["steps"][number]["step"], { points: wanted, holdHours }: Story): BenefitInput {
  if (told.kind === "CreateMember") return { type: told.kind, memberId, name: "Ada" };
  if (told.kind === "AdjustPoints") {
    return { type: told.kind, memberId, points: told.points, note: "" };
  }
  const orderId = orders[told.order] as string;
  const points = wanted[told.order] ?? 0n;
  const said = points > 0n ? (told.lie ?? points) : 0n; // Whether an order wants points is never in doubt.
  switch (told.kind) {
    case "OrderPlaced":
      return { ...placed, orderId, points, holdUntil: hoursLater(holdHours[told.order] ?? 0) };
    case "OrderConfirmed":
      return { ...confirmed, orderId, points: said };
    case "OrderCancelled":
      return { ...cancelled, orderId, points: said, benefitsWanted: points > 0n };
    case "ExpireHold":
      return { type: "ExpireHold", orderId, memberId };
  }
}

interface Seen {
  readonly input: BenefitInput;
  readonly isRefused: boolean;
  readonly types: readonly string[];
  readonly transfers: readonly Transfer[];
  readonly member: Pick<KnownMember, "available" | "held" | "spent">;
  readonly holds: readonly Hold[];
}

const nothing = { available: 0n, held: 0n, spent: 0n };
/** What a member who is known from the start has. */
const first = 100n;

function tell(story: Story): Seen[] {
  const known = { members: { [memberId]: member(first) } };
  let past = given(benefits, story.isKnown ? known : [], start);
  return story.steps.map(({ step, waitSeconds }) => {
    const input = inputOf(step, story);
    const outcome = past.when(input, new Date(past.now.getTime() + waitSeconds * 1000));
    past = outcome.after;
    const owner = past.state("members", memberId);
    return {
      input,
      isRefused: outcome.refusal !== undefined,
      types: outcome.facts.map((fact) => fact.type),
      transfers: outcome.facts.flatMap((fact) => benefits.entries?.(fact) ?? []),
      member: owner.status === "known" ? owner : nothing,
      holds: orders.map((orderId) => past.state("holds", orderId)),
    };
  });
}

const pointsIn = (holds: readonly Hold[], status: Hold["status"]) =>
  holds.reduce((sum, hold) => (hold.status === status ? sum + hold.points : sum), 0n);

test("the stories tell every input, and reach every state of a hold", () => {
  const inputs: Record<BenefitInput["type"], boolean> = {
    OrderPlaced: false,
    OrderConfirmed: false,
    OrderCancelled: false,
    ExpireHold: false,
    CreateMember: false,
    AdjustPoints: false,
  };
  const states: Record<HoldStatus, boolean> = {
    absent: false,
    held: false,
    spent: false,
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

test("nothing owned is negative, and available, held and spent are together what was issued", () => {
  fc.assert(
    fc.property(story, (told) => {
      let issued = told.isKnown ? first : 0n;
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
      const issued = told.isKnown ? first : 0n;
      const booked: Record<Account, bigint> = { issued: -issued, available: issued, held: 0n, spent: 0n };
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

test("an order hears of one hold at most, and of its sale one end: spent, or that it cannot be", () => {
  fc.assert(
    fc.property(story, (told) => {
      const heard = new Set<string>();
      for (const { input, types } of tell(told)) {
        if (!("orderId" in input)) continue;
        for (const type of types) {
          if (type === "member.benefits_rejected" || type === "member.benefits_released") continue;
          const said = type === "member.benefits_held" ? "held" : "sale";
          expect(heard).not.toContain(`${input.orderId} ${said}`);
          heard.add(`${input.orderId} ${said}`);
        }
      }
    }),
  );
});
