// What must hold of facts: each was published and heard by everyone it is for, and nothing was heard that nobody told.
import { events, type Service, services, streamOf } from "@quadrille/contracts/events";
import type { ToldEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books, ServiceBooks } from "./books.ts";
import { isBefore, isYoung, type Law, type Say, type Terms } from "./law.ts";

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
      noSharedPlaces(books, teller, say, terms);
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

/** Where a stream has lost its end, a new fact has an old one's place until the two are compared. */
function noSharedPlaces(books: Books, service: Service, say: Say, terms: Terms): void {
  for (const { stream, seq, factIds, claimedAt } of books[service].toldPlaces)
    if (!isYoung(claimedAt, books, service, terms))
      say(factIds[0] ?? "", `${service} told ${factIds.join(" and ")} at one place, ${seq} of ${stream}`);
}

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

/** A fact's id begins with the moment it was made, as every UUIDv7 does. */
function timeIn(factId: string): Date | undefined {
  const [, high, low, version] = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f])/i.exec(factId) ?? [];
  return version === "7" ? new Date(Number.parseInt(`${high}${low}`, 16)) : undefined;
}
