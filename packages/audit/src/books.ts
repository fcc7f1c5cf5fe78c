// What every service remembers, side by side: what the laws are about.
import { type Service, services } from "@quadrille/contracts/events";
import type {
  BenefitHoldEntry,
  HeardEntry,
  MemberEntry,
  OrderEntry,
  OrderLedgerEntry,
  ParkedEntry,
  PaymentEntry,
  ProviderEntry,
  ReadBooksResponse,
  SharedPlaceEntry,
  StockHoldEntry,
  ToldEntry,
  VariantEntry,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";

/** One service's memory at one moment; what is not its own is empty. Entries by their ids. */
export interface ServiceBooks {
  readonly service: Service;
  /** By the database's clock. */
  readonly takenAt: Date;
  /** Facts told, or heard, before that may have been dropped; undefined when none was. */
  readonly toldSince: Date | undefined;
  readonly heardSince: Date | undefined;
  readonly orders: ReadonlyMap<string, OrderEntry>;
  readonly stockHolds: ReadonlyMap<string, StockHoldEntry>;
  readonly variants: ReadonlyMap<string, VariantEntry>;
  readonly benefitHolds: ReadonlyMap<string, BenefitHoldEntry>;
  /** What the ledger says about each order; undefined where whoever reads keeps none. */
  readonly orderLedgers: ReadonlyMap<string, OrderLedgerEntry> | undefined;
  readonly members: ReadonlyMap<string, MemberEntry>;
  readonly payments: ReadonlyMap<string, PaymentEntry>;
  /** By order id. */
  readonly provider: ReadonlyMap<string, ProviderEntry>;
  readonly told: ReadonlyMap<string, ToldEntry>;
  readonly heard: ReadonlyMap<string, HeardEntry>;
  /** A fact may be parked by several durables. */
  readonly parked: readonly ParkedEntry[];
  /** Places that several facts claim; heard ones only of streams that were never lost. */
  readonly toldPlaces: readonly SharedPlaceEntry[];
}

/** Kept in memory whole, at about 8 KB an order: some 260,000 orders fill the heap that Node takes by default. */
export type Books = Readonly<Record<Service, ServiceBooks>>;

/** Puts a service's pages together. Throws when they do not begin with the snapshot they are out of. */
export async function collect(pages: AsyncIterable<Partial<ReadBooksResponse>>): Promise<ServiceBooks> {
  const books = emptyBooks();
  let about: Pick<ServiceBooks, "service" | "takenAt" | "toldSince" | "heardSince"> | undefined;
  for await (const page of pages) {
    const { snapshot } = page;
    if (snapshot !== undefined) {
      const service = services.find((name) => name === snapshot.service);
      const { takenAt, toldSince, heardSince } = snapshot;
      if (service === undefined || takenAt === undefined)
        throw new Error(`books of nobody, or of no time: ${snapshot.service}`);
      about = { service, takenAt, toldSince, heardSince };
    }
    for (const entry of page.orders ?? []) books.orders.set(entry.orderId, entry);
    for (const entry of page.stockHolds ?? []) books.stockHolds.set(entry.orderId, entry);
    for (const entry of page.variants ?? []) books.variants.set(entry.variantId, entry);
    for (const entry of page.benefitHolds ?? []) books.benefitHolds.set(entry.orderId, entry);
    for (const entry of page.members ?? []) books.members.set(entry.memberId, entry);
    for (const entry of page.payments ?? []) books.payments.set(entry.orderId, entry);
    for (const entry of page.provider ?? []) books.provider.set(entry.orderId, entry);
    for (const entry of page.told ?? []) books.told.set(entry.factId, entry);
    for (const entry of page.heard ?? []) books.heard.set(entry.factId, entry);
    for (const entry of page.orderLedgers ?? []) books.orderLedgers.set(entry.orderId, entry);
    books.parked.push(...(page.parked ?? []));
    books.toldPlaces.push(...(page.toldPlaces ?? []));
  }
  if (about === undefined) throw new Error("books without a snapshot");
  return { ...about, ...books };
}

const emptyBooks = () => ({
  orders: new Map<string, OrderEntry>(),
  stockHolds: new Map<string, StockHoldEntry>(),
  variants: new Map<string, VariantEntry>(),
  benefitHolds: new Map<string, BenefitHoldEntry>(),
  members: new Map<string, MemberEntry>(),
  payments: new Map<string, PaymentEntry>(),
  provider: new Map<string, ProviderEntry>(),
  told: new Map<string, ToldEntry>(),
  heard: new Map<string, HeardEntry>(),
  orderLedgers: new Map<string, OrderLedgerEntry>(),
  parked: [] as ParkedEntry[],
  toldPlaces: [] as SharedPlaceEntry[],
});

/** Asks all four at once and waits for the last. */
export async function gather(
  pagesOf: (service: Service) => AsyncIterable<Partial<ReadBooksResponse>>,
): Promise<Books> {
  const read = async (service: Service) => {
    const books = await collect(pagesOf(service));
    if (books.service !== service) throw new Error(`${books.service} answered in the place of ${service}`);
    return [service, books] as const;
  };
  return Object.fromEntries(await Promise.all(services.map(read))) as Books;
}
