// For tests of laws: the books of a small shop in which everything is in order. A test spoils one thing.
import { events, type Service, services, streamOf } from "@quadrille/contracts/events";
import type { ToldEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books } from "../books.ts";

type Open<T> =
  T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : T extends readonly (infer Each)[]
      ? Each[]
      : T extends Date | undefined
        ? T
        : T;
/** Books that a test may write into. */
export type OpenBooks = Record<
  Service,
  { -readonly [Kind in keyof Books[Service]]: Open<Books[Service][Kind]> }
>;

export const takenAt = new Date("2026-06-15T12:00:00Z");
/** Long enough ago that nothing of it is on its way. */
export const placedAt = new Date("2026-06-15T11:00:00Z");
export const holdUntil = new Date("2026-06-16T11:00:00Z");
const keptSince = new Date("2026-06-11T00:00:00Z");

let made = 0;
/** A UUIDv7 of that moment. */
export function idAt(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, "0");
  made += 1;
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${made.toString(16).padStart(12, "0")}`;
}

const empty = (service: Service): OpenBooks[Service] => ({
  service,
  takenAt,
  toldSince: keptSince,
  heardSince: keptSince,
  orders: new Map(),
  stockHolds: new Map(),
  variants: new Map(),
  benefitHolds: new Map(),
  orderLedgers: new Map(),
  members: new Map(),
  payments: new Map(),
  provider: new Map(),
  told: new Map(),
  heard: new Map(),
  parked: [],
  toldPlaces: [],
});

/** Tells a fact and lets everyone hear it. */
export function tell(
  books: OpenBooks,
  type: string,
  aggregateId: string,
  aggregateVersion: number,
  occurredAt: Date = placedAt,
): ToldEntry {
  const kind = Object.values(events).find((candidate) => candidate.type === type);
  if (kind === undefined) throw new Error(`${type} is in no catalogue`);
  const factId = idAt(occurredAt);
  const fact = { factId, type, aggregateId, aggregateVersion, occurredAt, isPublished: true };
  books[kind.teller].told.set(factId, fact);
  const stream = streamOf(kind.teller).name;
  for (const hearer of kind.heardBy) books[hearer].heard.set(factId, { factId, stream });
  return fact;
}

/** Lets a service tell this of an order, and nothing that it told before. */
export function retell(books: OpenBooks, orderId: string, ...types: readonly [string, ...string[]]): void {
  const teller = types[0].split(".")[0] as Service;
  for (const { factId, aggregateId } of books[teller].told.values()) {
    if (aggregateId !== orderId) continue;
    books[teller].told.delete(factId);
    for (const service of services) books[service].heard.delete(factId);
  }
  for (const [at, type] of types.entries()) tell(books, type, orderId, at + 1);
  const { orders, stockHolds, benefitHolds, payments } = books[teller];
  for (const entries of [orders, stockHolds, benefitHolds, payments])
    Object.assign(entries.get(orderId) ?? {}, { version: types.length });
}

/** The provider takes money. */
export function capture({ provider }: OpenBooks["payment"], orderId: string, captured: bigint): void {
  const account = { orderId, captured, captures: 1, refunded: 0n, refunds: 0, currency: "KRW", foreign: 0 };
  provider.set(orderId, account);
}

export const factOf = (books: OpenBooks, type: string, aggregateId: string): ToldEntry => {
  const teller = type.split(".")[0] as Service;
  const found = [...books[teller].told.values()].find(
    (fact) => fact.type === type && fact.aggregateId === aggregateId,
  );
  if (found === undefined) throw new Error(`nobody told ${type} of ${aggregateId}`);
  return found;
};

/** Ann bought two lamps for 900 and 100 points, order "sold"; and took back her wish for one, order "gone". */
export function openShop(): OpenBooks {
  const books = Object.fromEntries(services.map((service) => [service, empty(service)])) as OpenBooks;
  const lamps = (quantity: bigint) => [{ variantId: "lamp", quantity }];
  const money = { memberId: "ann", currency: "KRW", placedAt, dueAt: undefined };
  books.order.orders
    .set("sold", {
      ...money,
      orderId: "sold",
      status: "confirmed",
      subtotal: 1_000n,
      linesTotal: 1_000n,
      points: 100n,
      amountDue: 900n,
      lines: lamps(2n),
      stock: "committed",
      benefits: "spent",
      payment: "approved",
      version: 3,
    })
    .set("gone", {
      ...money,
      orderId: "gone",
      status: "cancelled",
      subtotal: 500n,
      linesTotal: 500n,
      points: 50n,
      amountDue: 450n,
      lines: lamps(1n),
      stock: "released",
      benefits: "released",
      payment: "voided",
      version: 2,
    });
  books.product.stockHolds
    .set("sold", {
      orderId: "sold",
      status: "committed",
      held: [],
      sold: lamps(2n),
      lines: lamps(2n),
      version: 2,
      holdUntil,
    })
    .set("gone", {
      orderId: "gone",
      status: "released",
      held: [],
      sold: [],
      lines: lamps(1n),
      version: 2,
      holdUntil,
    });
  const units = { available: 8n, held: 0n, spent: 2n };
  const lamp = { variantId: "lamp", counted: { ...units }, moved: { ...units }, lowest: 0n };
  books.product.variants.set("lamp", { ...lamp, keptHeld: 0n, keptSold: 2n });
  const benefit = { memberId: "ann", version: 2, holdUntil };
  books.member.benefitHolds
    .set("sold", { ...benefit, orderId: "sold", status: "spent", points: 100n })
    .set("gone", { ...benefit, orderId: "gone", status: "released", points: 50n });
  const owned = { available: 400n, held: 0n, spent: 100n };
  const ann = { memberId: "ann", counted: { ...owned }, moved: { ...owned }, lowest: 0n };
  books.member.members.set("ann", { ...ann, keptHeld: 0n, keptSpent: 100n });
  keepLedger(books.product, "lamp", { sold: 2n, gone: 1n });
  keepLedger(books.member, "ann", { sold: 100n, gone: 50n });
  const nothingAsked = {
    dueAt: undefined,
    isRefundedByHand: false,
    refunded: 0n,
    refunding: 0n,
    refused: 0n,
    currency: "KRW",
  };
  books.payment.payments
    .set("sold", {
      ...nothingAsked,
      orderId: "sold",
      status: "approved",
      verdict: "payment.approved",
      memberId: "ann",
      amountDue: 900n,
      captured: 900n,
      version: 2,
      attemptStartedAt: placedAt,
      journaledAt: placedAt,
    })
    .set("gone", {
      ...nothingAsked,
      orderId: "gone",
      status: "voided",
      verdict: "payment.voided",
      memberId: "ann",
      amountDue: 0n,
      captured: 0n,
      version: 1,
      attemptStartedAt: undefined,
      journaledAt: undefined,
    });
  capture(books.payment, "sold", 900n);
  tellAll(books);
  return books;
}

/** One order was held and sold, the other held and let go. */
function keepLedger(
  { orderLedgers }: OpenBooks[Service],
  of: string,
  { sold, gone }: Readonly<Record<"sold" | "gone", bigint>>,
): void {
  const moved = { available: -sold, held: 0n, spent: sold };
  const nothing = { available: 0n, held: 0n, spent: 0n };
  orderLedgers
    ?.set("sold", { orderId: "sold", sums: [{ of, moved, taken: sold }] })
    .set("gone", { orderId: "gone", sums: [{ of, moved: nothing, taken: gone }] });
}

function tellAll(books: OpenBooks): void {
  const told = [
    ["sold", "order.placed", "order.payable", "order.confirmed"],
    ["sold", "product.stock_held", "product.stock_committed"],
    ["sold", "member.benefits_held", "member.benefits_spent"],
    ["sold", "payment.opened", "payment.approved"],
    ["gone", "order.placed", "order.cancelled"],
    ["gone", "product.stock_held", "product.stock_released"],
    ["gone", "member.benefits_held", "member.benefits_released"],
    ["gone", "payment.voided"],
  ] as const;
  for (const [id, ...types] of told) for (const [at, type] of types.entries()) tell(books, type, id, at + 1);
}

/** An entry that is there, to be spoilt. */
export function entry<Entry>(
  entries: Map<string, Entry>,
  id: string,
): { -readonly [Field in keyof Entry]: Entry[Field] } {
  const found = entries.get(id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
}
