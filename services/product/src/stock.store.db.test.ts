import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { factCause, hear, sameAsDecider } from "@quadrille/outbox/testing/kept";
import { constraintOf, openTestStore } from "@quadrille/outbox/testing/test-store";
import fc from "fast-check";
import { migrations } from "./migrations.ts";
import { openStockStore, type StockStore } from "./stock.store.ts";
import { type StockInput, stock, unitsMost } from "./stock.ts";
import { sweep } from "./sweep.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<StockStore>>>;
let opened: Opened;
let store: StockStore;

beforeAll(async () => {
  opened = await openTestStore("product", migrations, openStockStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const own = { kind: "own", id: "test" } as const;
const past = new Date("2020-01-01T00:00:00.123Z");
const moving = (line: string) =>
  `insert into movements (variant_id, quantity, origin, destination, at) values ('v', ${line}, now())`;
const future = new Date("2099-12-31T23:59:59.999Z");
const moment = past;
const money = { subtotal: 1n, points: 0n, amountDue: 1n, currency: "KRW" };

const line = (variantId: string, quantity: number) => ({ variantId, quantity, unitPrice: 1n, title: "t" });
type Line = ReturnType<typeof line>;

const placed = (orderId: string, lines: Line[], holdUntil = future): StockInput => ({
  type: "OrderPlaced",
  orderId,
  memberId: "m",
  lines,
  ...money,
  method: "PAYMENT_METHOD_CARD",
  placedAt: moment,
  pendingUntil: moment,
  holdUntil,
  payWithinSeconds: 600,
});
const confirmed = (orderId: string, lines: Line[]): StockInput => {
  return { type: "OrderConfirmed", orderId, memberId: "m", lines, ...money, confirmedAt: moment };
};
const cancelled = (orderId: string, lines: Line[]): StockInput => ({
  type: "OrderCancelled",
  orderId,
  memberId: "m",
  reason: "BY_MEMBER",
  wasConfirmed: false,
  benefitsWanted: false,
  ...money,
  cancelledAt: moment,
  lines,
});
const expire = (orderId: string, lines: Line[]): StockInput => {
  return { type: "ExpireHold", orderId, variantIds: lines.map(({ variantId }) => variantId) };
};

let made = 0;
/** An id nobody used before; those of one test sort as they were made. */
const newId = (prefix: string) => `${prefix}-${`${++made}`.padStart(6, "0")}`;

async function stocked(quantity: number, about: { title?: string; onSale?: boolean; id?: string } = {}) {
  const { title = "A thing", onSale = true, id: variantId = newId("v") } = about;
  await store.handle({ type: "CreateVariant", variantId, title, price: 100n, onSale }, own);
  if (quantity > 0) await store.handle({ type: "ReceiveStock", variantId, quantity }, own);
  return variantId;
}

const counts = async (variantId: string) => {
  const [row] = await opened.query("select available, held, sold from variants where variant_id = $1", [
    variantId,
  ]);
  return row;
};
const holdOf = async (orderId: string) => {
  const [row] = await opened.query("select status, version from holds where order_id = $1", [orderId]);
  return row;
};

describe("rows", () => {
  /** Runs share a database, so an input is made when the run has given its ids a beginning of their own. */
  type Make = (run: string) => StockInput;
  const ids = fc.constantFrom("a", "b");
  /** The lines of an order never change. */
  const orders = fc.constantFrom(
    { id: "o1", wants: [["a", 2]] },
    {
      id: "o2",
      wants: [
        ["a", 1],
        ["b", 3],
      ],
    },
    { id: "o3", wants: [["b", 4]] },
  ) as fc.Arbitrary<{ id: string; wants: [string, number][] }>;
  const told = (to: (orderId: string, lines: Line[]) => StockInput) =>
    orders.map(({ id, wants }): Make => {
      return (run) =>
        to(
          run + id,
          wants.map(([variantId, quantity]) => line(run + variantId, quantity)),
        );
    });
  const received = fc.tuple(ids, fc.integer({ min: 1, max: 9 }));
  const updated = fc.tuple(
    ids,
    fc.record({
      title: fc.option(fc.string({ minLength: 1, unit: "grapheme" }), { nil: undefined }),
      price: fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n }), { nil: undefined }),
      onSale: fc.option(fc.boolean(), { nil: undefined }),
    }),
  );
  const input: fc.Arbitrary<Make> = fc.oneof(
    told((id, lines) => placed(id, lines)),
    told((id, lines) => placed(id, lines)),
    told((id, lines) => placed(id, lines, past)),
    told(confirmed),
    told(cancelled),
    told(expire),
    received.map(
      ([id, quantity]): Make =>
        (run) => ({ type: "ReceiveStock", variantId: run + id, quantity }),
    ),
    updated.map(
      ([id, change]): Make =>
        (run) => ({ type: "UpdateVariant", variantId: run + id, ...change }),
    ),
  );

  test("keep every state that random inputs lead to", async () => {
    const statuses = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 8, maxLength: 20 }), async (inputs) => {
        const run = newId("run");
        const create = ["a", "b"].map((id): StockInput => {
          return {
            type: "CreateVariant",
            variantId: run + id,
            title: "제목 \"'\\",
            price: 10n ** 12n,
            onSale: false,
          };
        });
        const rows = await sameAsDecider(store, stock, [...create, ...inputs.map((make) => make(run))]);
        for (const { status } of rows.holds.values()) statuses.add(status);
      }),
      { numRuns: 40 },
    );
    expect(statuses.size).toBeGreaterThan(4);
  });

  test("keep each state of a hold", async () => {
    const v = await stocked(0);
    const lines = [line(v, 2)];
    const receive: StockInput = { type: "ReceiveStock", variantId: v, quantity: 2 };
    const scripts: Readonly<Record<string, (orderId: string) => StockInput[]>> = {
      rejected: (id) => [placed(id, lines)],
      tombstone: (id) => [cancelled(id, lines), placed(id, lines)],
      lost: (id) => [confirmed(id, lines)],
      held: (id) => [placed(id, lines)],
      committed: (id) => [placed(id, lines), confirmed(id, lines)],
      returned: (id) => [placed(id, lines), confirmed(id, lines), cancelled(id, lines)],
      released: (id) => [placed(id, lines), cancelled(id, lines)],
      expired: (id) => [placed(id, lines, new Date(Date.now() + 200)), expire(id, lines)],
    };
    for (const [status, script] of Object.entries(scripts)) {
      const orderId = newId("o");
      const isShort = ["rejected", "tombstone", "lost"].includes(status);
      if (!isShort) await store.handle(receive, own);
      for (const one of script(orderId)) {
        if (one.type === "ExpireHold") await opened.query("select pg_sleep(0.3)");
        await hear(store, one);
      }
      expect(await holdOf(orderId)).toMatchObject({ status });
      const before = await holdOf(orderId);
      await hear(store, expire(orderId, lines)); // Quiet, and every state is read back and left as it was.
      expect(await holdOf(orderId)).toEqual(before);
    }
  });

  test("of what is not there are not left behind", async () => {
    const [orderId, v] = [newId("o"), newId("v")];
    const refused = store.handle({ type: "ReceiveStock", variantId: v, quantity: 1 }, own);
    await expect(refused).rejects.toMatchObject({ code: "VARIANT_UNKNOWN" });
    await hear(store, expire(orderId, [line(v, 1)]));
    expect(await counts(v)).toBeUndefined();
    expect(await holdOf(orderId)).toBeUndefined();
    await hear(store, placed(orderId, [line(v, 1)]));
    expect(await counts(v)).toBeUndefined();
    expect(await holdOf(orderId)).toEqual({ status: "rejected", version: 1 });
  });

  test.each([
    ["variants_available_check", "update variants set available = -1"],
    ["variants_held_check", "update variants set held = -1"],
    ["variants_sold_check", "update variants set sold = -1"],
    ["variants_price_check", "update variants set price = -1"],
    ["variants_status_check", "update variants set status = 'sold'"],
    ["holds_status", "insert into holds (order_id, status, lines) values ('x', 'HELD', '[]')"],
    ["movements_quantity_check", moving("0, 'available', 'held'")],
    ["movements_append_only", "update movements set quantity = 1"],
    ["movements_append_only", "delete from movements"],
    ["movements_append_only", "truncate movements"],
    ["movements_move", moving("1, 'held', 'held'")],
    ["movements_origin_check", moving("1, 'shelf', 'held'")],
    ["movements_destination_check", moving("1, 'held', 'shelf'")],
  ])("never hold what breaks %s", async (constraint, statement) => {
    await stocked(1);
    expect(await constraintOf(opened.query(statement))).toBe(constraint);
  });
});

