import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hear } from "@quadrille/outbox/testing/kept";
import { entriesOf } from "@quadrille/outbox/testing/read-books";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { benefitBooks } from "./benefits.books.ts";
import { type BenefitStore, openBenefitStore } from "./benefits.store.ts";
import { migrations } from "./migrations.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<BenefitStore>>>;
let opened: Opened;

const own = { kind: "own", id: "test" } as const;
const future = new Date("2099-12-31T23:59:59.999Z");
const money = { memberId: "ann", lines: [], subtotal: 1n, amountDue: 1n, currency: "KRW" };
const read = <Kind extends "members" | "benefitHolds" | "orderLedgers">(kind: Kind) =>
  entriesOf(benefitBooks({ url: opened.url }), kind);

/** A hundred points: twenty spent, ten held. */
beforeAll(async () => {
  opened = await openTestStore("member", migrations, openBenefitStore);
  const { store } = opened;
  await store.handle({ type: "CreateMember", memberId: "ann", name: "Ann" }, own);
  await store.handle({ type: "AdjustPoints", memberId: "ann", points: 100n, note: "a gift" }, own);
  const times = { placedAt: future, pendingUntil: future, holdUntil: future, payWithinSeconds: 600 };
  const place = (orderId: string, points: bigint) =>
    hear(store, { type: "OrderPlaced", orderId, points, ...money, method: "PAYMENT_METHOD_CARD", ...times });
  await place("spent", 20n);
  await place("held", 10n);
  await hear(store, { type: "OrderConfirmed", orderId: "spent", points: 20n, ...money, confirmedAt: future });
});
afterAll(async () => await opened[Symbol.asyncDispose]());

test("holds say whose points they are and what became of them", async () => {
  const about = { memberId: "ann", holdUntil: future };
  expect(await read("benefitHolds")).toEqual([
    { orderId: "held", status: "held", points: 10n, version: 1, ...about },
    { orderId: "spent", status: "spent", points: 20n, version: 2, ...about },
  ]);
});

test("the ledger is summed up by order and member, without what was given for no order", async () => {
  const sum = (available: bigint, held: bigint, spent: bigint, taken: bigint) => [
    { of: "ann", moved: { available, held, spent }, taken },
  ];
  expect(await read("orderLedgers")).toEqual([
    { orderId: "held", sums: sum(-10n, 10n, 0n, 10n) },
    { orderId: "spent", sums: sum(-20n, 0n, 20n, 20n) },
  ]);
});

test("a member's points are counted, transferred and kept alike, and each is told from its own rows", async () => {
  const counts = { available: 70n, held: 10n, spent: 20n };
  const same = { memberId: "ann", counted: counts, moved: counts, lowest: 0n, keptHeld: 10n, keptSpent: 20n };
  expect(await read("members")).toEqual([same]);
  await opened.query("set session_replication_role = replica"); // As who can: the ledger lets nobody else.
  await opened.query("update members set held = 11");
  await opened.query("delete from transfers where debited = 'issued'");
  await opened.query("update holds set points = 21 where order_id = 'spent'");
  const moved = { available: -30n, held: 10n, spent: 20n };
  const counted = { ...counts, held: 11n };
  expect(await read("members")).toEqual([{ ...same, counted, moved, lowest: -30n, keptSpent: 21n }]);
});
