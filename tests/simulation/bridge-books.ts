// The auditor's books of a replay: what SQL reads out of the rows is what the simulation's laws were held to.
import { collect, type ServiceBooks } from "@quadrille/audit";
import { type Service, services } from "@quadrille/contracts/events";
import {
  BenefitHoldEntry,
  HeardEntry,
  MemberEntry,
  OrderEntry,
  PaymentEntry,
  StockHoldEntry,
  ToldEntry,
  VariantEntry,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { benefitBooks } from "@quadrille/member/benefits.books";
import { orderBooks } from "@quadrille/order/order.books";
import type { BookPage } from "@quadrille/outbox/books";
import { paymentBooks } from "@quadrille/payment/payment.books";
import { stockBooks } from "@quadrille/product/stock.books";
import { booksOf } from "./books.ts";
import type { History } from "./bridge-recording.ts";
import type { Bridge } from "./bridge-replay.ts";
import { differences, type Snapshot, texts } from "./bridge-snapshot.ts";
import type { Databases } from "./stores.ts";

/** No history has a provider's account: what the provider did stands in no database. */
const noProvider = { accounts: new Map(), async *transactions() {} };

const pages: Readonly<Record<Service, (database: { readonly url: string }) => AsyncIterable<BookPage>>> = {
  order: orderBooks,
  product: stockBooks,
  member: benefitBooks,
  payment: (database) => paymentBooks(database, noProvider),
};

/** Of databases that were replayed. */
export async function bookDifferences(
  bridge: Bridge,
  histories: Readonly<Record<Service, History>>,
): Promise<readonly string[]> {
  const databases = Object.fromEntries(services.map((service) => [service, histories[service].database]));
  const inMemory = booksOf({ databases: databases as unknown as Databases, provider: noProvider });
  const found = await Promise.all(
    services.map(async (service) => {
      const inSql = await collect(pages[service]({ url: bridge[service].url }));
      const all = differences(entriesIn(inMemory[service]), entriesIn(inSql));
      return all.map((difference) => `${service}'s book of ${difference}`);
    }),
  );
  return found.flat();
}

/** As an auditor is told: by the wire's own words, so without what only one side happens to know. */
const words: { readonly [Name in keyof ServiceBooks]?: { toJSON(entry: never): unknown } } = {
  orders: OrderEntry,
  stockHolds: StockHoldEntry,
  variants: VariantEntry,
  benefitHolds: BenefitHoldEntry,
  members: MemberEntry,
  payments: PaymentEntry,
  heard: HeardEntry,
  told: ToldEntry,
};

/** A replay publishes nothing, so whether a fact was published is left out. */
function entriesIn(books: ServiceBooks): Snapshot {
  const told = new Map([...books.told].map(([id, fact]) => [id, { ...fact, isPublished: false }]));
  const all = { ...books, told };
  return new Map(
    Object.entries(words).map(([name, { toJSON }]) => {
      const entries = [...(all[name as keyof typeof words] as ReadonlyMap<string, never>)];
      return [name, texts(entries.map(([key, entry]) => [key, toJSON(entry)]))];
    }),
  );
}
