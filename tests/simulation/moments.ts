// What must hold of moments: what was done too early, too late or at the wrong time shows in no state it led to.
//
// Each service writes down when it did what, by its own database's clock; a run knows how wrong those clocks are, so that
// what two of them wrote can be compared exactly.
import { type Service, services } from "@quadrille/contracts/events";
import type { PlacedOrder } from "@quadrille/order/order";
import type { Account } from "./provider.ts";
import type { World } from "./world.ts";

/** What of a world is looked at. */
export interface Memories extends Pick<World, "databases" | "skewMs" | "policies"> {
  readonly provider: {
    readonly accounts: ReadonlyMap<string, Account>;
    readonly wantedOutAtMs: ReadonlyMap<string, number>;
  };
}

/** A fact that was told, and when, by the clock of the run. */
interface Moment {
  readonly type: string;
  readonly causationId: string;
  readonly factId: string;
  readonly atMs: number;
}

type Facts = Readonly<Record<Service, ReadonlyMap<string, readonly Moment[]>>>;

export function checkMoments(memories: Memories): string[] {
  const facts = factsOf(memories);
  const found: string[] = [];
  for (const [id, { state }] of memories.databases.order.rows.orders) {
    if (state.status === "absent") continue;
    found.push(...payableInTime(memories, facts, id, state), ...answered(memories, facts, id));
    found.push(...givenBack(facts, id, state));
  }
  return [...found, ...asksInTime(memories), ...oneAsks(memories), ...notPaid(memories, facts)];
}

/** What each service told of each order, in the order of its commits. */
function factsOf({ databases, skewMs }: Memories): Facts {
  const each = services.map((service) => {
    const facts = new Map<string, Moment[]>();
    for (const { envelope } of databases[service].outbox.rows.values()) {
      const { id: factId, type, aggregateId, causationId, occurredAt } = envelope;
      const moment = { factId, type, causationId, atMs: occurredAt.getTime() - skewMs[service] };
      const before = facts.get(aggregateId);
      if (before === undefined) facts.set(aggregateId, [moment]);
      else before.push(moment);
    }
    return [service, facts] as const;
  });
  return Object.fromEntries(each) as unknown as Facts;
}

/** Nobody may pay for what is not held yet, when the time to hold it is over, or for longer than it is held. */
function payableInTime(
  { databases: { product, member }, policies, skewMs }: Memories,
  facts: Facts,
  id: string,
  { points, payBy, pendingUntil }: PlacedOrder,
): string[] {
  const payable = facts.order.get(id)?.find(({ type }) => type === "order.payable");
  if (payable === undefined || payBy === undefined) return [];
  const found: string[] = [];
  if (payable.atMs >= pendingUntil.getTime() - skewMs.order)
    found.push(`I12: order ${id} became payable when its time to be held was over`);
  const wanted = [["product", "product.stock_held", product.read("holds", id)] as const];
  const holds =
    points > 0n ? [...wanted, ["member", "member.benefits_held", member.read("holds", id)] as const] : wanted;
  const doubtfulUntilMs = payBy.getTime() + policies.order.unknownSeconds * 1_000;
  for (const [service, type, { holdUntil }] of holds) {
    const heldAtMs = facts[service].get(id)?.find((fact) => fact.type === type)?.atMs;
    if (heldAtMs === undefined || heldAtMs > payable.atMs)
      found.push(`I6: order ${id} was payable before ${type}`);
    if (holdUntil !== undefined && holdUntil.getTime() < doubtfulUntilMs)
      found.push(`I12: order ${id} could be in doubt for longer than ${type} lasts`);
  }
  return found;
}

const verdicts = ["payment.approved", "payment.declined", "payment.voided"];

/** An order that asks which came first is answered, even if the answer was told before it asked. */
function answered({ databases: { payment } }: Memories, facts: Facts, id: string): string[] {
  const told = (facts.payment.get(id) ?? []).filter(({ type }) => verdicts.includes(type));
  return (facts.order.get(id) ?? [])
    .filter(({ type, factId }) => type === "order.cancel_requested" && payment.inbox.has(factId))
    .filter(
      ({ factId, atMs }) => !told.some((verdict) => verdict.causationId === factId || verdict.atMs >= atMs),
    )
    .map(({ factId }) => `I12: order ${id} asked payment which came first, and ${factId} was not answered`);
}

