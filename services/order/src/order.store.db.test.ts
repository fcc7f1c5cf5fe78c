import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { factCause, hear, sameAsDecider } from "@quadrille/outbox/testing/kept";
import { constraintOf, openTestStore } from "@quadrille/outbox/testing/test-store";
import fc from "fast-check";
import type { CartInput } from "./cart.ts";
import { ordering } from "./decider.ts";
import { migrations } from "./migrations.ts";
import { historyMost } from "./order.evolve.ts";
import { type OrderStore, openOrderStore } from "./order.store.ts";
import { absentOrder, type OrderInput, type PlacedOrder, type PlaceOrder } from "./order.ts";
import { sweep } from "./sweep.ts";
import { newId, placeInput, policy } from "./testing/wishes.ts";

type Opened = Awaited<ReturnType<typeof openTestStore<OrderStore>>>;
type Input = OrderInput | CartInput;
let opened: Opened;
let store: OrderStore;

beforeAll(async () => {
  opened = await openTestStore("order", migrations, openOrderStore);
  store = opened.store;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const own = { kind: "own", id: "test" } as const;
const future = new Date("2099-12-31T23:59:59.999Z");
const soon = new Date("2020-01-01T00:00:00.123Z");

type About = (orderId: string, memberId: string) => Input;
const stockHeld: About = (orderId) => ({ type: "StockHeld", orderId, lines: [], holdUntil: future, policy });
const benefitsHeld: About = (orderId, memberId) => {
  return { type: "BenefitsHeld", orderId, memberId, points: 100n, holdUntil: future, policy };
};
const cancel: About = (orderId, memberId) => ({ type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" });
const only = (
  type: "StockRejected" | "StockCommitted" | "BenefitsSpent" | "PaymentApproved" | "PaymentDeclined",
) => ((orderId) => ({ type, orderId })) satisfies About;
const released = (type: "StockReleased" | "BenefitsReleased" | "PaymentVoided") =>
  ((orderId) => ({ type, orderId, reason: "CANCELLED" })) satisfies About;

const histories: Readonly<Record<string, readonly About[]>> = {
  pending: [],
  payable: [stockHeld, benefitsHeld],
  cancelling: [stockHeld, benefitsHeld, cancel],
  confirmed: [stockHeld, benefitsHeld, only("PaymentApproved")],
  "confirmed, settled": [
    stockHeld,
    benefitsHeld,
    only("PaymentApproved"),
    only("StockCommitted"),
    only("BenefitsSpent"),
  ],
  "cancelled, rejected": [only("StockRejected"), released("StockReleased"), released("BenefitsReleased")],
  "cancelled, declined": [stockHeld, benefitsHeld, only("PaymentDeclined"), released("StockReleased")],
  "cancelled, paid late": [cancel, only("PaymentApproved"), released("PaymentVoided")],
};

/** Places an order and lets it live through these inputs. */
async function lived(inputs: readonly About[], memberId = newId("m")): Promise<PlacedOrder> {
  const orderId = newId("o");
  await store.handle(placeInput(orderId, { memberId }), own);
  for (const input of inputs) await hear(store, input(orderId, memberId));
  return (await store.order(orderId)) as PlacedOrder;
}

const rowOf = async (orderId: string) =>
  await opened.query("select * from orders where order_id = $1", [orderId]);

describe("rows", () => {
  type Make = (run: string) => Input;
  const owners = fc.constantFrom(["o1", "m1"], ["o2", "m1"], ["o3", "m2"]);
  const told = (...about: About[]) =>
    fc.tuple(owners, fc.constantFrom(...about)).map(([[orderId, memberId], to]): Make => {
      return (run) => to(run + orderId, run + memberId);
    });
  const wish = fc.record({
    points: fc.constantFrom(0n, 100n),
    requestHash: fc.constantFrom("one", "one", "other"),
    cartVersion: fc.constantFrom(undefined, undefined, 1, 2),
    policy: fc.constantFrom(policy, policy, { ...policy, pendingSeconds: 0 }),
    payWithinSeconds: fc.constantFrom(0, 1),
  });
  const placed = fc.tuple(owners, wish).map(([[orderId, memberId], about]): Make => {
    return (run) => placeInput(run + orderId, { ...about, memberId: run + memberId });
  });
  const line = fc
    .tuple(fc.constantFrom("a", "b"), fc.integer({ min: 1, max: 600 }))
    .map(([variantId, quantity]) => ({ variantId, quantity }));
  const cart = fc
    .tuple(
      fc.constantFrom("m1", "m2"),
      line,
      fc.constantFrom("AddCartLine", "ChangeCartLine", "RemoveCartLine"),
    )
    .map(([member, put, type]): Make => {
      return (run) =>
        type === "RemoveCartLine"
          ? { type, memberId: run + member, variantId: put.variantId }
          : { type: type as "AddCartLine", memberId: run + member, line: put, problem: "" };
    });
  const input: fc.Arbitrary<Make> = fc.oneof(
    { weight: 3, arbitrary: placed },
    { weight: 3, arbitrary: cart },
    { weight: 5, arbitrary: told(stockHeld, benefitsHeld) },
    { weight: 4, arbitrary: told(only("PaymentApproved"), only("StockCommitted"), only("BenefitsSpent")) },
    { weight: 2, arbitrary: told(only("StockRejected"), only("PaymentDeclined"), cancel) },
    {
      weight: 2,
      arbitrary: told(
        released("StockReleased"),
        released("BenefitsReleased"),
        released("PaymentVoided"),
        (orderId) => ({ type: "DeadlinePassed", orderId }),
        (orderId) => ({ type: "StockHeld", orderId, lines: [], holdUntil: soon, policy }),
        (orderId, memberId) => ({ type: "CancelOrder", orderId, memberId, by: "BY_OPERATOR" }),
        (orderId) => ({ type: "PaymentRefunded", orderId }),
      ),
    },
  );

  test("keep every state that random inputs lead to", async () => {
    const statuses = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 10, maxLength: 25 }), async (inputs) => {
        const run = newId("run");
        const first = placeInput(`${run}o1`, { memberId: `${run}m1` });
        const rows = await sameAsDecider(store, ordering, [first, ...inputs.map((make) => make(run))]);
        for (const [orderId, order] of rows.orders) {
          statuses.add(order.status);
          expect(await store.order(orderId)).toStrictEqual(order);
        }
        for (const [member, state] of rows.carts) expect(await store.cart(member)).toStrictEqual(state);
      }),
      { numRuns: 25 },
    );
    expect(statuses.size).toBeGreaterThan(3);
  });

  test.each(Object.entries(histories))("keep an order that is %s", async (name, inputs) => {
    const order = await lived(inputs);
    expect(order.status).toBe(name.split(",")[0]);
    const written = await rowOf(order.orderId);
    await hear(store, { type: "DeadlinePassed", orderId: order.orderId }); // Quiet: nothing is due.
    expect(await store.order(order.orderId)).toStrictEqual(order);
    expect(await rowOf(order.orderId)).toEqual(written);
  });

  test("keep the newest changes of an order that has had too many", async () => {
    const order = await lived([
      cancel,
      ...Array.from({ length: historyMost + 3 }, () => only("PaymentApproved")),
    ]);
    expect(order.history).toHaveLength(historyMost);
    const numbers = order.history.map(({ number }) => number);
    expect([numbers[0], numbers.at(-1)]).toEqual([6, historyMost + 5]);
  });

  test("of what is not there are not left behind", async () => {
    const [orderId, memberId] = [newId("o"), newId("m")];
    await hear(store, stockHeld(orderId, memberId));
    await expect(store.handle(cancel(orderId, memberId), own)).rejects.toMatchObject({
      code: "ORDER_UNKNOWN",
    });
    await store.handle({ type: "ClearCart", memberId }, own);
    expect(await rowOf(orderId)).toEqual([]);
    expect(await opened.query("select from carts where member_id = $1", [memberId])).toEqual([]);
  });

  test("of an order nobody placed count what was told of it, and are no order to anyone", async () => {
    const orderId = newId("o");
    for (const version of [1, 2]) {
      await hear(store, { type: "PaymentApproved", orderId });
      expect(await rowOf(orderId)).toMatchObject([{ status: "absent", version }]);
    }
    expect(await store.order(orderId)).toEqual(absentOrder);
    expect(await store.ordersOf("", { after: undefined, most: 10 })).toEqual([]);
    await store.handle(placeInput(orderId), own);
    expect(await rowOf(orderId)).toMatchObject([{ status: "pending", version: 3 }]);
  });

  test.each([
    ["orders_status_check", "update orders set status = 'PAID'"],
    ["orders_points_check", "update orders set points = -1, subtotal = amount_due - 1"],
    ["orders_amount_due_check", "update orders set amount_due = -1, subtotal = points - 1"],
    ["orders_sum", "update orders set subtotal = subtotal + 1"],
    ["orders_stock_check", "update orders set stock = 'lost'"],
    ["orders_benefits_check", "update orders set benefits = 'lost'"],
    ["orders_payment_check", "update orders set payment = 'lost'"],
    ["carts_cart_version_check", "insert into carts (member_id, lines, cart_version) values ('x', '[]', -1)"],
  ])("never hold what breaks %s", async (constraint, statement) => {
    await lived([]);
    expect(await constraintOf(opened.query(statement))).toBe(constraint);
  });
});

