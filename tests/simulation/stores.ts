// The four services' stores over memory: the real group and decisions, and every question the SQL stores answer.

import type { Fact } from "@quadrille/decider";
import { type BenefitTables, benefits, type Transfer } from "@quadrille/member/benefits";
import type { BenefitStore } from "@quadrille/member/benefits.store";
import { emptyCart } from "@quadrille/order/cart";
import { type OrderTables, ordering } from "@quadrille/order/decider";
import { absentOrder, type PlacedOrder } from "@quadrille/order/order";
import type { OrderStore } from "@quadrille/order/order.store";
import { MemoryDatabase as Memory, type MemoryOptions } from "@quadrille/outbox/memory";
import type { MemoryConnection } from "@quadrille/outbox/memory-connection";
import {
  type DecisionOptions,
  type Store,
  type Ground as StoreGround,
  storeOn,
} from "@quadrille/outbox/store";
import { WakeUps } from "@quadrille/outbox/wake-ups";
import { type Entry, type PaymentTables, payments } from "@quadrille/payment/payment";
import type { PaymentStore } from "@quadrille/payment/payment.store";
import { type Movement, type StockTables, stock } from "@quadrille/product/stock";
import type { StockStore } from "@quadrille/product/stock.store";
import type { Recorded, Recording } from "./bridge-recording.ts";
import type { Die } from "./die.ts";
import type { Process } from "./process.ts";
import type { Spoil } from "./world.ts";

/** What every database of a world is told. */
export type Ground = Pick<MemoryOptions<never>, "clock" | "fault" | "latencyMs">;

/** What a replica's store is opened with. */
export interface Opening {
  readonly process: Process;
  readonly spoil: Spoil | undefined;
  readonly recording: Recording | undefined;
  readonly newId: () => string;
}

/** Inputs that share a transaction, at most. */
const most = 64;

const absent = (state: { readonly status: string }) => state.status === "absent";

export const databases = {
  order: (ground: Ground) =>
    new Memory<OrderTables>({
      ...ground,
      initial: ordering.initial,
      aggregates: "orders",
      isAbsent: { carts: (cart) => cart.version === 0, orders: absent },
    }),
  product: (ground: Ground) =>
    new Memory<StockTables, Movement>({
      ...ground,
      initial: stock.initial,
      aggregates: "holds",
      isAbsent: { holds: absent, variants: absent },
    }),
  member: (ground: Ground) =>
    new Memory<BenefitTables, Transfer>({
      ...ground,
      initial: benefits.initial,
      aggregates: "holds",
      isAbsent: { holds: absent, members: absent },
    }),
  payment: (ground: Ground) =>
    new Memory<PaymentTables, Entry>({
      ...ground,
      initial: payments.initial,
      aggregates: "payments",
      isAbsent: { payments: absent },
    }),
};

export type Databases = { readonly [S in keyof typeof databases]: ReturnType<(typeof databases)[S]> };

/** What a store stands on: a connection, as it is unless a test wants it otherwise. */
function on<Tables, Entry>(
  connection: MemoryConnection<Tables, Entry>,
  { spoil }: Opening,
): StoreGround<Tables, Entry> {
  if (spoil === undefined) return connection;
  return {
    ...connection,
    transactions: spoil(connection),
    isReady: () => connection.isReady(),
    close: () => connection.close(),
  };
}

/** The group and the decisions in front of a connection; written down if the run is to be replayed over SQL. */
function deciding<Tables, Input, F extends Fact, Entry>(
  about: Recorded<Tables, Entry>,
  connection: MemoryConnection<Tables, Entry>,
  opening: Opening,
  decisions: DecisionOptions<Tables, Input, F, Entry>,
): Store<Tables, Input> {
  const { recording, process, newId } = opening;
  const ground = on(connection, opening);
  const options = { ...decisions, most, newId };
  return recording === undefined
    ? storeOn(ground, options)
    : recording.storeOn(about, process.name, ground, options);
}

/** There is no EntityManager over memory, so nothing may ask for one. */
const read = () => Promise.reject(new Error("these rows are not in PostgreSQL"));

/** A read of a process that is dead answers nobody. */
function asking({ process }: Opening) {
  return async <T>(look: () => T): Promise<T> => {
    await process.ready();
    return look();
  };
}

/** The rows of a table with their keys, those that `since` gives a moment for alone, the earliest first. */
function dueBy<State>(
  rows: ReadonlyMap<string, { readonly state: State }>,
  since: (state: State) => Date | undefined,
  nowMs: number,
  atMost: number,
): { readonly key: string; readonly state: State; readonly sinceMs: number }[] {
  const found: { key: string; state: State; sinceMs: number }[] = [];
  for (const [key, { state }] of rows) {
    const sinceMs = since(state)?.getTime();
    if (sinceMs !== undefined && sinceMs <= nowMs) found.push({ key, state, sinceMs });
  }
  return found.sort((one, other) => one.sinceMs - other.sinceMs).slice(0, atMost);
}

/** When a sweeper has to look at a row; undefined if never. */
export const due = {
  order: (state: OrderTables["orders"]) => (state.status === "absent" ? undefined : state.dueAt),
  hold: (state: StockTables["holds"] | BenefitTables["holds"]) =>
    state.status === "held" ? state.holdUntil : undefined,
  overdue: (state: PaymentTables["payments"]) => {
    if (state.status === "ready") return state.payBy;
    return state.status === "confirming" ? state.dueAt : undefined;
  },
  asking: (state: PaymentTables["payments"]) => (state.status === "absent" ? undefined : state.dueAt),
};

