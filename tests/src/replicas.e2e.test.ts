// Two replicas of each service share the work of many checkouts at once, and every fact comes twice to whoever hears it.
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import { audit } from "./audit.ts";
import { buy, enrolMember, stockVariant } from "./buying.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(120_000);
const members = 24;
const ordersEach = 10;
const variants = 20;

let system: System;

beforeAll(async () => {
  system = await openSystem({ replicas: 2, env: { DELIVER_TWICE: "true" } });
  const { operator } = system;
  await Promise.all([
    ...Array.from({ length: variants }, (_, index) =>
      stockVariant(operator, `sku-${index}`, { price: 1_000n, units: 10_000 }),
    ),
    ...Array.from({ length: members }, (_, index) => enrolMember(operator, `m-${index}`, 100_000n)),
  ]);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

test(`${members * ordersEach} checkouts at once are all confirmed and settled`, async () => {
  const checkouts = Array.from({ length: members * ordersEach }, async (_, index) => {
    const buyer = await system.as(`m-${index % members}`);
    const lines = { [`sku-${index % variants}`]: 2, [`sku-${(index + 7) % variants}`]: 1 };
    // Every fourth order uses no points, so member has nothing to answer about it.
    const points = index % 4 === 0 ? 0n : 100n;
    const { status, settled, history } = await buy(system, buyer, { lines, points, due: 3_000n - points });
    expect(history.map((change) => change.number)).toEqual(history.map((_change, at) => at + 1));
    return `${status} ${settled} ${history.length}`;
  });
  const ends = Map.groupBy(await Promise.all(checkouts), (end) => end);
  expect(Object.fromEntries([...ends].map(([end, { length }]) => [end, length]))).toEqual({
    "ORDER_STATUS_CONFIRMED true 7": members * ordersEach * 0.75,
    "ORDER_STATUS_CONFIRMED true 5": members * ordersEach * 0.25,
  });
});

test("every party remembers the same", async () => {
  expect(await audit(system)).toEqual([]);
});

interface Heard {
  readonly handled: number;
  readonly parked: number;
  readonly again: number;
  readonly duplicates: number;
}

test("each replica handled at least a fifth of its service's facts, and every one of them came twice", async () => {
  const told = await factsFor();
  await system[Symbol.asyncDispose]();
  const heard = (name: string) =>
    system.log
      .filter(({ process, text }) => process === name && text.includes('"facts heard"'))
      .map(({ text }) => JSON.parse(text) as Heard);
  for (const service of services) {
    const replicas = [...heard(service), ...heard(`${service}-2`)];
    expect({ service, replicas: replicas.length }).toEqual({ service, replicas: 2 });
    const sum = replicas.reduce((total, each) => total + each.handled, 0);
    expect({ service, sum }).toEqual({ service, sum: told[service] });
    for (const replica of replicas) {
      expect({ service, share: replica.handled / sum }).toMatchObject({ share: expect.any(Number) });
      expect(replica.handled / sum).toBeGreaterThanOrEqual(0.2);
      expect(replica).toMatchObject({ parked: 0, duplicates: replica.handled });
    }
    console.info(`${service}: ${replicas.map(({ handled }) => handled).join(" + ")} facts, each twice`);
  }
});

/** How many facts each service should have handled: those in its inbox. */
async function factsFor(): Promise<Record<Service, number>> {
  const counts = services.map(async (service) => {
    const [row] = await system.query<{ count: string }>(service, "select count(*) from inbox");
    return [service, Number(row?.count)] as const;
  });
  return Object.fromEntries(await Promise.all(counts)) as Record<Service, number>;
}
