// The books of a run: what the SQL of each service reads for an auditor, read from memory.
import type { Books, ServiceBooks } from "@quadrille/audit";
import { type Service, services } from "@quadrille/contracts/events";
import type {
  Counts,
  MemberEntry,
  OrderEntry,
  OrderLedgerEntry,
  ProviderEntry,
  SharedPlaceEntry,
  UnitsOf,
  VariantEntry,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Account } from "./provider.ts";
import type { Databases } from "./stores.ts";

/** What remembers a run: the services and the provider. */
export interface Memories {
  readonly databases: Databases;
  readonly provider: { readonly accounts: ReadonlyMap<string, Account> };
}

interface Line {
  readonly variantId: string;
  readonly quantity: number;
}

const unitsOf = (lines: readonly Line[]): UnitsOf[] =>
  lines.map(({ variantId, quantity }) => ({ variantId, quantity: BigInt(quantity) }));

export function booksOf(world: Memories): Books {
  const orders = ordersOf(world);
  const payments = paymentsOf(world);
  const provider = providerOf(world);
  const own: Record<Service, Partial<ServiceBooks>> = {
    order: { orders },
    product: stockOf(world),
    member: benefitsOf(world),
    payment: { payments, provider },
  };
  const books = services.map((service) => [service, { ...messagesOf(world, service), ...own[service] }]);
  return Object.fromEntries(books) as Books;
}

const nothing = {
  orders: new Map(),
  stockHolds: new Map(),
  variants: new Map(),
  benefitHolds: new Map(),
  orderLedgers: new Map(),
  members: new Map(),
  payments: new Map(),
  provider: new Map(),
};

function messagesOf(world: Memories, service: Service): ServiceBooks {
  const database = world.databases[service];
  const told = new Map(
    [...database.outbox.rows.values()].map(({ envelope, placement }) => {
      const { id: factId, type, aggregateId, aggregateVersion, occurredAt } = envelope;
      const isPublished = placement !== undefined;
      return [factId, { factId, type, aggregateId, aggregateVersion, occurredAt, isPublished }];
    }),
  );
  const heard = new Map(
    [...database.inbox.values()].map(({ factId, stream }) => [factId, { factId, stream }]),
  );
  const parked = [...database.parked.values()].map(({ factId, error, state }) => ({ factId, error, state }));
  return {
    service,
    takenAt: database.now(),
    toldSince: undefined,
    heardSince: undefined,
    ...nothing,
    told,
    heard,
    parked,
    toldPlaces: sharedPlaces(
      [...database.outbox.rows.values()].flatMap(({ envelope, placement, publishedAtMs }) =>
        placement === undefined ? [] : [{ ...placement, factId: envelope.id, at: new Date(publishedAtMs) }],
      ),
    ),
  };
}

interface Claimed {
  readonly stream: string;
  readonly seq: bigint;
  readonly factId: string;
  readonly at: Date | undefined;
}

/** A place that means nothing any more is 0. */
function sharedPlaces(claims: readonly Claimed[]): SharedPlaceEntry[] {
  const places = new Map<string, SharedPlaceEntry>();
  for (const { stream, seq, factId, at } of claims) {
    if (seq <= 0n) continue;
    const place = places.get(`${stream} ${seq}`) ?? { stream, seq, factIds: [], claimedAt: at };
    place.factIds.push(factId);
    if (at !== undefined && (place.claimedAt === undefined || at > place.claimedAt)) place.claimedAt = at;
    places.set(`${stream} ${seq}`, place);
  }
  return [...places.values()].filter(({ factIds }) => factIds.length > 1);
}

function ordersOf({ databases }: Memories): ReadonlyMap<string, OrderEntry> {
  const entries = new Map<string, OrderEntry>();
  for (const [orderId, { state, version }] of databases.order.rows.orders) {
    // A row may only count what was told of an order nobody placed.
    if (state.status === "absent") entries.set(orderId, { ...unplaced, orderId, version });
    else {
      const { lines } = state;
      const linesTotal = lines.reduce((sum, line) => sum + line.unitPrice * BigInt(line.quantity), 0n);
      entries.set(orderId, { ...state, lines: unitsOf(lines), linesTotal, version });
    }
  }
  return entries;
}

