// Each service is killed in turn while orders are open, and started again: every order ends, and every sum holds.
//
// A fact that a dead process had taken comes again after half a minute, so the four outages follow each other at once
// and their orders are waited for together.
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { accountOf, addFaults } from "@quadrille/stack/provider-control";
import { audit } from "./audit.ts";
import { enrolMember, stockVariant } from "./buying.ts";
import { settledInSql } from "./settled.ts";
import { type Habit, habits, shop } from "./shopper.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(300_000);
const buyersBefore = 40;
const buyersMeanwhile = 10;
const openLeast = 20;
/** Some end between the last look and the kill. */
const openWanted = 28;
const chargingWanted = 3;
const arrivalsMs = 500;
const thinkMsMost = 3_000;
const outageMs = 1_500;
const patienceMs = 180_000;
const price = 1_000n;
const members = 20;

interface Ended {
  readonly habit: Habit;
  readonly order: Order;
}

let system: System;
const ends = new Map<Service, Promise<Ended[]>>();
const answered = new Set<string>();

beforeAll(async () => {
  system = await openSystem({ env: { TOSS_TIMEOUT: "2s" } });
  const { operator } = system;
  await stockVariant(operator, "lamp", { price, units: 10_000 });
  await Promise.all(
    Array.from({ length: members }, (_, index) => enrolMember(operator, `m-${index}`, 100_000n)),
  );
  // The provider takes its time with every other payment, so that some are on their way when a process dies.
  await addFaults(system.stack.providerUrl, [{ fault: "delay_answer", rate: 0.5, ms: 700 }]);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

/** One of a crowd that arrives one after the other; those who never pay have five seconds for it. */
async function buyer(index: number, accepted: Set<string>): Promise<Ended> {
  await pause(((index % buyersBefore) * arrivalsMs) / buyersBefore);
  const habit = habits[index % habits.length] as Habit;
  const points = index % 3 === 0 ? 0n : 100n;
  const payWithinSeconds = habit === "never pays" ? 5 : 0;
  const wish = { lines: { lamp: 1 }, points, due: price - points, payWithinSeconds };
  const order = await shop(system, await system.as(`m-${index % members}`), {
    wish,
    habit,
    thinkMs: (index * 997) % thinkMsMost, // Spread evenly, and not along with the habits.
    patienceMs,
    onPlaced: ({ orderId }) => {
      accepted.add(orderId);
      answered.add(orderId);
    },
  });
  return { habit, order };
}

/** How many of these orders are in each state without being over. */
async function openOf(orderIds: ReadonlySet<string>): Promise<Readonly<Record<string, number>>> {
  const rows = await system.query<{ state: string; orders: number }>(
    "order",
    `select status as state, count(*)::int as orders from orders
     where order_id = any($1) and not ${settledInSql} group by 1 order by 1`,
    [[...orderIds]],
  );
  return Object.fromEntries(rows.map(({ state, orders }) => [state, orders]));
}

/** Attempts that were written down and whose answer was not: with the provider at this moment. */
async function chargingNow(): Promise<number> {
  const rows = await system.query("payment", "select 1 from payments where status = 'confirming'");
  return rows.length;
}

/** Enough orders are open; and payment is best killed with its hand in the till. */
async function isMoment(service: Service, accepted: ReadonlySet<string>): Promise<boolean> {
  if (sum(await openOf(accepted)) < openWanted) return false;
  return service !== "payment" || (await chargingNow()) >= chargingWanted;
}

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

describe.each(services)("%s", (service) => {
  test(`is killed with at least ${openLeast} orders open, and comes back`, async () => {
    const accepted = new Set<string>();
    const buyers: Promise<Ended>[] = [];
    const arrive = (count: number) => {
      for (let more = 0; more < count; more += 1) buyers.push(buyer(buyers.length, accepted));
    };
    arrive(buyersBefore);
    await Promise.race([Promise.all(buyers), pause(arrivalsMs)]);
    while (!(await isMoment(service, accepted))) {
      arrive(1);
      await pause(100);
    }
    await system.stack.kill(service);
    const open = await openOf(accepted);
    const charging = await chargingNow();
    arrive(buyersMeanwhile);
    const ended = Promise.all(buyers);
    ended.catch(() => {}); // Awaited by the tests below.
    ends.set(service, ended);
    await pause(outageMs);
    await system.stack.restart(service);
    const states = Object.entries(open).map(([state, orders]) => `${orders} ${state}`);
    console.info(
      `${service} was killed with ${sum(open)} orders open (${states.join(", ")}), ${charging} payments on their way`,
    );
    expect(sum(open)).toBeGreaterThanOrEqual(openLeast);
  });
});

function secondsOf({ history }: Order): number {
  const [first, last] = [history[0]?.at, history.at(-1)?.at];
  return first === undefined || last === undefined ? 0 : (last.getTime() - first.getTime()) / 1_000;
}

describe.each(services)("the orders that were open when %s was killed", (service) => {
  let ended: Ended[];
  beforeAll(async () => {
    ended = await (ends.get(service) as Promise<Ended[]>);
  });

  test("are settled or cancelled, and nothing is on its way any more", () => {
    expect(ended.length).toBeGreaterThanOrEqual(buyersBefore + buyersMeanwhile);
    expect(ended.filter(({ order }) => !order.settled)).toEqual([]);
    const byEnd = Map.groupBy(ended, ({ habit, order }) =>
      `${habit}: ${order.status.replace("ORDER_STATUS_", "")} ${order.reason}`.trim(),
    );
    const longest = Math.max(...ended.map(({ order }) => secondsOf(order)));
    const lines = [...byEnd].map(([end, { length }]) => `${length} × ${end}`).toSorted();
    console.info(
      [...lines, `the longest took ${longest.toFixed(1)} s from its first change to its last`].join("\n"),
    );
    const wrong = ended.filter(
      ({ habit, order }) => habit !== "pays" && order.status !== "ORDER_STATUS_CANCELLED",
    );
    expect(wrong).toEqual([]);
    expect(ended.some(({ order }) => order.status === "ORDER_STATUS_CONFIRMED")).toBe(true);
  });

  test("were charged once or not at all, and keep nothing of a cancelled buyer's money", async () => {
    for (const { habit, order } of ended) {
      const { captured, refunded, captures } = await accountOf(system.stack.providerUrl, order.orderId);
      const due = order.status === "ORDER_STATUS_CONFIRMED" ? Number(order.amountDue) : 0;
      expect({ habit, kept: captured - refunded }).toEqual({ habit, kept: due });
      expect(captures).toBeLessThanOrEqual(1);
    }
  });
});

test("there is no order that nobody was told of", async () => {
  const rows = await system.query<{ id: string }>(
    "order",
    "select order_id as id from orders where status <> 'absent'",
  );
  expect(new Set(rows.map(({ id }) => id))).toEqual(answered);
});

test("every party remembers the same", async () => {
  expect(await audit(system, { accepted: answered })).toEqual([]);
});