test("the ledger can be read, and is as it was after whoever tried to change it", async () => {
  await stocked(1);
  const before = await opened.query("select * from movements order by movement_id");
  for (const statement of [
    "update movements set quantity = quantity + 1",
    "delete from movements where false",
  ])
    await expect(opened.query(statement)).rejects.toThrow(
      /movements is a ledger: nobody may (UPDATE|DELETE) it/,
    );
  expect(await opened.query("select * from movements order by movement_id")).toEqual(before);
});

test("the ledger sums to what every variant has, wherever its units are", async () => {
  const v = await stocked(10);
  const [a, b, c] = [newId("o"), newId("o"), newId("o")];
  for (const id of [a, b, c]) await hear(store, placed(id, [line(v, 2)]));
  await hear(store, confirmed(a, [line(v, 2)]));
  await hear(store, confirmed(b, [line(v, 2)]));
  await hear(store, cancelled(b, [line(v, 2)]));
  expect(await counts(v)).toEqual({ available: 6, held: 2, sold: 2 });
  const unequal = await opened.query(`
    with moved as (
      select variant_id, destination as place, quantity from movements
      union all select variant_id, origin, -quantity from movements
    ), summed as (
      select variant_id, sum(quantity) filter (where place = 'available') as available,
        coalesce(sum(quantity) filter (where place = 'held'), 0) as held,
        coalesce(sum(quantity) filter (where place = 'sold'), 0) as sold
      from moved group by variant_id
    )
    select * from variants full join summed using (variant_id)
    where variants.available <> coalesce(summed.available, 0) or variants.held <> coalesce(summed.held, 0)
      or variants.sold <> coalesce(summed.sold, 0) or variants.variant_id is null`);
  expect(unequal).toEqual([]);
});