/** What counts as given back is what was told in answer to the cancel: whatever went back before may be taken once more. */
function givenBack(facts: Facts, id: string, { history, benefits, status }: PlacedOrder): string[] {
  const at = history.findLastIndex(({ step }) => step === "CANCELLED");
  if (status !== "cancelled" || at < 0) return [];
  const parts = [["product", "product.stock_released", "STOCK_RELEASED"] as const];
  const wanted =
    benefits === "unwanted"
      ? parts
      : [...parts, ["member", "member.benefits_released", "BENEFITS_RELEASED"] as const];
  const cancelledMs = facts.order.get(id)?.find(({ type }) => type === "order.cancelled")?.atMs ?? 0;
  // By the order's clock, as its history is.
  const aheadMs = (history[at]?.at.getTime() ?? 0) - cancelledMs;
  return wanted.flatMap(([service, type, step]) => {
    const answer = facts[service].get(id)?.findLast((fact) => fact.type === type);
    const heard = history.slice(at + 1).find((change) => change.step === step);
    const isAnswer = heard !== undefined && (answer?.atMs ?? 0) <= heard.at.getTime() - aheadMs;
    return isAnswer
      ? []
      : [`I6: order ${id} counted on ${type} before ${service} had answered that it is cancelled`];
  });
}

/** Nothing is paid for, and nobody is asked to pay, when the time to pay is over or the order is known to want out. */
function asksInTime({ databases: { payment }, skewMs, provider: { wantedOutAtMs } }: Memories): string[] {
  const found: string[] = [];
  const payByOf = (id: string) => {
    const state = payment.read("payments", id);
    return state.status === "absent" ? undefined : state.payBy;
  };
  for (const { envelope } of payment.outbox.rows.values()) {
    const { type, aggregateId: id, occurredAt } = envelope;
    const payBy = payByOf(id);
    if (type === "payment.opened" && payBy !== undefined && occurredAt >= payBy)
      found.push(`I12: payment ${id} was opened when its time to be paid was over`);
  }
  for (const { entry, at } of payment.entries) {
    if (entry.type !== "called" || entry.errand !== "confirm") continue;
    const { orderId: id } = entry;
    const payBy = payByOf(id);
    if (payBy !== undefined && at >= payBy)
      found.push(`I12: order ${id} was paid for when its time to be paid was over`);
    if (at.getTime() - skewMs.payment > (wantedOutAtMs.get(id) ?? Number.POSITIVE_INFINITY))
      found.push(`I5: order ${id} was paid for when payment knew that it wants out`);
  }
  return found;
}

interface Call {
  readonly lease: number;
  readonly isRefund: boolean;
  readonly endsMs: number;
}

/** While one asks the provider about a payment, no other does: not before it is answered, or its time is over. */
function oneAsks({ databases: { payment }, policies }: Memories): string[] {
  const found: string[] = [];
  const calls = new Map<string, Call>();
  const { callSeconds } = policies.payment;
  for (const { entry, at } of payment.entries) {
    const { orderId: id } = entry;
    const call = calls.get(id);
    // A person who decides does not wait for whoever asks.
    if (entry.type === "resolved") calls.delete(id);
    else if (entry.type === "answered") {
      if (entry.lease === call?.lease) calls.delete(id);
    } else {
      const isRefund = entry.errand === "refund";
      // Whoever learns that money must go back does not wait for whoever still asks whether it was taken.
      if (call !== undefined && at.getTime() < call.endsMs && isRefund === call.isRefund)
        found.push(
          `I5: the provider was called twice at once about ${id}, under ${call.lease} and ${entry.lease}`,
        );
      const seconds = isRefund ? 2 * callSeconds : callSeconds;
      calls.set(id, { lease: entry.lease, isRefund, endsMs: at.getTime() + seconds * 1_000 });
    }
  }
  return found;
}

/** Nobody is told that nothing was taken while it was, or still may be; unless a person said so, or the key's life was over. */
function notPaid({ databases: { payment }, policies, skewMs, provider }: Memories, facts: Facts): string[] {
  const found: string[] = [];
  const ruled = new Set(
    payment.entries.flatMap(({ entry }) =>
      entry.type === "resolved" && entry.resolution === "NOT_CAPTURED" ? [entry.orderId] : [],
    ),
  );
  for (const { orderId: id, captures } of provider.accounts.values()) {
    const told = facts.payment
      .get(id)
      ?.find(({ type }) => type === "payment.declined" || type === "payment.voided");
    const [capture] = captures;
    if (told === undefined || capture === undefined || ruled.has(id)) continue;
    const takenMs = capture.at.getTime();
    const backMs = facts.payment.get(id)?.find(({ type }) => type === "payment.refunded")?.atMs;
    const state = payment.read("payments", id);
    const startedAt = state.status === "absent" ? undefined : state.attempt?.startedAt;
    const keyEndsMs = (startedAt?.getTime() ?? 0) - skewMs.payment + policies.payment.keySeconds * 1_000;
    const isBack = backMs !== undefined && backMs <= told.atMs;
    if (takenMs > told.atMs || (!isBack && told.atMs < keyEndsMs))
      found.push(
        `I5: ${told.type} was told of order ${id}, for which the provider had taken money, or took it later`,
      );
  }
  return found;
}
