// What one service knows of one order, for a person who asks why it is where it is: its steps by time, and its waits.
//
// A step names what led to it by the id that the causing step of this service has, or by the id of a fact. What other
// services made of it is theirs to tell: whoever asks all of them puts it together.
import type { EntityManager } from "@mikro-orm/postgresql";
import { kindOf, kindOfMessage, type Service } from "@quadrille/contracts/events";
import {
  type ExplainOrderRequest,
  type ExplainOrderResponse,
  Step,
  Wait,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { readTrail, type ToldFact, type Trail } from "./trail.ts";

/** Something that has not happened yet; the first two are always known. */
export type Waiting = Pick<Wait, "what" | "who"> & Partial<Wait>;
export type KnownStep = Pick<Step, "kind" | "type"> & { readonly at: Date } & Partial<Step>;

/** What the service's own tables know of an order. */
export interface Account {
  /** As the service calls it; empty when it has not heard of the order. */
  readonly status: string;
  /** Who may have asked for something, as `member:7`. Operators are always looked for. */
  readonly callers: readonly string[];
  /** What did not go through outbox and inbox, given what did. */
  steps(trail: Trail): readonly KnownStep[];
  readonly waits: readonly Waiting[];
}

interface Readable {
  read<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
}

/** Everything is read in one snapshot; `now` is its database's time. */
export async function explain(
  store: Readable,
  service: Service,
  { orderId, factIds }: ExplainOrderRequest,
  account: (em: EntityManager, now: Date) => Promise<Account>,
): Promise<ExplainOrderResponse> {
  return await store.read((em) =>
    em.transactional(
      async (snapshot) => {
        const [clock] = await snapshot.execute<{ now: string }[]>("select clock_timestamp() as now");
        const readAt = new Date(clock?.now as string);
        const { status, callers, steps, waits } = await account(snapshot, readAt);
        const trail = await readTrail(snapshot, { aggregateId: orderId, factIds, callers });
        // What is of one moment comes in this order: asked, done, told.
        const known = [...askedOf(trail), ...steps(trail), ...messagesOf(trail)];
        return {
          service,
          status: status.toUpperCase(),
          steps: known.map((step) => Step.fromPartial(step)).sort(byTime),
          waits: waits.map((wait) => Wait.fromPartial(wait)),
          readAt,
        };
      },
      { isolationLevel: "repeatable read", readOnly: true },
    ),
  );
}

const byTime = (one: Step, other: Step) => Number(one.at) - Number(other.at);

/** A request was answered in the transaction that told its fact. */
function askedOf({ told, requests }: Trail): KnownStep[] {
  return requests.flatMap(({ caller, method, requestId }): KnownStep[] => {
    const fact = told.find(({ causationId }) => causationId === requestId);
    if (fact === undefined) return [];
    return [{ kind: "STEP_KIND_ASKED", at: fact.at, type: method, id: requestId, detail: `by ${caller}` }];
  });
}

function messagesOf({ told, heard, parked }: Trail): KnownStep[] {
  return [
    ...told.flatMap(toldSteps),
    ...heard.map(({ id, stream, seq, at, deliveries }): KnownStep => {
      const about = { factId: id, id, causationId: id, type: "", detail: `${stream} ${seq}` };
      return { kind: "STEP_KIND_HEARD", at, deliveries, ...about };
    }),
    ...parked.map(({ id, durable, messageName, error, state, at }): KnownStep => {
      const type = kindOfMessage(messageName)?.type ?? messageName;
      const detail = `${state} in ${durable}: ${error}`;
      return { kind: "STEP_KIND_PARKED", at, factId: id, causationId: id, type, detail };
    }),
  ];
}

function toldSteps(fact: ToldFact): KnownStep[] {
  const { id: factId, type, causationId, at, published } = fact;
  const told: KnownStep = { kind: "STEP_KIND_TOLD", at, factId, type, causationId, detail: detailOf(fact) };
  if (published === undefined) return [told];
  const place = `${published.stream} ${published.seq}`;
  const about = { factId, type, causationId: factId, detail: place };
  return [told, { kind: "STEP_KIND_PUBLISHED", at: published.at, ...about }];
}

type Data = Readonly<Record<string, unknown>>;
const iso = (value: unknown) => (value as Date).toISOString();

/** The fields a person wants to see of any fact, and how they are said. What is not named here is not shown. */
const shown: Readonly<Record<string, (value: never, data: Data) => string>> = {
  reason: (reason: string) => reason,
  amountDue: (amount: bigint, { currency }) => `${amount} ${currency} due`,
  amount: (amount: bigint, { currency }) => `${amount} ${currency}`,
  points: (points: bigint) => (points === 0n ? "" : `${points} points`),
  refundNumber: (number: number) => `refund ${number}`,
  shortages: (lacking: readonly { readonly variantId: string }[]) =>
    lacking.map(({ variantId }) => `too few of ${variantId}`).join(", "),
  payBy: (until: Date) => `to be paid by ${iso(until)}`,
  holdUntil: (until: Date) => `hold until ${iso(until)}`,
};

function detailOf({ type, payload }: ToldFact): string {
  const data = kindOf(type)?.decode(payload) as Data | undefined;
  if (data === undefined) return "";
  return Object.entries(shown)
    .filter(([field]) => field in data)
    .map(([field, say]) => say(data[field] as never, data))
    .filter(Boolean)
    .join(", ");
}
