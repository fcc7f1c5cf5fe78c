// The memory transactions under the simulation mean what the SQL ones mean: a history of the one ends alike over the other.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Service, services } from "@quadrille/contracts/events";
import { Refusal } from "@quadrille/decider";
import type { Outcome } from "@quadrille/outbox/decision";
import { bookDifferences } from "./bridge-books.ts";
import { type Call, type CommittedGroup, type History, type Look, Recording } from "./bridge-recording.ts";
import { type Bridge, compare, nothingReplayed, openBridge, replay, replayAll } from "./bridge-replay.ts";
import { run } from "./run.ts";

const historiesWanted = 100;
/** Other seeds than those of the command's default and of the other tests, so that together they see more. */
const firstSeed = 2_000_000;
/** An auditor's reading opens connections of its own, which takes longer than a replay. */
const historiesPerBooks = 10;
const orders = Array.from({ length: 10 }, (_, index) => index);

let bridge: Bridge;
beforeAll(async () => {
  bridge = await openBridge();
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
});

async function record(seed: number) {
  const recording = new Recording();
  const outcome = await run({ seed, orders, recording });
  expect(outcome.breaches).toEqual([]);
  return { histories: recording.histories, outcome };
}

test(`${historiesWanted} histories end in the same state`, async () => {
  const replayed = nothingReplayed();
  let [struck, shared, unheard] = [0, 0, 0];
  for (let seed = firstSeed; seed < firstSeed + historiesWanted; seed += 1) {
    const { histories, outcome } = await record(seed);
    await replayAll(bridge, histories, replayed);
    if (seed % historiesPerBooks === 0)
      replayed.differences.push(...(await bookDifferences(bridge, histories)));
    expect({ seed, differences: replayed.differences }).toEqual({ seed, differences: [] });
    for (const strikes of outcome.struck.values()) struck += strikes;
    const groups = services.flatMap((service) => histories[service].groups);
    shared += groups.filter(({ calls }) => calls.length > 1).length;
    unheard += groups.filter(({ isHeard }) => !isHeard).length;
  }
  const { differences, ...counts } = replayed;
  process.stdout.write(
    `replayed over SQL: ${JSON.stringify({ histories: historiesWanted, struck, ...counts, shared, unheard })}\n`,
  );
  // What was not there was not compared.
  expect(struck).toBeGreaterThan(1_000);
  expect(counts.groups).toBeGreaterThan(10_000);
  expect(counts.rows).toBeGreaterThan(10_000);
  expect(counts.answers).toBeGreaterThan(10_000);
  expect(counts.refusals).toBeGreaterThan(100);
  expect(counts.found).toBeGreaterThan(100);
  expect(shared).toBeGreaterThan(100);
  expect(unheard).toBeGreaterThan(10);
}, 300_000);

