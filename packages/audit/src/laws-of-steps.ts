// What must hold of the way that an order, a hold or a payment went: fact by fact, and to the status it has now.
import { type Service, services } from "@quadrille/contracts/events";
import type { ToldEntry } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import type { Books, ServiceBooks } from "./books.ts";
import { type Law, type Say, skewMs } from "./law.ts";
import { anyStatus, statusesAfter, unbegun } from "./steps.ts";

interface Aggregate {
  readonly version: number;
  readonly status: string;
}

export const steps: Law = {
  id: "I10",
  title: "each order, hold and payment goes its way step by step, numbered 1, 2, 3 … to what it is",
  compares: "orders, holds and payments",
  isAcross: false,
  check(books, say) {
    let compared = 0;
    for (const service of services) {
      const aggregates = aggregatesIn(books[service]);
      compared += aggregates.size;
      const told = factsIn(books[service]);
      for (const [id, aggregate] of aggregates) {
        const facts = told.get(id) ?? [];
        if (isWhole(books, service, id, aggregate, facts)) follow(service, id, aggregate, facts, say);
        else {
          const numbers = facts.map(({ aggregateVersion }) => aggregateVersion).join(", ") || "none";
          say(id, `${service} is at version ${aggregate.version} of ${id}, its facts are ${numbers}`);
        }
      }
      for (const id of told.keys())
        if (!aggregates.has(id)) say(id, `${service} told facts of ${id}, of which it has no row`);
    }
    return compared;
  },
};

/** By aggregate, in the order of their numbers. */
function factsIn({ told }: ServiceBooks): ReadonlyMap<string, readonly ToldEntry[]> {
  const facts = new Map<string, ToldEntry[]>();
  for (const fact of told.values()) {
    const before = facts.get(fact.aggregateId);
    if (before === undefined) facts.set(fact.aggregateId, [fact]);
    else before.push(fact);
  }
  for (const each of facts.values()) each.sort((one, other) => one.aggregateVersion - other.aggregateVersion);
  return facts;
}

function isWhole(
  books: Books,
  service: Service,
  id: string,
  { version }: Aggregate,
  facts: readonly ToldEntry[],
): boolean {
  // Of what began before the oldest day that is kept, the first numbers are gone.
  const first = mayBeForgotten(books, service, id) ? version - facts.length + 1 : 1;
  return (
    facts.length === version - first + 1 &&
    facts.every(({ aggregateVersion }, at) => aggregateVersion === first + at)
  );
}

/** Whatever it told must have been possible then, and its row must be what came of it. */
function follow(
  service: Service,
  id: string,
  { version, status }: Aggregate,
  facts: readonly ToldEntry[],
  say: Say,
): void {
  const isFromTheStart = facts.length === version;
  let possible = isFromTheStart ? unbegun : anyStatus(service);
  let last = isFromTheStart ? "nothing" : "what is forgotten";
  for (const { type } of facts) {
    possible = statusesAfter(service, possible, type);
    if (possible.size === 0) {
      say(id, `${service} told ${type} of ${id} after ${last}`);
      return;
    }
    last = type;
  }
  if (!possible.has(status)) say(id, `${service} has ${id} as ${status}, its last fact is ${last}`);
}

function aggregatesIn(books: ServiceBooks): ReadonlyMap<string, Aggregate> {
  const { orders, stockHolds, benefitHolds, payments } = books;
  return { order: orders, product: stockHolds, member: benefitHolds, payment: payments }[books.service];
}

/** An order that was placed within the days that are kept has all its facts there; of one nobody placed who can say. */
function mayBeForgotten(books: Books, service: Service, id: string): boolean {
  const { toldSince } = books[service];
  const placedAt = books.order.orders.get(id)?.placedAt;
  if (toldSince === undefined) return false;
  return placedAt === undefined || placedAt.getTime() - skewMs < toldSince.getTime();
}
