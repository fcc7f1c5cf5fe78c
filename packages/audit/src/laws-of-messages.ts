// What must hold of facts: each was published and heard by everyone it is for, nothing was heard that nobody told,
// every change of an order, hold or payment has its number, and nothing waits for ever.
import { events, type Service, services, streamOf } from "@quadrille/contracts/events";
import type { ToldEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books, ServiceBooks } from "./books.ts";
import { isYoung, type Law, type Say, type Terms } from "./law.ts";

interface Kind {
  readonly teller: Service;
  readonly heardBy: readonly Service[];
}
const kinds: ReadonlyMap<string, Kind> = new Map(Object.values(events).map((kind) => [kind.type, kind]));
const tellers: ReadonlyMap<string, Service> = new Map(services.map((name) => [streamOf(name).name, name]));

export const messages: Law = {
  id: "I8",
  title: "each fact told is published, and heard by all it is for; no other is",
  compares: "facts told and heard",
  isAcross: true,
  check(books, say, terms) {
    let compared = 0;
    const parkedBy = new Map(services.map((hearer) => [hearer, endedIn(books[hearer])]));
    for (const teller of services) {
      for (const fact of books[teller].told.values()) {
        compared += 1;
        toldInOrder(books, teller, fact, say, terms);
        for (const hearer of kinds.get(fact.type)?.heardBy ?? []) {
          const { heard, heardSince } = books[hearer];
          const isExcused =
            parkedBy.get(hearer)?.has(fact.factId) ||
            isBefore(fact.occurredAt, heardSince) ||
            isYoung(fact.occurredAt, books, hearer, terms);
          if (!heard.has(fact.factId) && !isExcused)
            say(fact.factId, `${hearer} did not hear ${fact.type} ${fact.factId} of ${fact.aggregateId}`);
        }
      }
    }
    for (const hearer of services) {
      compared += books[hearer].heard.size;
      nothingUntold(books, hearer, say, terms);
      for (const { factId, error, state } of books[hearer].parked)
        if (state === "PARKED") say(factId, `${hearer} parked ${factId}: ${error}`);
    }
    return compared;
  },
};

/** Facts that a person may have ended unheard; those that still wait are findings of their own. */
const endedIn = ({ parked }: ServiceBooks): ReadonlySet<string> =>
  new Set(parked.map(({ factId }) => factId));

function toldInOrder(books: Books, teller: Service, fact: ToldEntry, say: Say, terms: Terms): void {
  const { factId: id, type } = fact;
  if (kinds.get(type)?.teller !== teller)
    say(id, `${teller} told ${type} ${id}, which is not for it to tell`);
  if (!fact.isPublished && !isYoung(fact.occurredAt, books, teller, terms))
    say(id, `${teller} did not publish ${type} ${id} of ${fact.aggregateId}`);
  for (const other of services)
    if (other > teller && books[other].told.has(id)) say(id, `${teller} and ${other} both told ${id}`);
}

function nothingUntold(books: Books, hearer: Service, say: Say, terms: Terms): void {
  for (const { factId: id, stream } of books[hearer].heard.values()) {
    const teller = tellers.get(stream);
    if (teller === undefined) {
      say(id, `${hearer} heard ${id} in ${stream}, where nobody tells anything`);
      continue;
    }
    const fact = books[teller].told.get(id);
    if (fact !== undefined) {
      if (!kinds.get(fact.type)?.heardBy.includes(hearer))
        say(id, `${hearer} heard ${fact.type} ${id}, which is not for it`);
      continue;
    }
    const at = timeIn(id);
    if (!isBefore(at, books[teller].toldSince) && !isYoung(at, books, teller, terms))
      say(id, `${hearer} heard ${id} of ${teller}, which nobody told`);
  }
}

export const versions: Law = {
  id: "I10",
  title: "each order, hold and payment numbers its facts 1, 2, 3 … to its own version",
  compares: "orders, holds and payments",
  isAcross: false,
  check(books, say) {
    let compared = 0;
    for (const service of services) {
      const aggregates = aggregatesIn(books[service]);
      compared += aggregates.size;
      const told = new Map<string, number[]>();
      for (const { aggregateId, aggregateVersion } of books[service].told.values()) {
        const numbers = told.get(aggregateId);
        if (numbers === undefined) told.set(aggregateId, [aggregateVersion]);
        else numbers.push(aggregateVersion);
      }
      for (const [id, { version }] of aggregates) {
        const numbers = (told.get(id) ?? []).sort((one, other) => one - other);
        // Of what began before the oldest day that is kept, the first numbers are gone.
        const first = mayBeForgotten(books, service, id) ? version - numbers.length + 1 : 1;
        const isWhole =
          numbers.length === version - first + 1 && numbers.every((number, at) => number === first + at);
        if (!isWhole)
          say(
            id,
            `${service} is at version ${version} of ${id}, its facts are ${numbers.join(", ") || "none"}`,
          );
      }
      for (const id of told.keys())
        if (!aggregates.has(id)) say(id, `${service} told facts of ${id}, of which it has no row`);
    }
    return compared;
  },
};

function aggregatesIn(books: ServiceBooks): ReadonlyMap<string, { readonly version: number }> {
  const { orders, stockHolds, benefitHolds, payments } = books;
  return { order: orders, product: stockHolds, member: benefitHolds, payment: payments }[books.service];
}

/** Clocks of two databases may differ by this much. */
const skewMs = 60_000;

/** An order that was placed within the days that are kept has all its facts there; of one nobody placed who can say. */
function mayBeForgotten(books: Books, service: Service, id: string): boolean {
  const { toldSince } = books[service];
  const placedAt = books.order.orders.get(id)?.placedAt;
  if (toldSince === undefined) return false;
  return placedAt === undefined || placedAt.getTime() - skewMs < toldSince.getTime();
}

export const boundedness: Law = {
  id: "I12",
  title: "no hold outlives its time; at rest no payment is open or in doubt",
  compares: "holds and payments",
  isAcross: false,
  check(books, say, { atRest, graceMs }) {
    const { product, member, payment } = books;
    for (const service of [product, member]) {
      const latest = new Date(service.takenAt.getTime() - graceMs);
      for (const [id, hold] of [...service.stockHolds, ...service.benefitHolds])
        if (hold.status === "held" && isBefore(hold.holdUntil, latest))
          say(
            id,
            `${service.service} holds something for ${id}, whose time was over at ${hold.holdUntil?.toISOString()}`,
          );
    }
    if (atRest)
      for (const [id, { status }] of payment.payments)
        if (["ready", "confirming", "unknown", "refunding"].includes(status))
          say(id, `payment ${id} is still ${status}`);
    return product.stockHolds.size + member.benefitHolds.size + payment.payments.size;
  },
};

const isBefore = (at: Date | undefined, since: Date | undefined): boolean =>
  at !== undefined && since !== undefined && at.getTime() < since.getTime();

/** A fact's id begins with the moment it was made, as every UUIDv7 does. */
function timeIn(factId: string): Date | undefined {
  const [, high, low, version] = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f])/i.exec(factId) ?? [];
  return version === "7" ? new Date(Number.parseInt(`${high}${low}`, 16)) : undefined;
}