describe("what is not the same is seen:", () => {
  let recorded: Readonly<Record<Service, History>>;
  const heardAs = (ok: boolean) => (group: CommittedGroup) =>
    group.isHeard && group.calls[0]?.outcome?.ok === ok;
  const dueAt = ({ found }: Look) => (found.due ?? []).length > 0;

  /** Whether there is a row in each table, a line in each ledger and a remembered request. */
  const isFull = (all: typeof recorded) =>
    services.every((service) => {
      const { database, groups } = all[service];
      const hasRows = database?.tables.every((table) => database.rows[table]?.size !== 0);
      const hasLines = service === "order" ? database?.requests.size !== 0 : database?.entries.length !== 0;
      return hasRows && hasLines && groups.some(({ claims }) => claims.length > 0);
    });

  /** The first history that has of everything that is looked for here. */
  beforeAll(async () => {
    for (let seed = firstSeed; seed < firstSeed + historiesWanted; seed += 1) {
      recorded = (await record(seed)).histories;
      const { groups, looks } = recorded.order;
      if (isFull(recorded) && groups.some(heardAs(false)) && looks.some(dueAt)) return;
    }
    throw new Error("no history has of everything");
  });

  async function differencesOf(service: Service, history: History): Promise<readonly string[]> {
    const replayed = nothingReplayed();
    await replay(bridge[service], history, replayed);
    await compare(bridge[service], recorded[service], replayed);
    return replayed.differences;
  }

  test.each(services)("nothing in what %s did", async (service) => {
    expect(await differencesOf(service, recorded[service])).toEqual([]);
  });

  const last = (table: string, key: string) => `${key} = (select max(${key}::text) from ${table})`;
  test.each<[Service, string, string]>([
    ["order", "orders", `update orders set asked = asked + 1 where ${last("orders", "order_id")}`],
    ["order", "orders", `delete from orders where ${last("orders", "order_id")}`],
    ["order", "orders", `update orders set version = version + 1 where ${last("orders", "order_id")}`],
    [
      "order",
      "carts",
      "update carts set cart_version = cart_version + 1 where member_id = (select min(member_id) from carts)",
    ],
    [
      "order",
      "requests",
      "update requests set hash = hash || '?' where ctid = (select min(ctid) from requests)",
    ],
    ["product", "holds", `update holds set revision = revision + 1 where ${last("holds", "order_id")}`],
    ["product", "variants", `update variants set sold = sold + 1 where ${last("variants", "variant_id")}`],
    [
      "product",
      "ledger",
      "delete from movements where movement_id = (select max(movement_id) from movements)",
    ],
    ["member", "holds", `update holds set points = points + 1 where ${last("holds", "order_id")}`],
    ["member", "members", `update members set name = name || '?' where ${last("members", "member_id")}`],
    [
      "member",
      "ledger",
      "update transfers set at = at + interval '1 ms' where transfer_id = (select max(transfer_id) from transfers)",
    ],
    ["payment", "payments", `update payments set tries = tries + 1 where ${last("payments", "order_id")}`],
    ["payment", "ledger", "delete from journal where number = (select max(number) from journal)"],
    [
      "product",
      "inbox",
      `update inbox set seq = seq + 1 where fact_id = (select max(fact_id::text)::uuid from inbox)`,
    ],
    ["member", "inbox", `delete from inbox where fact_id = (select min(fact_id::text)::uuid from inbox)`],
    [
      "order",
      "outbox",
      `update outbox set payload = payload || '\\x00' where id = (select max(id::text)::uuid from outbox)`,
    ],
    [
      "payment",
      "outbox",
      `update outbox set causation_id = '?' where id = (select max(id::text)::uuid from outbox)`,
    ],
    [
      "product",
      "outbox",
      `update outbox set aggregate_version = 9 where id = (select min(id::text)::uuid from outbox)`,
    ],
  ])("a row of %s's %s: %s", async (service, table, statement) => {
    const sql = bridge[service];
    const replayed = nothingReplayed();
    await replay(sql, recorded[service], replayed);
    expect(await sql.query(`${statement} returning 1`)).toHaveLength(1);
    await compare(sql, recorded[service], replayed);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toMatch(new RegExp(`^${service} ${table} `));
  });

  test.each(services)("an input of %s's left out", async (service) => {
    const { groups } = recorded[service];
    const index = groups.findIndex(({ factIds, calls }) => factIds.length > 0 && calls.length === 1);
    const without = { ...recorded[service], groups: groups.filter((_, at) => at !== index), looks: [] };
    expect(await differencesOf(service, without)).not.toEqual([]);
  });

  test.each(services)("another order of %s's groups", async (service) => {
    const { groups } = recorded[service];
    const isPlain = (at: number) => groups[at]?.factIds.length === 1 && groups[at]?.calls.length === 1;
    const index = groups.findIndex((_, at) => isPlain(at) && isPlain(at + 1));
    const [one, other] = [groups[index], groups[index + 1]] as [CommittedGroup, CommittedGroup];
    const turned = groups.with(index, { ...other, now: one.now }).with(index + 1, { ...one, now: other.now });
    expect(await differencesOf(service, { ...recorded[service], groups: turned, looks: [] })).not.toEqual([]);
  });

  test.each<[Service, string, string]>([
    ["order", "orders", `update orders set due_at = placed_at where ${last("orders", "order_id")}`],
    [
      "product",
      "variants",
      "delete from movements where movement_id = (select max(movement_id) from movements)",
    ],
    ["member", "members", `update members set held = held + 1 where ${last("members", "member_id")}`],
    [
      "payment",
      "payments",
      `update payments set captured = captured + 1 where ${last("payments", "order_id")}`,
    ],
  ])("an entry of %s's book of %s: %s", async (service, chapter, statement) => {
    await replayAll(bridge, recorded, nothingReplayed());
    expect(await bookDifferences(bridge, recorded)).toEqual([]);
    expect(await bridge[service].query(`${statement} returning 1`)).toHaveLength(1);
    expect(await bookDifferences(bridge, recorded)).toEqual([
      expect.stringMatching(new RegExp(`^${service}'s book of ${chapter} `)),
    ]);
  });

  test("a millisecond, in a fact and in what a sweeper finds", async () => {
    const { groups, looks } = recorded.order;
    const later = ({ now }: { readonly now: Date }) => new Date(now.getTime() + 1);
    const index = groups.findIndex(({ factIds }) => factIds.length > 0);
    const factId = groups[index]?.factIds[0];
    const moved = groups.map((group, at) => (at === index ? { ...group, now: later(group) } : group));
    const seen = await differencesOf("order", { ...recorded.order, groups: moved, looks: [] });
    expect(seen).toContainEqual(expect.stringContaining(`order outbox ${factId}: `));

    const found = looks.findIndex(dueAt);
    const blind = looks.map((look, at) => (at === found ? { ...look, now: new Date(0) } : look));
    expect(await differencesOf("order", { ...recorded.order, looks: blind })).toEqual([
      expect.stringMatching(/^order due after \d+ groups: .+ in memory, {2}in SQL$/),
    ]);
  });

  test("another answer and another refusal", async () => {
    const { groups } = recorded.order;
    const told = (outcome: Outcome) => {
      const group = groups.find(heardAs(outcome.ok)) as CommittedGroup;
      const [call, ...rest] = group.calls as [Call, ...Call[]];
      const otherwise = { ...group, calls: [{ ...call, outcome }, ...rest] };
      return { ...recorded.order, groups: groups.map((each) => (each === group ? otherwise : each)) };
    };
    expect(await differencesOf("order", told({ ok: true, answer: "?" }))).toEqual([
      expect.stringMatching(/^order group \d+, input 1: \{answer: "\?"\} in memory, /),
    ]);
    expect(await differencesOf("order", told({ ok: false, error: new Refusal("NOT_FOUND") }))).toEqual([
      expect.stringMatching(/^order group \d+, input 1: refused .*NOT_FOUND.* in memory, refused /),
    ]);
  });
});

describe("the database of a replay", () => {
  test.each(services)("of %s takes the history's time for its own and keeps days apart", async (service) => {
    const { query, setNow } = bridge[service];
    const moment = new Date("2026-01-02T03:04:05.678Z");
    await setNow(moment);
    expect(await query("select clock_timestamp() as now")).toEqual([{ now: moment }]);

    const { histories } = await record(firstSeed);
    await replay(bridge[service], histories[service], nothingReplayed());
    const claiming = histories[service].groups.filter(({ claims }) => claims.length > 0);
    const moments = claiming.map(({ now }) => now.getTime());
    expect(await query("select min(handled_at) as first, max(handled_at) as last from inbox")).toEqual([
      { first: new Date(Math.min(...moments)), last: new Date(Math.max(...moments)) },
    ]);
    for (const table of ["inbox", "outbox"]) {
      const stored = await query(
        `select distinct tableoid::regclass::text as part from ${table} order by part`,
      );
      expect(stored[0]).toEqual({ part: `${table}_20260101` });
      expect(stored).not.toContainEqual({ part: `${table}_default` });
    }
  });
});
