// Carts and orders as rows, and a way to wait until an order changes.
import { defineEntity, type EntityManager, p } from "@mikro-orm/postgresql";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { type DatabaseConfig, openStore } from "@quadrille/outbox";
import { aggregate, guarded, type RowOf, table } from "@quadrille/outbox/tables";
import { WakeUps } from "@quadrille/outbox/wake-ups";
import DataLoader from "dataloader";
import { type Cart, emptyCart, type WantedLine } from "./cart.ts";
import { ordering } from "./decider.ts";
import type { Change } from "./order.evolve.ts";
import { absentOrder, type Order, type PlacedOrder } from "./order.ts";

const CartSchema = defineEntity({
  name: "Cart",
  tableName: "carts",
  properties: {
    memberId: p.string().primary(),
    lines: p.json<readonly WantedLine[]>(),
    cartVersion: p.integer(),
    ...guarded,
  },
});
export class CartRow extends CartSchema.class {}
CartSchema.setClass(CartRow);

interface StoredLine {
  readonly variantId: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly title: string;
}
type StoredChange = Omit<Change, "at"> & { readonly at: string };

const OrderSchema = defineEntity({
  name: "Order",
  tableName: "orders",
  properties: {
    orderId: p.string().primary(),
    status: p.string().$type<Order["status"]>(),
    memberId: p.string(),
    requestHash: p.string(),
    lines: p.json<readonly StoredLine[]>(),
    subtotal: p.bigint("bigint"),
    points: p.bigint("bigint"),
    amountDue: p.bigint("bigint"),
    currency: p.string(),
    method: p.string().$type<PaymentMethod>(),
    placedAt: p.datetime(),
    pendingUntil: p.datetime(),
    holdUntil: p.datetime(),
    payWithinSeconds: p.integer(),
    payBy: p.datetime().nullable(),
    heldUntil: p.datetime().nullable(),
    stock: p.string().$type<PlacedOrder["stock"]>(),
    benefits: p.string().$type<PlacedOrder["benefits"]>(),
    payment: p.string().$type<PlacedOrder["payment"]>(),
    reason: p.string().$type<NonNullable<PlacedOrder["reason"]>>().nullable(),
    wasConfirmed: p.boolean(),
    dueAt: p.datetime().nullable(),
    asked: p.integer(),
    history: p.json<readonly StoredChange[]>(),
    ...aggregate,
  },
});
export class OrderRow extends OrderSchema.class {}
OrderSchema.setClass(OrderRow);

/** Where a page of a member's orders begins: after this order, towards older ones. */
export interface OlderThan {
  readonly placedAt: Date;
  readonly orderId: string;
}
/** Orders that share a query, at most. */
const readTogetherMost = 256;

export type OrderStore = Awaited<ReturnType<typeof openOrderStore>>;

/** `most` is how many inputs share a transaction; `newId` gives the facts their ids, unless the process makes them. */
export async function openOrderStore({
  database,
  most,
  newId,
}: {
  readonly database: DatabaseConfig;
  readonly most: number;
  readonly newId?: (() => string) | undefined;
}) {
  const store = await openStore({
    database,
    decider: ordering,
    aggregates: "orders",
    most,
    newId,
    // Rows are locked in this order.
    tables: {
      carts: table(CartRow, {
        key: "memberId",
        toRow: ({ lines, version }: Cart, memberId) => ({ memberId, lines, cartVersion: version }),
        fromRow: ({ lines, cartVersion }): Cart => ({ lines, version: cartVersion }),
        isAbsent: (cart) => cart.version === 0,
      }),
      orders: table(OrderRow, {
        key: "orderId",
        toRow: (order: Order, orderId) =>
          toRow(order.status === "absent" ? { ...blank, orderId } : order, order.status),
        fromRow,
        isAbsent: (order) => order.status === "absent",
      }),
    },
  });
  const wakeUps = new WakeUps();
  const seen = new Map<string, number>();
  store.onCommit(({ changed }) => {
    for (const orderId of changed) wakeUps.wake(orderId);
  });
  // A commit wakes the watchers of every order it changed: what they ask for in the same turn is one query.
  const orders = new DataLoader<string, Order>(
    async (orderIds) => {
      const found = await store.read((em) => em.find(OrderRow, { orderId: { $in: [...orderIds] } }));
      const byId = new Map(found.map((row) => [row.orderId, fromRow(row)]));
      return orderIds.map((orderId) => byId.get(orderId) ?? absentOrder);
    },
    { maxBatchSize: readTogetherMost, cache: false },
  );
  return Object.assign(store, {
    wakeUps,
    async cart(memberId: string): Promise<Cart> {
      const found = await store.read((em) => em.findOne(CartRow, { memberId }));
      return found === null ? emptyCart : { lines: found.lines, version: found.cartVersion };
    },
    order: (orderId: string): Promise<Order> => orders.load(orderId),
    /** A member's orders, newest first. */
    async ordersOf(
      memberId: string,
      page: { readonly after: OlderThan | undefined; readonly most: number },
    ): Promise<PlacedOrder[]> {
      const { after } = page;
      const older =
        after === undefined
          ? {}
          : {
              $or: [
                { placedAt: { $lt: after.placedAt } },
                { placedAt: after.placedAt, orderId: { $lt: after.orderId } },
              ],
            };
      const found = await store.read((em) =>
        em.find(
          OrderRow,
          { memberId, status: { $ne: "absent" }, ...older },
          { orderBy: { placedAt: "desc", orderId: "desc" }, limit: page.most },
        ),
      );
      return found.map(toPlaced);
    },
    /** Orders whose time has come, the longest waiting first. */
    async due(most: number): Promise<string[]> {
      const rows = await store.read((em) =>
        em
          .getConnection()
          .execute<{ order_id: string }[]>(
            "select order_id from orders where due_at <= clock_timestamp() order by due_at limit ?",
            [most],
          ),
      );
      return rows.map((row) => row.order_id);
    },
    /** Looks at every watched order at once and wakes those another replica changed. */
    async lookAtWatched(): Promise<void> {
      const rows = wakeUps.keys.length === 0 ? [] : await store.read((em) => revisions(em, wakeUps.keys));
      const before = new Map(seen);
      seen.clear();
      for (const { orderId, revision } of rows) {
        seen.set(orderId, revision);
        if (before.get(orderId) !== revision) wakeUps.wake(orderId);
      }
    },
  });
}

