// The stream a service keeps its facts in, and the durables through which others hear them: made, read back, compared.
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { durableOf, type Service, streamOf } from "@quadrille/contracts/events";
import { compare } from "./difference.ts";
import { headersMost, type Limits } from "./limits.ts";

/** Limits retention alone: only there the broker can rebuild, from what it stored, which facts it has. */
function streamFor(teller: Service, replicas: number, limits: Limits): Partial<StreamConfig> {
  const { name, subjects } = streamOf(teller);
  return {
    name,
    subjects: [...subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    duplicate_window: nanos(limits.duplicateWindowMs),
    max_age: nanos(limits.streamAgeMs),
    max_msg_size: limits.payloadMost + headersMost,
    max_bytes: -1,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_consumers: -1,
    num_replicas: replicas,
  };
}

/** What would make a stream lose, hide, change or refuse facts. */
const unwantedOfStreams = [
  "mirror",
  "sources",
  "sealed",
  "no_ack",
  "republish",
  "subject_transform",
  "discard_new_per_subject",
  "subject_delete_marker_ttl",
];

function durableFor(
  hearer: Service,
  teller: Service,
  limits: Limits,
  from: string | undefined,
): ConsumerConfig {
  const { name, filter } = durableOf(hearer, teller);
  const start =
    from === undefined
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from };
  return {
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(limits.ackWaitMs),
    max_ack_pending: limits.ackPendingMost,
    // The bus parks; the broker must never drop a fact because it was tried often.
    max_deliver: -1,
    ...start,
    replay_policy: ReplayPolicy.Instant,
  };
}

/** What would make a durable skip, slow down, lose or forget. */
const unwantedOfDurables = [
  "deliver_subject",
  "deliver_group",
  "filter_subjects",
  "opt_start_seq",
  "rate_limit_bps",
  "headers_only",
  "backoff",
  "max_batch",
  "max_expires",
  "max_bytes",
  "inactive_threshold",
  "mem_storage",
  "pause_until",
  "priority_groups",
];

/** Makes the stream unless it is there. Throws `ConfigDiffers` when what is there works otherwise. */
export async function ensureStream(
  jsm: JetStreamManager,
  teller: Service,
  replicas: number,
  limits: Limits,
): Promise<void> {
  const wanted = streamFor(teller, replicas, limits);
  const { name } = streamOf(teller);
  const info = await orUndefined(jsm.streams.info(name), JetStreamApiCodes.StreamNotFound);
  if (info === undefined) await jsm.streams.add({ ...wanted, name });
  // Read back even what was just made: an old broker drops fields it does not know without a word.
  const found = info ?? (await jsm.streams.info(name));
  compare(`stream ${name}`, wanted, unwantedOfStreams, found.config);
}

/**
 * Makes the durable unless it is there, from the first message on or from those stored at that moment; throws while the
 * stream is not there. An existing one is never updated: old brokers would take any difference over, new ones refuse
 * it, and neither says what becomes of what it had delivered. Where it once began is no difference.
 */
export async function ensureDurable(
  jsm: JetStreamManager,
  hearer: Service,
  teller: Service,
  limits: Limits,
  from?: Date,
): Promise<ConsumerInfo> {
  const { name } = durableOf(hearer, teller);
  const stream = streamOf(teller).name;
  const info = await orUndefined(jsm.consumers.info(stream, name), JetStreamApiCodes.ConsumerNotFound);
  if (info === undefined)
    await jsm.consumers.add(stream, durableFor(hearer, teller, limits, from?.toISOString()));
  const found = info ?? (await jsm.consumers.info(stream, name));
  const { deliver_policy: policy, opt_start_time: since } = found.config;
  const began = policy === DeliverPolicy.StartTime ? since : undefined;
  const unwanted = began === undefined ? [...unwantedOfDurables, "opt_start_time"] : unwantedOfDurables;
  compare(`durable ${name}`, durableFor(hearer, teller, limits, began), unwanted, found.config);
  return found;
}

/** Undefined for that one error, which says that it is not there. */
export async function orUndefined<Info>(info: Promise<Info>, missing: number): Promise<Info | undefined> {
  try {
    return await info;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === missing) return undefined;
    throw error;
  }
}