test("a fact heard again, also by another replica, changes nothing and tells nothing twice", async () => {
  const other = await opened.replica();
  const { orderId, memberId } = await lived([stockHeld]);
  const cause = factCause();
  const before = store.duplicates + other.duplicates;
  await Promise.all([store, other, store].map((each) => each.handle(benefitsHeld(orderId, memberId), cause)));
  expect(store.duplicates + other.duplicates - before).toBe(2);
  await hear(store, benefitsHeld(orderId, memberId)); // The same said under another fact id.
  const told = await opened.query(
    "select type, aggregate_version as n from outbox where aggregate_id = $1 order by 2",
    [orderId],
  );
  expect(told).toEqual([
    { type: "order.placed", n: 1 },
    { type: "order.payable", n: 2 },
  ]);
});

test("one cart becomes one order, whoever places it first", async () => {
  const other = await opened.replica();
  const memberId = newId("m");
  const line = { variantId: "a", quantity: 1 };
  await store.handle({ type: "AddCartLine", memberId, line, problem: "" }, own);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 6 }, (_, index) => {
      const input: PlaceOrder = placeInput(newId("o"), { memberId, cartVersion: 1 });
      return (index % 2 === 0 ? store : other).handle(input, own);
    }),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "CART_CHANGED" });
  expect(await store.cart(memberId)).toEqual({ lines: [], version: 2 });
  expect(await store.ordersOf(memberId, { after: undefined, most: 9 })).toHaveLength(1);
});

