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

function durableFor(hearer: Service, teller: Service, limits: Limits): ConsumerConfig {
  const { name, filter } = durableOf(hearer, teller);
  return {
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(limits.ackWaitMs),
    max_ack_pending: limits.ackPendingMost,
    // The bus parks; the broker must never drop a fact because it was tried often.
    max_deliver: -1,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
  };
}

/** What would make a durable skip, slow down, lose or forget. */
const unwantedOfDurables = [
  "deliver_subject",
  "deliver_group",
  "filter_subjects",
  "opt_start_seq",
  "opt_start_time",
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
 * Makes the durable unless it is there; throws while the stream is not there. An existing one is never updated: old
 * brokers would take any difference over, new ones refuse it, and neither says what becomes of what it had delivered.
 */
export async function ensureDurable(
  jsm: JetStreamManager,
  hearer: Service,
  teller: Service,
  limits: Limits,
): Promise<ConsumerInfo> {
  const wanted = durableFor(hearer, teller, limits);
  const { name } = durableOf(hearer, teller);
  const stream = streamOf(teller).name;
  const info = await orUndefined(jsm.consumers.info(stream, name), JetStreamApiCodes.ConsumerNotFound);
  if (info === undefined) await jsm.consumers.add(stream, wanted);
  const found = info ?? (await jsm.consumers.info(stream, name));
  compare(`durable ${name}`, wanted, unwantedOfDurables, found.config);
  return found;
}

async function orUndefined<Info>(info: Promise<Info>, missing: number): Promise<Info | undefined> {
  try {
    return await info;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === missing) return undefined;
    throw error;
  }
}
