// Whatever arrives on the bus that is no fact is set aside once, hurts no neighbour and changes nothing.
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import {
  durableOf,
  events,
  type FactKind,
  type Service,
  services,
  streamOf,
  tellersFor,
} from "@quadrille/contracts/events";
import { OrderPlaced } from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import { v7 } from "uuid";
import { audit } from "./audit.ts";
import { buy, enrolMember, stockVariant } from "./buying.ts";
import { leaks, secretsOf } from "./secrets.ts";
import { snapshot } from "./snapshot.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(90_000);
const canary = "a-card-number-nobody-may-read";
const kinds = Object.values(events) as readonly FactKind[];

let system: System;
let nats: NatsConnection;

beforeAll(async () => {
  system = await openSystem({ env: { LOG_LEVEL: "trace" } });
  nats = await connect({ servers: system.stack.natsUrl });
  await stockVariant(system.operator, "lamp", { price: 12_000n, units: 1_000 });
  await enrolMember(system.operator, "ann", 50_000n);
  await buy(system, await system.as("ann"), { lines: { lamp: 1 }, points: 10n, due: 11_990n });
});
afterAll(async () => {
  await nats?.close();
  await system?.[Symbol.asyncDispose]();
});

interface Sent {
  readonly payload?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Stores a message in the subject's stream, as whoever may publish there could. Answers with the broker's error, if any. */
async function publish(subject: string, { payload, headers: named = {} }: Sent): Promise<string | undefined> {
  const carried = headers();
  for (const [name, value] of Object.entries(named)) carried.set(name, value);
  const answer = await nats.request(subject, payload, { headers: carried, timeout: 5_000 });
  return answer.json<{ error?: { description: string } }>().error?.description;
}

const garbage = Buffer.from(`\xff\xff\xff${canary}`, "latin1");

/** What is wrong with a message, and which of the services that hear its stream must set it aside. */
const faults: Readonly<
  Record<
    string,
    { readonly sent: (kind: FactKind) => Sent; readonly parkedBy: "all" | "its hearers" | "nobody" }
  >
> = {
  "bytes that are no message": {
    sent: ({ messageName }) => ({ payload: garbage, headers: { "ce-type": messageName, "ce-id": v7() } }),
    parkedBy: "its hearers",
  },
  "no fields at all": {
    sent: ({ messageName }) => ({ headers: { "ce-type": messageName, "Nats-Msg-Id": v7() } }),
    parkedBy: "its hearers",
  },
  "no fact id": {
    sent: ({ messageName }) => ({ payload: garbage, headers: { "ce-type": messageName } }),
    parkedBy: "its hearers",
  },
  "a fact id that is none": {
    sent: ({ messageName }) => ({ payload: garbage, headers: { "ce-type": messageName, "ce-id": "7" } }),
    parkedBy: "its hearers",
  },
  "no headers": { sent: () => ({ payload: garbage }), parkedBy: "all" },
  "the type of a fact that is told elsewhere": {
    sent: ({ messageName }) => {
      const other = kinds.find((kind) => kind.messageName !== messageName) as FactKind;
      return { payload: garbage, headers: { "ce-type": other.messageName, "ce-id": v7() } };
    },
    parkedBy: "all",
  },
  "a type nobody knows": {
    sent: () => ({ payload: garbage, headers: { "ce-type": "quadrille.order.v9.OrderSung", "ce-id": v7() } }),
    parkedBy: "nobody",
  },
};

const hearersOf = (teller: Service) => services.filter((hearer) => tellersFor(hearer).includes(teller));

async function parked(): Promise<Record<Service, number>> {
  const counts = services.map(async (service) => {
    const [row] = await system.query<{ count: string }>(service, "select count(*) from parked");
    return [service, Number(row?.count)] as const;
  });
  return Object.fromEntries(await Promise.all(counts)) as Record<Service, number>;
}

/** Waits until the tables of parked facts hold so many, then a moment longer, lest more come. */
async function untilParked(expected: Record<Service, number>, ms = 15_000): Promise<void> {
  const until = Date.now() + ms;
  const isThere = async () =>
    Object.entries(await parked()).every(([service, count]) => count >= expected[service as Service]);
  while (!(await isThere()) && Date.now() < until) await pause(100);
  await pause(300);
  expect(await parked()).toEqual(expected);
}

/** Messages delivered and not settled, or not delivered yet, over all durables. */
async function unsettled(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const hearer of services)
    for (const teller of tellersFor(hearer)) {
      const durable = durableOf(hearer, teller).name;
      const answer = await nats.request(`$JS.API.CONSUMER.INFO.${streamOf(teller).name}.${durable}`);
      const info = answer.json<{ num_ack_pending: number; num_pending: number }>();
      if (info.num_ack_pending + info.num_pending > 0)
        found[durable] = info.num_ack_pending + info.num_pending;
    }
  return found;
}

const except = services.map((service) => `${service}.parked`);