const unplaced: Omit<OrderEntry, "orderId" | "version"> = {
  status: "absent",
  memberId: "",
  subtotal: 0n,
  points: 0n,
  amountDue: 0n,
  currency: "",
  lines: [],
  linesTotal: 0n,
  stock: "wanted",
  benefits: "unwanted",
  payment: "unasked",
  dueAt: undefined,
  placedAt: undefined,
};

/** Walks through a ledger as it was written: where everything is at the end, and the least there ever was. */
class Walk {
  readonly moved: Counts = { available: 0n, held: 0n, spent: 0n };
  readonly kept = { held: 0n, spent: 0n };
  lowest = 0n;

  step(from: string, to: string, amount: bigint): void {
    this.#add(from, -amount);
    this.#add(to, amount);
    const { available, held, spent } = this.moved;
    for (const count of [available, held, spent]) if (count < this.lowest) this.lowest = count;
  }

  #add(place: string, amount: bigint): void {
    if (place === "available") this.moved.available += amount;
    else if (place === "held") this.moved.held += amount;
    else if (place === "sold" || place === "spent") this.moved.spent += amount;
  }
}

function walkOf(walks: Map<string, Walk>, key: string): Walk {
  const walk = walks.get(key) ?? new Walk();
  walks.set(key, walk);
  return walk;
}

interface LedgerLine {
  readonly orderId: string | undefined;
  readonly of: string;
  readonly amount: bigint;
  readonly from: string;
  readonly to: string;
}

/** A walk for each order and what moved about it. */
function orderLedgersOf(lines: readonly LedgerLine[]): ReadonlyMap<string, OrderLedgerEntry> {
  const ledgers = new Map<string, Map<string, { readonly walk: Walk; taken: bigint }>>();
  for (const { orderId, of, amount, from, to } of lines) {
    if (orderId === undefined) continue;
    const sums = ledgers.get(orderId) ?? new Map();
    ledgers.set(orderId, sums);
    const sum = sums.get(of) ?? { walk: new Walk(), taken: 0n };
    sums.set(of, sum);
    sum.walk.step(from, to, amount);
    if (from === "available") sum.taken += amount;
  }
  const entries = [...ledgers].map(([orderId, sums]) => {
    const all = [...sums].map(([of, { walk, taken }]) => ({ of, moved: walk.moved, taken }));
    return [orderId, { orderId, sums: all }] as const;
  });
  return new Map(entries);
}

function stockOf({ databases: { product } }: Memories) {
  const walks = new Map<string, Walk>();
  for (const { entry } of product.entries)
    walkOf(walks, entry.variantId).step(entry.from, entry.to, BigInt(entry.quantity));
  const orderLedgers = orderLedgersOf(
    product.entries.map(({ entry }) => ({ ...entry, of: entry.variantId, amount: BigInt(entry.quantity) })),
  );
  const stockHolds: ServiceBooks["stockHolds"] = new Map(
    [...product.rows.holds].map(([orderId, { state, version }]) => {
      const { status, holdUntil } = state;
      const lines = unitsOf(state.lines);
      const [held, sold] = [status === "held" ? lines : [], status === "committed" ? lines : []];
      for (const line of held) walkOf(walks, line.variantId).kept.held += line.quantity;
      for (const line of sold) walkOf(walks, line.variantId).kept.spent += line.quantity;
      return [orderId, { orderId, status, held, sold, lines, version, holdUntil }];
    }),
  );
  const variants = new Map<string, VariantEntry>();
  for (const [variantId, { moved, kept, lowest }] of walks) {
    const state = product.read("variants", variantId);
    const { available, held, sold } = state.status === "listed" ? state : { available: 0, held: 0, sold: 0 };
    const counted = { available: BigInt(available), held: BigInt(held), spent: BigInt(sold) };
    variants.set(variantId, { variantId, counted, moved, lowest, keptHeld: kept.held, keptSold: kept.spent });
  }
  return { stockHolds, variants, orderLedgers };
}

