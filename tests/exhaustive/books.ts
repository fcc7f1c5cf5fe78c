// The books of one order's four services, so that where everything is at rest the auditor's own laws are asked.
import { type Books, judgeAll, type ServiceBooks } from "@quadrille/audit";
import { type Service, services, streamOf } from "@quadrille/contracts/events";
import type { LivePayment } from "@quadrille/payment/payment";
import type { View } from "./laws.ts";
import { type Moves, slot } from "./moves.ts";
import { orderId, start } from "./terms.ts";

/** The first of the auditor's laws that is broken, in its words. */
export function brokenAtRest(moves: Moves, state: Int32Array): string | undefined {
  const verdicts = judgeAll(booksOf(moves, state), {
    atRest: true,
    graceMs: 0,
    accepted: new Set([orderId]),
  });
  const finding = verdicts.flatMap(({ findings }) => findings)[0];
  return finding === undefined ? undefined : `at rest, ${finding.law}: ${finding.sentence}`;
}

function booksOf(moves: Moves, state: Int32Array): Books {
  const view = moves.view(state);
  const books = services.map((service) => {
    const { outbox } = moves.shop[service].memory(state[slot[service]] as number);
    return [service, { ...messagesOf(moves, state, service), ...rowsOf(service, view, outbox.length) }];
  });
  return Object.fromEntries(books) as Books;
}

/** A fact that is told can be delivered, so it counts as published; one that concerns nobody there, as heard. */
function messagesOf({ shop }: Moves, state: Int32Array, service: Service): ServiceBooks {
  const told = (teller: Service) =>
    shop[teller]
      .memory(state[slot[teller]] as number)
      .outbox.map((letter) => ({ letter, ...shop.letters.at(letter) }));
  const party = shop[service];
  const { inbox } = party.memory(state[slot[service]] as number);
  const heard = services.flatMap((teller) =>
    told(teller)
      .filter(({ id, letter, type }) => inbox.has(id) || (party.hears(type) && !party.isConcernedBy(letter)))
      .map(({ id }) => [id, { factId: id, stream: streamOf(teller).name }] as const),
  );
  const own = told(service).map(({ id, type }, index) => {
    const about = { factId: id, type, aggregateId: orderId, aggregateVersion: index + 1 };
    return [id, { ...about, occurredAt: start, isPublished: true }] as const;
  });
  const takenAt = shop.moments.at(-1) as Date;
  const entries = { told: new Map(own), heard: new Map(heard), parked: [], toldPlaces: [] };
  return { service, takenAt, toldSince: undefined, heardSince: undefined, ...nothing, ...entries };
}

const nothing = {
  orders: new Map(),
  stockHolds: new Map(),
  variants: new Map(),
  benefitHolds: new Map(),
  orderLedgers: undefined,
  members: new Map(),
  payments: new Map(),
  provider: new Map(),
};

function rowsOf(service: Service, view: View, version: number): Partial<ServiceBooks> {
  switch (service) {
    case "order":
      return ordersOf(view, version);
    case "product": {
      const { status, lines, holdUntil } = view.stock;
      const units = lines.map(({ variantId, quantity }) => ({ variantId, quantity: BigInt(quantity) }));
      const [held, sold] = [status === "held" ? units : [], status === "committed" ? units : []];
      return {
        stockHolds: new Map([[orderId, { orderId, status, held, sold, lines: units, version, holdUntil }]]),
      };
    }
    case "member":
      return view.benefits === undefined
        ? {}
        : { benefitHolds: new Map([[orderId, { orderId, ...view.benefits, version }]]) };
    case "payment":
      return view.payment.status === "absent" ? {} : paymentsOf(view, view.payment, version);
  }
}

function ordersOf({ order }: View, version: number): Partial<ServiceBooks> {
  if (order.status === "absent") return {};
  const lines = order.lines.map(({ variantId, quantity }) => ({ variantId, quantity: BigInt(quantity) }));
  const linesTotal = order.lines.reduce((sum, line) => sum + line.unitPrice * BigInt(line.quantity), 0n);
  return { orders: new Map([[orderId, { ...order, lines, linesTotal, version }]]) };
}

function paymentsOf(
  { world: { account } }: View,
  payment: LivePayment,
  version: number,
): Partial<ServiceBooks> {
  const { status, memberId, amountDue, currency, captured, attempt, dueAt, refunds } = payment;
  const [refunded = 0n, refunding = 0n] = ["done", "started"].map((wanted) =>
    refunds.reduce((sum, { state, amount }) => (state === wanted ? sum + amount : sum), 0n),
  );
  const about = { orderId, status, memberId, amountDue, currency, captured, refunded, refunding, version };
  const moments = { attemptStartedAt: attempt?.startedAt, journaledAt: undefined, dueAt };
  const last = refunds.at(-1);
  const answered = {
    refused: last?.state === "refused" ? last.amount : 0n,
    verdict: payment.verdict?.type ?? "",
  };
  const entry = { ...about, ...moments, ...answered, isRefundedByHand: account.byHand > 0n };
  const taken = account.charges.filter(({ amount }) => amount > 0n);
  const sum = taken.reduce((total, { amount }) => total + amount, 0n);
  const kept = {
    orderId,
    captured: sum,
    captures: taken.length,
    refunded: account.refunds.reduce((total, { amount }) => total + amount, 0n),
    refunds: account.refunds.length,
    currency,
    foreign: 0,
  };
  return {
    payments: new Map([[orderId, entry]]),
    provider: taken.length === 0 ? new Map() : new Map([[orderId, kept]]),
  };
}
