// The broker is killed and loses its store, or finds an old one, or lets a stream go, while orders are open: every order ends, every sum holds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { connect } from "@nats-io/transport-node";
import { RobbedServer } from "@quadrille/bus/testing/robbed-server";
import { services } from "@quadrille/contracts/events";
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { audit } from "./audit.ts";
import { enrolMember, pay, place, stockVariant } from "./buying.ts";
import { kept } from "./kept-by-broker.ts";
import { settledInSql } from "./settled.ts";
import { type Habit, habits, shop } from "./shopper.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(240_000);
const buyers = 30;
const arrivalsMs = 1_500;
const openLeast = 12;
const thinkMsMost = 2_500;
const patienceMs = 150_000;
const members = 10;
const price = 1_000n;

let broker: RobbedServer;
let system: System;
let folder: string;
const ended: Order[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quadrille-forgetful-e2e-"));
  broker = await RobbedServer.start(folder);
  system = await openSystem({ natsUrl: broker.url, replicas: 2, env: { TOSS_TIMEOUT: "2s" } });
  await stockVariant(system.operator, "lamp", { price, units: 10_000 });
  for (let index = 0; index < members; index += 1) await enrolMember(system.operator, `m-${index}`, 100_000n);
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function buyer(index: number): Promise<{ habit: Habit; order: Order }> {
  await pause((index * arrivalsMs) / buyers);
  const habit = habits[index % habits.length] as Habit;
  const points = index % 3 === 0 ? 0n : 100n;
  const payWithinSeconds = habit === "never pays" ? 5 : 0;
  const wish = { lines: { lamp: 1 }, points, due: price - points, payWithinSeconds };
  const thinkMs = (index * 997) % thinkMsMost;
  const member = await system.as(`m-${index % members}`);
  return { habit, order: await shop(system, member, { wish, habit, thinkMs, patienceMs }) };
}

async function openNow(): Promise<number> {
  const [row] = await system.query<{ orders: number }>(
    "order",
    `select count(*)::int as orders from orders where status <> 'absent' and not ${settledInSql}`,
  );
  return row?.orders ?? 0;
}

/** How often each service has found that its broker lost something, over its own stream and those it hears. */
async function epochs(): Promise<number> {
  const counted = await Promise.all(
    services.map((service) =>
      system.query<{ epochs: number }>(service, "select coalesce(sum(epoch), 0)::int as epochs from streams"),
    ),
  );
  return counted.flat().reduce((sum, row) => sum + row.epochs, 0);
}

/** What the broker may do, given a copy of its store that was made when half of the buyers had come. */
const deeds: Readonly<Record<string, (copied: string) => Promise<void>>> = {
  "is wiped": () => broker.wipe(),
  "is set back": (copied) => broker.putBack(copied, "all"),
  "is set back, its durables are not": (copied) => broker.putBack(copied, "messages"),
};

describe.each(Object.keys(deeds))("the broker %s", (deed) => {
  test(`with at least ${openLeast} orders open, and all of them end`, async () => {
    const before = await epochs();
    const shopping = Promise.all(Array.from({ length: buyers }, (_, index) => buyer(index)));
    shopping.catch(() => {}); // Awaited below.
    await pause(arrivalsMs / 2);
    const copied = await broker.copy();
    await pause(arrivalsMs / 2);
    const open = await openNow();
    await deeds[deed]?.(copied);
    const all = await shopping;
    console.info(`the broker ${deed} with ${open} orders open`);
    expect(open).toBeGreaterThanOrEqual(openLeast);
    expect(all.filter(({ order }) => !order.settled)).toEqual([]);
    const wrong = all.filter(
      ({ habit, order }) => habit !== "pays" && order.status !== "ORDER_STATUS_CANCELLED",
    );
    expect(wrong).toEqual([]);
    expect(await epochs()).toBeGreaterThan(before);
    ended.push(...all.map(({ order }) => order));
  });
});

describe("the broker is purged while product is away", () => {
  const paid = 6;
  /** Two minutes in which the broker takes what it let go for doubles, half of one until somebody looks, and some more. */
  const recognisedMs = 200_000;
  const replicasOfProduct = ["product", "product-2"];

  /** Confirmations of these that the order service told, and whether they have a place. */
  async function confirmations(orders: readonly Order[]): Promise<readonly boolean[]> {
    const rows = await system.query<{ placed: boolean }>(
      "order",
      "select seq is not null as placed from outbox where type = 'order.confirmed' and aggregate_id = any($1)",
      [orders.map(({ orderId }) => orderId)],
    );
    return rows.map(({ placed }) => placed);
  }

  test(`and what it had not heard of ${paid} orders is told again once the broker would take it`, async () => {
    const before = await epochs();
    const member = await system.as("m-0");
    const wish = { lines: { lamp: 1 }, due: price };
    const orders = await Promise.all(Array.from({ length: paid }, () => place(member, wish)));
    for (const { orderId } of orders) await payable(orderId);
    await Promise.all(replicasOfProduct.map((name) => system.stack.kill(name)));
    await Promise.all(orders.map((order) => pay(system, member, order)));
    const told = () => confirmations(orders);
    await until("the confirmations are told", told, (each) => each.length === paid && each.every(Boolean));
    await purge("QUADRILLE_ORDER");
    await Promise.all(replicasOfProduct.map((name) => system.stack.restart(name)));
    for (const { orderId } of orders) {
      const look = async () => (await member.orders.getOrder({ orderId, memberId: "" })).order;
      const order = await until(
        `order ${orderId} ends`,
        look,
        (seen) => seen?.settled === true,
        recognisedMs,
      );
      expect(order?.status).toBe("ORDER_STATUS_CONFIRMED");
    }
    expect(await epochs()).toBeGreaterThan(before);
    const said = system.log.filter(({ text }) => text.includes("let facts go before they were old"));
    expect(said.map(({ process }) => process.replace(/-.*/, ""))).toContain("order");
  });

  async function payable(orderId: string): Promise<void> {
    const status = async () =>
      (
        await system.query<{ status: string }>("order", "select status from orders where order_id = $1", [
          orderId,
        ])
      )[0]?.status;
    await until(`order ${orderId} is payable`, status, (now) => now === "payable");
  }

  async function purge(stream: string): Promise<void> {
    const nc = await connect({ servers: broker.url });
    try {
      const answer = await nc.request(`$JS.API.STREAM.PURGE.${stream}`);
      expect(answer.json()).toMatchObject({ success: true });
    } finally {
      await nc.close();
    }
  }
});

test("afterwards every party remembers the same, and every fact was published and heard", async () => {
  expect(await audit(system)).toEqual([]);
  expect(ended.length).toBe(buyers * Object.keys(deeds).length);
  expect(ended.some(({ status }) => status === "ORDER_STATUS_CONFIRMED")).toBe(true);
});

test("the broker has every fact that was ever told, where the outboxes say", async () => {
  expect(await kept(system, broker.url)).toEqual([]);
});
