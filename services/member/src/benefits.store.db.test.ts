import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { factCause, hear, sameAsDecider } from "@quadrille/outbox/testing/kept";
import { constraintOf, openTestStore } from "@quadrille/outbox/testing/test-store";
import fc from "fast-check";
import { type BenefitStore, openBenefitStore } from "./benefits.store.ts";
import { type BenefitInput, benefits, pointsMost } from "./benefits.ts";
import { migrations } from "./migrations.ts";
import { sweep } from "./sweep.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<BenefitStore>>>;
let opened: Opened;
let store: BenefitStore;

beforeAll(async () => {
  opened = await openTestStore("member", migrations, openBenefitStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const own = { kind: "own", id: "test" } as const;
const past = new Date("2020-01-01T00:00:00.123Z");
const moving = (line: string) =>
  `insert into transfers (member_id, points, debited, credited, note, at) values ('m', ${line}, '', now())`;
const future = new Date("2099-12-31T23:59:59.999Z");

const money = (points: bigint) => ({ subtotal: points, points, amountDue: 0n, currency: "KRW" });
const placed = (orderId: string, memberId: string, points: bigint, holdUntil = future): BenefitInput => ({
  type: "OrderPlaced",
  orderId,
  memberId,
  lines: [],
  ...money(points),
  method: "PAYMENT_METHOD_CARD",
  placedAt: past,
  pendingUntil: past,
  holdUntil,
  payWithinSeconds: 600,
});
const confirmed = (orderId: string, memberId: string, points: bigint): BenefitInput => {
  return { type: "OrderConfirmed", orderId, memberId, lines: [], ...money(points), confirmedAt: past };
};
const cancelled = (orderId: string, memberId: string, points: bigint): BenefitInput => ({
  type: "OrderCancelled",
  orderId,
  memberId,
  reason: "BY_MEMBER",
  wasConfirmed: false,
  benefitsWanted: points > 0n,
  ...money(points),
  cancelledAt: past,
  lines: [],
});
const expire = (orderId: string, memberId: string): BenefitInput => ({
  type: "ExpireHold",
  orderId,
  memberId,
});

let made = 0;
/** An id nobody used before; those of one test sort as they were made. */
const newId = (prefix: string) => `${prefix}-${`${++made}`.padStart(6, "0")}`;

const adjust = (memberId: string, points: bigint, note = "n") =>
  store.handle({ type: "AdjustPoints", memberId, points, note }, own);

async function known(points: bigint): Promise<string> {
  const memberId = newId("m");
  await store.handle({ type: "CreateMember", memberId, name: "Ann" }, own);
  if (points > 0n) await adjust(memberId, points);
  return memberId;
}

const holdOf = async (orderId: string) => {
  const [row] = await opened.query("select status, version from holds where order_id = $1", [orderId]);
  return row;
};
const balances = async (memberId: string) => {
  const { available, held, spent } = (await store.member(memberId)) ?? {};
  return [available, held, spent];
};

describe("rows", () => {
  /** Runs share a database, so an input is made when the run has given its ids a beginning of their own. */
  type Make = (run: string) => BenefitInput;
  const members = fc.constantFrom("a", "b", "nobody");
  const owners = fc.constantFrom(["o1", "a"], ["o2", "a"], ["o3", "b"], ["o4", "nobody"]);
  const about = fc.tuple(owners, fc.bigInt({ min: 0n, max: 9n }));
  const told = (to: (orderId: string, memberId: string, points: bigint) => BenefitInput) =>
    about.map(([[orderId, memberId], points]): Make => {
      return (run) => to(run + orderId, run + memberId, points);
    });
  const adjusted = fc.tuple(members, fc.bigInt({ min: -9n, max: 20n }), fc.string({ unit: "grapheme" }));
  const input: fc.Arbitrary<Make> = fc.oneof(
    told((id, memberId, points) => placed(id, memberId, points)),
    told((id, memberId, points) => placed(id, memberId, points)),
    told((id, memberId, points) => placed(id, memberId, points, past)),
    told(confirmed),
    told(cancelled),
    told(expire),
    adjusted
      .filter(([, points]) => points !== 0n)
      .map(([id, points, note]): Make => {
        return (run) => ({
          type: "AdjustPoints",
          memberId: run + id,
          points,
          note: note.replaceAll("\0", ""),
        });
      }),
  );

  test("keep every state that random inputs lead to", async () => {
    const statuses = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 8, maxLength: 20 }), async (inputs) => {
        const run = newId("run");
        const create = ["a", "b"].map((id): BenefitInput => {
          return { type: "CreateMember", memberId: run + id, name: "이름 \"'\\" };
        });
        const rows = await sameAsDecider(store, benefits, [...create, ...inputs.map((make) => make(run))]);
        for (const { status } of rows.holds.values()) statuses.add(status);
      }),
      { numRuns: 40 },
    );
    expect(statuses.size).toBeGreaterThan(4);
  });

  test("keep each state of a hold", async () => {
    const rich = await known(1_000n);
    const poor = await known(0n);
    const scripts: Readonly<Record<string, (orderId: string) => BenefitInput[]>> = {
      rejected: (id) => [placed(id, poor, 2n)],
      tombstone: (id) => [cancelled(id, poor, 2n), placed(id, poor, 2n)],
      lost: (id) => [confirmed(id, poor, 2n)],
      held: (id) => [placed(id, rich, 2n)],
      spent: (id) => [placed(id, rich, 2n), confirmed(id, rich, 2n)],
      returned: (id) => [placed(id, rich, 2n), confirmed(id, rich, 2n), cancelled(id, rich, 2n)],
      released: (id) => [placed(id, rich, 2n), cancelled(id, rich, 2n)],
      expired: (id) => [placed(id, rich, 2n, new Date(Date.now() + 200)), expire(id, rich)],
    };
    for (const [status, script] of Object.entries(scripts)) {
      const orderId = newId("o");
      for (const one of script(orderId)) {
        if (one.type === "ExpireHold") await opened.query("select pg_sleep(0.3)");
        await hear(store, one);
      }
      const before = await holdOf(orderId);
      expect(before).toMatchObject({ status });
      const memberId = ["rejected", "tombstone", "lost"].includes(status) ? poor : rich;
      await hear(store, expire(orderId, memberId)); // Quiet, and every state is read back and left as it was.
      expect(await holdOf(orderId)).toEqual(before);
    }
  });

  test("of what is not there are not left behind", async () => {
    const [orderId, memberId] = [newId("o"), newId("m")];
    await expect(adjust(memberId, 1n)).rejects.toMatchObject({ code: "MEMBER_UNKNOWN" });
    await hear(store, expire(orderId, memberId));
    for (const free of [placed, confirmed, cancelled]) await hear(store, free(orderId, memberId, 0n));
    expect(await holdOf(orderId)).toBeUndefined(); // An order without points is none of this service's business.
    await hear(store, placed(orderId, memberId, 1n));
    expect(await holdOf(orderId)).toEqual({ status: "rejected", version: 1 });
    expect(await opened.query("select from members where member_id = $1", [memberId])).toEqual([]);
    expect(await store.member(memberId)).toBeUndefined();
  });

  test.each([
    ["members_available_check", "update members set available = -1"],
    ["members_held_check", "update members set held = -1"],
    ["members_spent_check", "update members set spent = -1"],
    ["members_status_check", "update members set status = 'gone'"],
    ["holds_status", "insert into holds (order_id, status, member_id, points) values ('x', 'HELD', 'm', 1)"],
    [
      "holds_points_check",
      "insert into holds (order_id, status, member_id, points) values ('x', 'held', 'm', -1)",
    ],
    ["transfers_points_check", moving("0, 'available', 'held'")],
    ["transfers_append_only", "update transfers set points = 1"],
    ["transfers_append_only", "delete from transfers"],
    ["transfers_append_only", "truncate transfers"],
    ["transfers_move", moving("1, 'held', 'held'")],
    ["transfers_debited_check", moving("1, 'wallet', 'held'")],
    ["transfers_credited_check", moving("1, 'held', 'wallet'")],
  ])("never hold what breaks %s", async (constraint, statement) => {
    await known(1n);
    expect(await constraintOf(opened.query(statement))).toBe(constraint);
  });
});

