// Two hundred buyers want fifty units, and two replicas of each service serve them: fifty get one, nobody else keeps anything.
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import { accountOf, ledgerOf } from "@quadrille/stack/provider-control";
import { audit } from "./audit.ts";
import { enrolMember, stockVariant } from "./buying.ts";
import { shop } from "./shopper.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(180_000);
const buyers = 200;
const units = 50;
const price = 1_000n;
const pointsOwned = 500n;
/** Every third buyer uses none, so member has nothing to answer about that order. */
const pointsOf = (index: number) => (index % 3 === 0 ? 0n : BigInt(index));
const nameOf = (index: number) => `m-${index}`;

let system: System;
const refused: number[] = [];
const orders = new Map<number, Order>();

beforeAll(async () => {
  system = await openSystem({ replicas: 2 });
  const { operator } = system;
  await stockVariant(operator, "lamp", { price, units });
  await Promise.all(
    Array.from({ length: buyers }, (_, index) => enrolMember(operator, nameOf(index), pointsOwned)),
  );
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const endedAs = (status: Order["status"]) => [...orders].filter(([, order]) => order.status === status);

async function race(index: number): Promise<void> {
  const points = pointsOf(index);
  const wish = { lines: { lamp: 1 }, points, due: price - points };
  try {
    const buyer = await system.as(nameOf(index));
    orders.set(index, await shop(system, buyer, { wish, habit: "pays", patienceMs: 120_000 }));
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "OUT_OF_STOCK")) throw error;
    refused.push(index);
  }
}

test(`of ${buyers} buyers ${units} get a unit, and the others are refused or cancelled`, async () => {
  await Promise.all(Array.from({ length: buyers }, (_, index) => race(index)));
  const [confirmed, cancelled] = [endedAs("ORDER_STATUS_CONFIRMED"), endedAs("ORDER_STATUS_CANCELLED")];
  console.info(
    `${buyers} buyers, ${units} units: ${confirmed.length} confirmed, ${refused.length} refused at the door, ${cancelled.length} cancelled`,
  );
  expect(confirmed).toHaveLength(units);
  expect(cancelled.length + refused.length).toBe(buyers - units);
  expect(cancelled.filter(([, order]) => order.reason !== "STOCK_REJECTED")).toEqual([]);
  expect([...orders.values()].filter((order) => !order.settled)).toEqual([]);
});

test("nothing is held afterwards, and every unit is sold", async () => {
  const variants = await system.query("product", "select available, held, sold from variants");
  expect(variants).toEqual([{ available: 0, held: 0, sold: units }]);
  const held = await system.query("product", "select status, count(*)::int from holds group by 1 order by 1");
  const lost = endedAs("ORDER_STATUS_CANCELLED").length;
  expect(held).toEqual([
    { status: "committed", count: units },
    ...(lost > 0 ? [{ status: "released", count: lost }] : []),
  ]);
});

test("who lost has all points back, who won has spent what was agreed", async () => {
  const won = new Set(endedAs("ORDER_STATUS_CONFIRMED").map(([index]) => index));
  const rows = await system.query<{ member_id: string; available: string; held: string; spent: string }>(
    "member",
    "select member_id, available, held, spent from members",
  );
  expect(rows).toHaveLength(buyers);
  const expected = Array.from({ length: buyers }, (_, index) => {
    const spent = won.has(index) ? pointsOf(index) : 0n;
    return { member_id: nameOf(index), available: `${pointsOwned - spent}`, held: "0", spent: `${spent}` };
  });
  expect(new Set(rows)).toEqual(new Set(expected));
});

test(`the provider took the money ${units} times, once from each winner, and gave none back`, async () => {
  const { providerUrl } = system.stack;
  expect(await ledgerOf(providerUrl)).toHaveLength(units);
  for (const [, { orderId, amountDue }] of endedAs("ORDER_STATUS_CONFIRMED"))
    expect(await accountOf(providerUrl, orderId)).toMatchObject({
      captured: Number(amountDue),
      captures: 1,
      refunded: 0,
    });
});

test("every party remembers the same", async () => {
  expect(await audit(system)).toEqual([]);
});