function benefitsOf({ databases: { member } }: Memories) {
  const walks = new Map<string, Walk>();
  for (const { entry } of member.entries)
    walkOf(walks, entry.memberId).step(entry.from, entry.to, entry.points);
  const orderLedgers = orderLedgersOf(
    member.entries.map(({ entry }) => ({ ...entry, of: entry.memberId, amount: entry.points })),
  );
  const benefitHolds: ServiceBooks["benefitHolds"] = new Map(
    [...member.rows.holds].map(([orderId, { state, version }]) => {
      const { status, memberId, points, holdUntil } = state;
      if (status === "held") walkOf(walks, memberId).kept.held += points;
      if (status === "spent") walkOf(walks, memberId).kept.spent += points;
      return [orderId, { orderId, status, memberId, points, version, holdUntil }];
    }),
  );
  const members = new Map<string, MemberEntry>();
  for (const [memberId, { moved, kept, lowest }] of walks) {
    const state = member.read("members", memberId);
    const { available, held, spent } =
      state.status === "known" ? state : { available: 0n, held: 0n, spent: 0n };
    const counted = { available, held, spent };
    members.set(memberId, { memberId, counted, moved, lowest, keptHeld: kept.held, keptSpent: kept.spent });
  }
  return { benefitHolds, members, orderLedgers };
}

function paymentsOf({ databases: { payment } }: Memories): ServiceBooks["payments"] {
  const journaled = new Map(payment.entries.map(({ entry, at }) => [entry.orderId, at]));
  const byHand = new Set(
    payment.entries.flatMap(({ entry }) =>
      entry.type === "resolved" && entry.resolution === "REFUNDED" ? [entry.orderId] : [],
    ),
  );
  const entries = [...payment.rows.payments].flatMap(([orderId, { state, version }]) => {
    if (state.status === "absent") return [];
    const { status, memberId, amountDue, currency, captured, attempt, dueAt } = state;
    const [refunded = 0n, refunding = 0n] = ["done", "started"].map((wanted) =>
      state.refunds.reduce((sum, refund) => (refund.state === wanted ? sum + refund.amount : sum), 0n),
    );
    const about = { orderId, status, memberId, amountDue, currency, captured, refunded, refunding, version };
    const moments = { attemptStartedAt: attempt?.startedAt, dueAt, journaledAt: journaled.get(orderId) };
    const last = state.refunds.at(-1);
    const refused = last?.state === "refused" ? last.amount : 0n;
    const verdict = state.verdict?.type ?? "";
    const isRefundedByHand = byHand.has(orderId);
    return [[orderId, { ...about, ...moments, refused, verdict, isRefundedByHand }] as const];
  });
  return new Map(entries);
}

const untouched = { captured: 0n, captures: 0, refunded: 0n, refunds: 0, currency: "KRW", foreign: 0 };

/** By order, whatever keys it was paid with. */
function providerOf({ provider, databases: { payment } }: Memories): ReadonlyMap<string, ProviderEntry> {
  const entries = new Map<string, ProviderEntry>();
  for (const [key, { orderId, captures, refunded, refunds }] of provider.accounts) {
    if (captures.length === 0) continue;
    const entry = entries.get(orderId) ?? { orderId, ...untouched };
    const state = payment.read("payments", orderId);
    const ownKey = state.status === "absent" ? undefined : state.attempt?.paymentKey;
    if (ownKey !== undefined && ownKey !== key) entry.foreign += captures.length + refunds;
    entry.captured += captures.reduce((sum, { amount }) => sum + amount, 0n);
    entry.captures += captures.length;
    entry.refunded += refunded;
    entry.refunds += refunds;
    entries.set(orderId, entry);
  }
  return entries;
}
