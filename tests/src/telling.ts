// Tells facts by hand, as whoever may publish on a service's subjects could, and knows when they were heard.
import { setTimeout as pause } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { durableOf, type FactKind, type Service, streamOf, tellersFor } from "@quadrille/contracts/events";
import { v7 } from "uuid";

/** A fact that nobody decided. */
export interface Forged {
  readonly kind: Omit<FactKind, "encode" | "decode">;
  readonly orderId: string;
  readonly payload: Uint8Array;
}

export interface Telling extends AsyncDisposable {
  /** The kinds of the facts told so far, by fact id. */
  readonly told: ReadonlyMap<string, Forged["kind"]>;
  /** Stores the fact in its stream. With an id that was told before it is the same fact, delivered once more. */
  tell(fact: Forged, id?: string): Promise<string>;
  /** Waits until these services have settled every fact in the streams of those tellers. */
  untilHeard(hearers: readonly Service[], tellers: readonly Service[], msMax?: number): Promise<void>;
}

export async function openTelling(natsUrl: string): Promise<Telling> {
  const nats = await connect({ servers: natsUrl });
  const told = new Map<string, Forged["kind"]>();
  return {
    told,
    async tell(fact, id = v7()) {
      await publish(nats, fact, id);
      told.set(id, fact.kind);
      return id;
    },
    async untilHeard(hearers, tellers, msMax = 60_000) {
      const until = Date.now() + msMax;
      const durables = hearers.flatMap((hearer) =>
        tellersFor(hearer)
          .filter((teller) => tellers.includes(teller))
          .map((teller) => `${streamOf(teller).name}.${durableOf(hearer, teller).name}`),
      );
      for (const durable of durables)
        while ((await unsettled(nats, durable)) > 0) {
          if (Date.now() > until) throw new Error(`${durable} has not heard everything after ${msMax} ms`);
          await pause(20);
        }
    },
    [Symbol.asyncDispose]: () => nats.close(),
  };
}

async function publish(nats: NatsConnection, { kind, orderId, payload }: Forged, id: string): Promise<void> {
  const carried = headers();
  const named = {
    "Nats-Msg-Id": v7(), // Its own each time: under the fact's id the broker would drop the second one.
    "ce-id": id,
    "ce-type": kind.messageName,
    "ce-source": `/quadrille/${kind.teller}`,
    "ce-subject": orderId,
    "ce-time": new Date().toISOString(),
    "ce-specversion": "1.0",
    "causation-id": id,
    "aggregate-version": "1",
  };
  for (const [name, value] of Object.entries(named)) carried.set(name, value);
  const answer = await nats.request(kind.subject, payload, { headers: carried, timeout: 10_000 });
  const { error } = answer.json<{ error?: { description: string } }>();
  if (error !== undefined) throw new Error(`${kind.type} was not stored: ${error.description}`);
}

/** Facts of a durable that were not delivered yet, or not settled by whoever got them; all of them before it exists. */
async function unsettled(nats: NatsConnection, durable: string): Promise<number> {
  const answer = await nats.request(`$JS.API.CONSUMER.INFO.${durable}`, undefined, { timeout: 10_000 });
  const info = answer.json<{
    error?: { code: number; description: string };
    num_ack_pending: number;
    num_pending: number;
  }>();
  if (info.error?.code === 404) return Number.POSITIVE_INFINITY; // Its hearer makes it in the background.
  if (info.error !== undefined) throw new Error(`${durable}: ${info.error.description}`);
  return info.num_ack_pending + info.num_pending;
}
