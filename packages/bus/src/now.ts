// What JetStream has of a stream and of a durable just now, for whoever compares it with what is remembered.
import {
  type ConsumerInfo,
  JetStreamApiCodes,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { durableOf, type Service, streamOf } from "@quadrille/contracts/events";
import type { Place } from "@quadrille/contracts/places";
import { type HeardStream, type Look, StreamGone } from "./epoch.ts";
import type { Limits } from "./limits.ts";
import { factIdOf } from "./message.ts";
import { ensureDurable, orUndefined } from "./streams.ts";

/** Servers of a cluster hold one stream together, and none of them alone can set it back. */
export function serverOf({ info }: NatsConnection): string {
  return info?.cluster ?? info?.server_id ?? "";
}

export function lookAt(jsm: JetStreamManager, teller: Service, server: string): Look {
  const { name } = streamOf(teller);
  return async () => {
    const info = await orUndefined(jsm.streams.info(name), JetStreamApiCodes.StreamNotFound);
    if (info === undefined) throw new StreamGone(name);
    const { created, state } = info;
    return {
      name,
      created: String(created),
      server,
      first: BigInt(state.first_seq),
      last: BigInt(state.last_seq),
      holes: state.num_deleted ?? 0,
      async at(seq) {
        const stored = await jsm.streams.getMessage(name, { seq: Number(seq) });
        return stored === null ? undefined : placeOf(stored);
      },
    };
  };
}

function placeOf({ seq, subject, data: payload, header: headers, time: storedAt }: StoredMsg): Place {
  const header = (name: string) => headers?.get(name) || undefined;
  return { seq: BigInt(seq), factId: factIdOf({ subject, payload, header }), storedAt };
}

export function heardStream(
  { jsm, server }: { readonly jsm: JetStreamManager; readonly server: string },
  hearer: Service,
  teller: Service,
  limits: Limits,
): HeardStream {
  const { name } = streamOf(teller);
  const { name: durable } = durableOf(hearer, teller);
  const info = () => orUndefined(jsm.consumers.info(name, durable), JetStreamApiCodes.ConsumerNotFound);
  return {
    name,
    durable,
    look: lookAt(jsm, teller, server),
    async durableNow() {
      const found = await info();
      return found && durableNow(found);
    },
    async make(from) {
      await ensureDurable(jsm, hearer, teller, limits, from);
    },
    async remove() {
      await orUndefined(jsm.consumers.delete(name, durable), JetStreamApiCodes.ConsumerNotFound);
    },
  };
}

function durableNow({ delivered, ack_floor: floor }: ConsumerInfo) {
  return {
    delivered: BigInt(delivered.stream_seq),
    floor: BigInt(floor.stream_seq),
  };
}