test("a member's orders come newest first, also those of one moment, and begin after the one named", async () => {
  const memberId = newId("m");
  const orders: PlacedOrder[] = [];
  for (let each = 0; each < 5; each += 1) orders.push(await lived([], memberId));
  const ids = orders.map(({ orderId }) => orderId) as [string, string, string, string, string];
  await opened.query("update orders set placed_at = $2 where order_id = any($1)", [ids.slice(0, 3), soon]);
  await lived([]);
  const expected = [ids[4], ids[3], ids[2], ids[1], ids[0]];
  const page = async (after: { placedAt: Date; orderId: string } | undefined, most: number) =>
    (await store.ordersOf(memberId, { after, most })).map(({ orderId }) => orderId);
  expect(await page(undefined, 9)).toEqual(expected);
  expect(await page(undefined, 2)).toEqual(expected.slice(0, 2));
  for (const [index, id] of expected.entries()) {
    const after = (await store.order(id)) as PlacedOrder;
    expect(await page(after, 2)).toEqual(expected.slice(index + 1, index + 3));
  }
});

describe("a deadline", () => {
  test("is due from its moment on, the longest waiting first", async () => {
    await opened.query("update orders set due_at = null"); // Those of other tests.
    const orders = [
      await lived([]),
      await lived([stockHeld, benefitsHeld]),
      await lived([]),
      await lived([cancel]),
    ];
    const [late, later, inTime, ended] = orders.map(({ orderId }) => orderId) as [
      string,
      string,
      string,
      string,
    ];
    const due = "update orders set due_at = now() - $2::interval where order_id = $1";
    await opened.query(due, [late, "1 minute"]);
    await opened.query(due, [later, "1 hour"]);
    expect(await store.due(10)).toEqual([later, late]);
    expect(await store.due(1)).toEqual([later]);
    await opened.query("update orders set pending_until = now() where order_id = $1", [late]);
    const other = await opened.replica();
    const found = await store.due(10);
    const log = { error: (about: object) => expect(about).toBeUndefined() };
    await Promise.all([sweep(store, log), sweep(other, log)]);
    expect(await store.due(10)).toEqual([]);
    // A replica that slept over the end of its lease comes late with what it had found.
    for (const orderId of found) await other.handle({ type: "DeadlinePassed", orderId }, own);
    const statuses = await Promise.all([late, later, inTime, ended].map((id) => store.order(id)));
    expect(statuses.map(({ status }) => status)).toEqual(["cancelled", "cancelling", "pending", "cancelled"]);
    expect(await store.order(late)).toMatchObject({ reason: "SAGA_TIMEOUT", dueAt: undefined });
    expect(await store.order(later)).toMatchObject({ reason: "PAYMENT_EXPIRED", asked: 1 });
  });
});

describe("whoever watches an order", () => {
  /** How often each wait was ended by a wake-up so far. */
  function watched(orderId: string) {
    const wakeUp = store.wakeUps.on(orderId);
    const ending = new AbortController();
    const count = { wakeUps: 0 };
    const waiting = (async () => {
      for (;;) {
        await wakeUp.next(60_000, ending.signal);
        count.wakeUps += 1;
      }
    })().catch(() => wakeUp[Symbol.dispose]());
    return {
      count: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return count.wakeUps;
      },
      async [Symbol.asyncDispose]() {
        ending.abort();
        await waiting;
      },
    };
  }

  test("is woken by this replica's commits, and by those of others at the next look", async () => {
    const other = await opened.replica();
    const { orderId, memberId } = await lived([]);
    await using watch = watched(orderId);
    await store.handle(stockHeld(orderId, memberId), factCause());
    expect(await watch.count()).toBe(1);
    await store.lookAtWatched(); // The first look cannot know what was seen.
    const known = await watch.count();
    await store.lookAtWatched();
    expect(await watch.count()).toBe(known);
    await other.handle(benefitsHeld(orderId, memberId), factCause());
    expect(await watch.count()).toBe(known);
    await store.lookAtWatched();
    expect(await watch.count()).toBe(known + 1);
    await store.lookAtWatched();
    expect(await watch.count()).toBe(known + 1);
  });

  test("costs nothing while nobody does", async () => {
    expect(store.wakeUps.keys).toEqual([]);
    await store.lookAtWatched();
  });
});