async function revisions(em: EntityManager, orderIds: readonly string[]) {
  const rows = await em
    .getConnection()
    .execute<{ order_id: string; revision: number }[]>(
      "select order_id, revision from orders where order_id = any(?::text[])",
      [`{${orderIds.join(",")}}`],
    );
  return rows.map(({ order_id: orderId, revision }) => ({ orderId, revision }));
}

const never = new Date(0);

/** What a row holds whose order is not there: it is locked while somebody decides whether it will be. */
const blank: PlacedOrder = {
  status: "pending",
  orderId: "",
  memberId: "",
  requestHash: "",
  lines: [],
  subtotal: 0n,
  points: 0n,
  amountDue: 0n,
  currency: "",
  method: "PAYMENT_METHOD_UNSPECIFIED",
  placedAt: never,
  pendingUntil: never,
  holdUntil: never,
  payWithinSeconds: 0,
  payBy: undefined,
  heldUntil: undefined,
  stock: "wanted",
  benefits: "unwanted",
  payment: "unasked",
  reason: undefined,
  wasConfirmed: false,
  dueAt: undefined,
  asked: 0,
  history: [],
};

function toRow(order: PlacedOrder, status: Order["status"]): RowOf<typeof OrderRow> {
  return {
    ...order,
    status,
    lines: order.lines.map((line) => ({ ...line, unitPrice: `${line.unitPrice}` })),
    payBy: order.payBy ?? null,
    heldUntil: order.heldUntil ?? null,
    reason: order.reason ?? null,
    dueAt: order.dueAt ?? null,
    history: order.history.map((change) => ({ ...change, at: change.at.toISOString() })),
  };
}

export function fromRow(found: RowOf<typeof OrderRow>): Order {
  return found.status === "absent" ? absentOrder : toPlaced(found);
}

function toPlaced(found: RowOf<typeof OrderRow>): PlacedOrder {
  const { orderId, memberId, requestHash, subtotal, points, amountDue, currency, method } = found;
  const {
    placedAt,
    pendingUntil,
    holdUntil,
    payWithinSeconds,
    stock,
    benefits,
    payment,
    wasConfirmed,
    asked,
  } = found;
  return {
    status: found.status as PlacedOrder["status"],
    orderId,
    memberId,
    requestHash,
    lines: found.lines.map((line) => ({ ...line, unitPrice: BigInt(line.unitPrice) })),
    subtotal,
    points,
    amountDue,
    currency,
    method,
    placedAt,
    pendingUntil,
    holdUntil,
    payWithinSeconds,
    payBy: found.payBy ?? undefined,
    heldUntil: found.heldUntil ?? undefined,
    stock,
    benefits,
    payment,
    reason: found.reason ?? undefined,
    wasConfirmed,
    dueAt: found.dueAt ?? undefined,
    asked,
    history: found.history.map((change) => ({ ...change, at: new Date(change.at) })),
  };
}