test("a fact heard again, also by another replica, moves nothing twice", async () => {
  const other = await opened.replica();
  const v = await stocked(5);
  const orderId = newId("o");
  const cause = factCause();
  const before = store.duplicates + other.duplicates;
  await Promise.all([store, other, store].map((each) => each.handle(placed(orderId, [line(v, 2)]), cause)));
  expect(store.duplicates + other.duplicates - before).toBe(2);
  await hear(store, placed(orderId, [line(v, 2)])); // The same said under another fact id.
  expect(await counts(v)).toEqual({ available: 3, held: 2, sold: 0 });
  expect(await holdOf(orderId)).toMatchObject({ version: 1 });
});

test("two replicas never sell the last unit twice", async () => {
  const other = await opened.replica();
  const v = await stocked(3);
  const ids = Array.from({ length: 12 }, () => newId("o"));
  await Promise.all(
    ids.map((id, index) => (index % 2 === 0 ? store : other).handle(placed(id, [line(v, 1)]), factCause())),
  );
  expect(await counts(v)).toEqual({ available: 0, held: 3, sold: 0 });
  const told = await opened.query(
    "select type, count(*)::int from outbox where aggregate_id = any($1) group by 1",
    [ids],
  );
  expect(told).toContainEqual({ type: "product.stock_held", count: 3 });
  expect(told).toContainEqual({ type: "product.stock_rejected", count: 9 });
});