test("the ledger sums to every member's points, and all accounts together to nothing", async () => {
  const memberId = await known(10n);
  const ids = [newId("o"), newId("o"), newId("o")] as const;
  for (const id of ids) await hear(store, placed(id, memberId, 2n));
  await hear(store, confirmed(ids[0], memberId, 2n));
  await hear(store, cancelled(ids[1], memberId, 2n));
  await adjust(memberId, -3n);
  expect(await balances(memberId)).toEqual([3n, 2n, 2n]);
  const unequal = await opened.query(`
    with moved as (
      select member_id, credited as account, points from transfers
      union all select member_id, debited, -points from transfers
    ), summed as (
      select member_id, sum(points) as total,
        coalesce(sum(points) filter (where account = 'available'), 0) as available,
        coalesce(sum(points) filter (where account = 'held'), 0) as held,
        coalesce(sum(points) filter (where account = 'spent'), 0) as spent
      from moved group by member_id
    )
    select * from members full join summed using (member_id)
    where members.available <> coalesce(summed.available, 0) or members.held <> coalesce(summed.held, 0)
      or members.spent <> coalesce(summed.spent, 0) or members.member_id is null or total <> 0`);
  expect(unequal).toEqual([]);
});

test("a fact heard again, also by another replica, moves nothing twice", async () => {
  const other = await opened.replica();
  const memberId = await known(5n);
  const orderId = newId("o");
  const cause = factCause();
  const before = store.duplicates + other.duplicates;
  const input = placed(orderId, memberId, 2n);
  await Promise.all([store, other, store].map((each) => each.handle(input, cause)));
  expect(store.duplicates + other.duplicates - before).toBe(2);
  await hear(store, input); // The same said under another fact id.
  expect(await balances(memberId)).toEqual([3n, 2n, 0n]);
});