/** What the sweepers of a service ask, answered in one moment. */
export const questions = {
  order: (database: Databases["order"]) => ({
    due: (atMost: number) =>
      dueBy(database.rows.orders, due.order, database.now().getTime(), atMost).map(({ key }) => key),
  }),
  product: (database: Databases["product"]) => ({
    expired: (atMost: number) =>
      dueBy(database.rows.holds, due.hold, database.now().getTime(), atMost).map(({ key, state }) => ({
        orderId: key,
        variantIds: state.lines.map((line) => line.variantId),
      })),
  }),
  member: (database: Databases["member"]) => ({
    expired: (atMost: number) =>
      dueBy(database.rows.holds, due.hold, database.now().getTime(), atMost).map(({ key, state }) => ({
        orderId: key,
        memberId: state.memberId,
      })),
  }),
  payment: (database: Databases["payment"]) => {
    const { payments: rows } = database.rows;
    const nowMs = () => database.now().getTime();
    const keys = (found: readonly { readonly key: string }[]) => found.map(({ key }) => key);
    const isFree = (state: PaymentTables["payments"]) =>
      state.status !== "absent" && (state.leasedUntil === undefined || state.leasedUntil <= database.now());
    return {
      overdue: (atMost: number) => keys(dueBy(rows, due.overdue, nowMs(), atMost)),
      due: (atMost: number) => keys(dueBy(rows, due.asking, nowMs(), atMost)),
      /** The longest waiting first; the store begins anywhere. */
      waiting: (atMost: number) =>
        keys(
          dueBy(rows, due.asking, Number.POSITIVE_INFINITY, rows.size).filter(({ state }) => isFree(state)),
        ).slice(0, atMost),
    };
  },
};

export function orderStore(
  database: Databases["order"],
  connection: MemoryConnection<OrderTables, never>,
  opening: Opening,
): OrderStore {
  const asked = questions.order(database);
  const about = { service: "order", database, questions: asked } as const;
  const store = deciding(about, connection, opening, { decider: ordering, aggregates: "orders" });
  const ask = asking(opening);
  const { orders } = database.rows;
  const placed = () =>
    [...orders.values()].flatMap(({ state }): PlacedOrder[] => (state.status === "absent" ? [] : [state]));
  return Object.assign(store, {
    read,
    wakeUps: wakingUps(store, opening),
    cart: (memberId: string) => ask(() => database.rowOf("carts", memberId)?.state ?? emptyCart),
    order: (orderId: string) => ask(() => database.rowOf("orders", orderId)?.state ?? absentOrder),
    ordersOf: (memberId: string) => ask(() => placed().filter((order) => order.memberId === memberId)),
    due: (atMost: number) => ask(() => asked.due(atMost)),
    lookAtWatched: async () => undefined,
  });
}

export function stockStore(
  database: Databases["product"],
  connection: MemoryConnection<StockTables, Movement>,
  opening: Opening,
): StockStore {
  const asked = questions.product(database);
  const about = { service: "product", database, questions: asked } as const;
  const store = deciding(about, connection, opening, { decider: stock, aggregates: "holds" });
  const ask = asking(opening);
  const { variants } = database.rows;
  const listed = () =>
    [...variants].flatMap(([variantId, { state }]) =>
      state.status === "listed" ? [{ variantId, ...state }] : [],
    );
  return Object.assign(store, {
    read,
    expired: (atMost: number) => ask(() => asked.expired(atMost)),
    variants: (ids: readonly string[]) =>
      ask(() => listed().filter(({ variantId }) => ids.includes(variantId))),
    search: () => ask(listed),
  });
}

export function benefitStore(
  database: Databases["member"],
  connection: MemoryConnection<BenefitTables, Transfer>,
  opening: Opening,
): BenefitStore {
  const asked = questions.member(database);
  const about = { service: "member", database, questions: asked } as const;
  const store = deciding(about, connection, opening, { decider: benefits, aggregates: "holds" });
  const ask = asking(opening);
  return Object.assign(store, {
    read,
    expired: (atMost: number) => ask(() => asked.expired(atMost)),
    member: (memberId: string) =>
      ask(() => {
        const found = database.rowOf("members", memberId)?.state;
        return found?.status === "known" ? found : undefined;
      }),
    transfers: () => ask(() => []),
  });
}

export function paymentStore(
  database: Databases["payment"],
  connection: MemoryConnection<PaymentTables, Entry>,
  opening: Opening & { readonly die: Die },
): PaymentStore {
  const asked = questions.payment(database);
  const about = { service: "payment", database, questions: asked } as const;
  const store = deciding(about, connection, opening, { decider: payments, aggregates: "payments" });
  const ask = asking(opening);
  return Object.assign(store, {
    read,
    wakeUps: wakingUps(store, opening),
    overdue: (atMost: number) => ask(() => asked.overdue(atMost)),
    due: (atMost: number) => ask(() => asked.due(atMost)),
    waiting: (atMost: number) =>
      ask(() => {
        const free = asked.waiting(Number.POSITIVE_INFINITY);
        const from = opening.die.below(Math.max(1, free.length));
        return [...free.slice(from), ...free.slice(0, from)].slice(0, atMost);
      }),
    stuck: () => ask(() => []),
    payment: (orderId: string) => ask(() => database.read("payments", orderId)),
  });
}

function wakingUps<Tables, Input>(store: Store<Tables, Input>, { process }: Opening): WakeUps {
  const wakeUps = new WakeUps(process.clock);
  store.onCommit(({ changed }) => {
    for (const orderId of changed) wakeUps.wake(orderId);
  });
  return wakeUps;
}
