// What the member service knows of one order: what it heard and told, and that its hold waits for the order's end.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { factCause } from "@quadrille/outbox/testing/kept";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { type BenefitStore, openBenefitStore } from "./benefits.store.ts";
import { explainBenefits } from "./benefits.why.ts";
import { migrations } from "./migrations.ts";

let opened: Awaited<ReturnType<typeof openTestStore<BenefitStore>>>;
let store: BenefitStore;

beforeAll(async () => {
  opened = await openTestStore("member", migrations, openBenefitStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const moment = new Date("2020-01-01T00:00:00.123Z");
const holdUntil = new Date("2099-12-31T23:59:59.999Z");

const placed = (orderId: string, points: bigint) => ({
  ...{ orderId, memberId: "ann", lines: [], subtotal: points, points, amountDue: 0n, currency: "KRW" },
  ...({ type: "OrderPlaced", method: "PAYMENT_METHOD_CARD", payWithinSeconds: 600 } as const),
  ...{ placedAt: moment, pendingUntil: moment, holdUntil },
});

test("what was heard, what it led to, and what the hold waits for; an order without points leaves nothing but that", async () => {
  const own = { kind: "own", id: "test" } as const;
  await store.handle({ type: "CreateMember", memberId: "ann", name: "Ann" }, own);
  await store.handle({ type: "AdjustPoints", memberId: "ann", points: 7n, note: "n" }, own);
  const explain = async (orderId: string, factIds: string[] = []) => {
    const { status, steps, waits } = await explainBenefits(store)({ orderId, factIds });
    const words = steps.map(({ kind, type, causationId, detail }) => [kind, type, causationId, detail]);
    return { status, words, waits: waits.map(({ who, because, until }) => ({ who, because, until })) };
  };
  const [cause, unasked] = [factCause(), factCause()];
  await store.handle(placed("o-1", 7n), cause);
  expect(await explain("o-1")).toEqual({
    status: "HELD",
    words: [
      ["STEP_KIND_HEARD", "", cause.id, "QUADRILLE_TEST 1"],
      ["STEP_KIND_TOLD", "member.benefits_held", cause.id, `7 points, hold until ${holdUntil.toISOString()}`],
    ],
    waits: [{ who: "order", because: "7 points are held", until: holdUntil }],
  });
  await store.handle(placed("o-2", 0n), unasked);
  expect(await explain("o-2")).toEqual({ status: "", words: [], waits: [] });
  expect(await explain("o-2", [unasked.id])).toMatchObject({
    status: "",
    words: [["STEP_KIND_HEARD", "", unasked.id, "QUADRILLE_TEST 1"]],
  });
});