test("two replicas never hold the last point twice", async () => {
  const other = await opened.replica();
  const memberId = await known(3n);
  await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      (index % 2 === 0 ? store : other).handle(placed(newId("o"), memberId, 1n), factCause()),
    ),
  );
  expect(await balances(memberId)).toEqual([0n, 3n, 0n]);
});

test("points are owned up to their bound, and taken down to nothing", async () => {
  const memberId = await known(pointsMost);
  await expect(adjust(memberId, 1n)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  await adjust(memberId, -pointsMost);
  await expect(adjust(memberId, -1n)).rejects.toMatchObject({
    code: "NOT_ENOUGH_POINTS",
    details: { points: "0" },
  });
  expect(await balances(memberId)).toEqual([0n, 0n, 0n]);
});

test("transfers are one's own, newest first, and paged by number", async () => {
  const memberId = await known(0n);
  for (const points of [1n, 2n, 3n]) await adjust(memberId, points, `note ${points}`);
  await adjust(await known(0n), 9n);
  const orderId = newId("o");
  await hear(store, placed(orderId, memberId, 4n));
  const all = await store.transfers(memberId, { most: 10 });
  expect(all.map(({ points, from, to, note, orderId: of }) => [points, from, to, note, of])).toEqual([
    [4n, "available", "held", "", orderId],
    [3n, "issued", "available", "note 3", undefined],
    [2n, "issued", "available", "note 2", undefined],
    [1n, "issued", "available", "note 1", undefined],
  ]);
  expect(all[0]?.at.getTime()).toBeGreaterThanOrEqual(all[1]?.at.getTime() ?? Number.NaN);
  const before = all[1]?.number;
  expect(await store.transfers(memberId, { before, most: 1 })).toEqual([all[2]]);
  expect(await store.transfers(memberId, { before, most: 9 })).toEqual(all.slice(2));
  expect(await store.transfers(memberId, { before: all[3]?.number, most: 9 })).toEqual([]);
});

test("the sweep lets go exactly the holds whose time has come, the longest overdue first", async () => {
  const memberId = await known(9n);
  const ids = [newId("o"), newId("o"), newId("o")] as const;
  for (const id of ids) await hear(store, placed(id, memberId, 1n));
  await opened.query("update holds set hold_until = now() - interval '1 minute' where order_id = $1", [
    ids[0],
  ]);
  await opened.query("update holds set hold_until = now() - interval '1 hour' where order_id = $1", [ids[1]]);
  expect(await store.expired(10)).toEqual([
    { orderId: ids[1], memberId },
    { orderId: ids[0], memberId },
  ]);
  expect(await store.expired(1)).toHaveLength(1);
  const other = await opened.replica();
  const due = await store.expired(10);
  const log = { error: (about: object) => expect(about).toBeUndefined() };
  await Promise.all([sweep(store, log), sweep(other, log)]);
  expect(await store.expired(10)).toEqual([]);
  // A replica that slept over the end of its lease comes late with what it had found.
  for (const hold of due) await other.handle({ type: "ExpireHold", ...hold }, own);
  expect(await balances(memberId)).toEqual([8n, 1n, 0n]);
  expect(await holdOf(ids[0])).toEqual({ status: "expired", version: 2 });
});