test("each message that is no fact is parked once by whoever should hear it, and changes nothing", async () => {
  const before = await snapshot(system, except);
  const expected = await parked();
  for (const kind of kinds)
    for (const { sent, parkedBy } of Object.values(faults)) {
      expect(await publish(kind.subject, sent(kind))).toBeUndefined();
      for (const hearer of hearersOf(kind.teller))
        if (parkedBy === "all" || (parkedBy === "its hearers" && kind.heardBy.includes(hearer)))
          expected[hearer] += 1;
    }
  await untilParked(expected);
  expect(await unsettled()).toEqual({});
  expect(await snapshot(system, except)).toEqual(before);
});

test("what was parked can be read again whole, with the reason", async () => {
  const rows = await system.query<{ error: string; payload: Buffer; headers: Record<string, string> }>(
    "order",
    "select error, payload, headers from parked",
  );
  const reasons = new Set(
    rows.map(({ error }) => error.replace(/(order|product|member|payment)\.\w+/g, "<fact>")),
  );
  expect([...reasons].join("; ")).toMatch(/no ce-type/);
  expect([...reasons].join("; ")).toMatch(/without orderId/);
  expect([...reasons].join("; ")).toMatch(/no fact id/);
  expect([...reasons].join("; ")).toMatch(/not a <fact>/);
  expect(
    rows.filter(({ payload }) => payload.length > 0).every(({ payload }) => payload.equals(garbage)),
  ).toBe(true);
});

test("a message larger than a fact may be is refused by the broker or parked", async () => {
  const expected = await parked();
  const named = { "ce-type": events.orderPlaced.messageName, "ce-id": v7() };
  const { subject } = events.orderPlaced;
  expect(await publish(subject, { payload: Buffer.alloc(300 * 1024), headers: named })).toMatch(/size/);
  expect(await publish(subject, { payload: Buffer.alloc(256 * 1024 + 1), headers: named })).toBeUndefined();
  for (const hearer of hearersOf("order")) expected[hearer] += 1;
  await untilParked(expected);
});

/** A well-formed order.placed nobody placed. */
function placed(orderId: string, quantity: number): Sent {
  const now = new Date();
  const payload = OrderPlaced.encode({
    orderId,
    memberId: "ann",
    lines: [{ variantId: "lamp", quantity, unitPrice: 1n, title: canary }],
    subtotal: 1n,
    points: 0n,
    amountDue: 1n,
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD",
    placedAt: now,
    pendingUntil: now,
    holdUntil: new Date(now.getTime() + 3_600_000),
    payWithinSeconds: 1,
  }).finish();
  return { payload, headers: { "ce-type": events.orderPlaced.messageName, "ce-id": v7() } };
}

test("a fact that can never be decided is parked in the end, and checkouts beside it do not wait for it", async () => {
  const expected = await parked();
  for (const quantity of [0, -5])
    await publish(events.orderPlaced.subject, placed(`quantity${quantity}`, quantity));
  for (let count = 0; count < 10; count += 1)
    await publish(events.orderPlaced.subject, placed(`a\0${count}`, 1)); // No text column takes it.
  expected.product += 12;
  const ends = await buyTogether(10);
  expect((await parked()).product).toBeLessThan(expected.product); // They are still being tried.
  expect(ends).toEqual(["ORDER_STATUS_CONFIRMED true"]);
  const before = await snapshot(system, except);
  await untilParked(expected, 40_000);
  expect(await snapshot(system, except)).toEqual(before);
});

/** Ends of so many checkouts at once, each kind of end once. */
async function buyTogether(count: number): Promise<string[]> {
  const ann = await system.as("ann");
  const orders = Array.from({ length: count }, () =>
    buy(system, ann, { lines: { lamp: 1 }, points: 10n, due: 11_990n }),
  );
  return [...new Set((await Promise.all(orders)).map(({ status, settled }) => `${status} ${settled}`))];
}

test("checkouts amid all of that are confirmed, and every party remembers the same", async () => {
  const noise = kinds.flatMap((kind) =>
    Object.values(faults).map(({ sent }) => publish(kind.subject, sent(kind))),
  );
  expect(await buyTogether(20)).toEqual(["ORDER_STATUS_CONFIRMED true"]);
  expect(await Promise.all(noise)).not.toContainEqual(expect.any(String));
  // What was parked is as it should be; and member took note of the orders nobody placed, which want nothing of it.
  const expected = /^I8: (\w+ parked |member heard .* which nobody told$)/;
  expect((await audit(system)).filter((finding) => !expected.test(finding))).toEqual([]);
});

test("every process is still the one that was started, and nothing secret stands in a log line", async () => {
  for (const process of system.stack.processes.values())
    expect(await Promise.race([process.exited, pause(50, "running")])).toBe("running");
  expect(system.log.some(({ text }) => text.includes("a fact was parked"))).toBe(true);
  expect(leaks(system, [canary, ...secretsOf(system, [])])).toEqual([]);
});