test("stock is counted up to its bound and not beyond", async () => {
  const v = await stocked(0);
  for (const quantity of [unitsMost - 1, 1])
    await store.handle({ type: "ReceiveStock", variantId: v, quantity }, own);
  expect(await counts(v)).toMatchObject({ available: unitsMost });
  const more = store.handle({ type: "ReceiveStock", variantId: v, quantity: 1 }, own);
  await expect(more).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

describe("reading", () => {
  const found = async (query: string, page: { after?: string; most: number } = { most: 100 }) =>
    (await store.search(query, page)).map(({ variantId }) => variantId);

  test("variants by id leaves out the unknown and those only locked", async () => {
    const v = await stocked(4);
    expect(await store.variants([v, "nothing", v])).toEqual([
      {
        variantId: v,
        status: "listed",
        title: "A thing",
        price: 100n,
        onSale: true,
        available: 4,
        held: 0,
        sold: 0,
      },
    ]);
    expect(await store.variants([])).toEqual([]);
  });

  test("a search finds the beginning of an id in its case, and any part of a title in any", async () => {
    await stocked(1, { id: "find-B", title: "Ünder the sea" });
    await stocked(1, { id: "find-a", title: "100%_sure\\" });
    await stocked(1, { id: "Find-a", title: "other" });
    expect(await found("find-")).toEqual(["find-B", "find-a"]); // By code point, alike on every system.
    expect(await found("Find-")).toEqual(["Find-a"]);
    expect(await found("ind-")).toEqual([]);
    expect(await found("UNDER")).toEqual([]);
    expect(await found("THE SEA")).toEqual(["find-B"]);
    for (const wild of ["100%_", "0%", "%_", "_s", "re\\"]) expect(await found(wild)).toEqual(["find-a"]);
    expect(await found("find%")).toEqual([]);
  });

  test("pages end where they are told and begin after it", async () => {
    const ids = ["page-1", "page-2", "page-3"];
    for (const id of ids) await stocked(0, { id, title: "page" });
    expect(await found("page", { most: 2 })).toEqual(["page-1", "page-2"]);
    expect(await found("page", { most: 2, after: "page-2" })).toEqual(["page-3"]);
    expect(await found("page", { most: 2, after: "page-3" })).toEqual([]);
    expect((await found("", { most: 1000, after: "page-2" }))[0]).toBe("page-3");
  });
});

test("the sweep lets go exactly the holds whose time has come, the longest overdue first", async () => {
  const v = await stocked(9);
  const ids = [newId("o"), newId("o"), newId("o")] as const;
  for (const id of ids) await hear(store, placed(id, [line(v, 1)]));
  await opened.query("update holds set hold_until = now() - interval '1 minute' where order_id = $1", [
    ids[0],
  ]);
  await opened.query("update holds set hold_until = now() - interval '1 hour' where order_id = $1", [ids[1]]);
  expect(await store.expired(10)).toEqual([
    { orderId: ids[1], variantIds: [v] },
    { orderId: ids[0], variantIds: [v] },
  ]);
  expect(await store.expired(1)).toHaveLength(1);
  const other = await opened.replica();
  const due = await store.expired(10);
  const log = { error: (about: object) => expect(about).toBeUndefined() };
  await Promise.all([sweep(store, log), sweep(other, log)]);
  expect(await store.expired(10)).toEqual([]);
  // A replica that slept over the end of its lease comes late with what it had found.
  for (const hold of due) await other.handle({ type: "ExpireHold", ...hold }, own);
  expect(await counts(v)).toEqual({ available: 8, held: 1, sold: 0 });
  expect(await holdOf(ids[0])).toEqual({ status: "expired", version: 2 });
  expect(await holdOf(ids[2])).toMatchObject({ status: "held" });
});
