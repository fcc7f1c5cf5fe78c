// A typed client of one service: promises for unary methods, iterables for server streams, refusals as refusals.

import {
  Client,
  type ClientOptions,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { Definition, RequestOf, ResponseOf } from "./service.ts";
import { RpcError, statusError } from "./status.ts";
import { type ClientTls, clientCredentials } from "./tls.ts";

export interface ClientConfig {
  /** `host:port`, or `dns:///name:port` for a name behind which several servers stand. */
  readonly address: string;
  /** The token sent when a call names none. */
  readonly token: () => string | Promise<string>;
  /** How long a unary call may take when it names no other time, in ms. */
  readonly deadlineMs: number;
  readonly tls?: ClientTls | undefined;
  readonly limits?: { readonly responseBytesMax?: number } | undefined;
}

export interface CallOptions {
  /** Hangs up; the call then fails with RpcError CANCELLED, whose cause is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  /** An absolute bound besides, such as `call.deadline` of the call on whose behalf this one is made. */
  readonly deadline?: Date | undefined;
  /** Speaks in this token's name instead of the client's own. */
  readonly token?: string | undefined;
  readonly traceparent?: string | undefined;
}

type ClientMethod<M> = M extends { responseStream: true }
  ? (request: RequestOf<M>, options?: CallOptions) => AsyncIterableIterator<ResponseOf<M>>
  : (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/** Fails with `Refusal` when the server refused, with `RpcError` when there was no such answer. */
export type RpcClient<D> = { readonly [M in keyof D]: ClientMethod<D[M]> } & AsyncDisposable;

/** Connects on the first call, again after 100 ms to 2 s when a server is gone, and never waits for one to appear. */
export async function client<D extends Definition>(
  definition: D,
  config: ClientConfig,
): Promise<RpcClient<D>> {
  const connection = new Client(config.address, await clientCredentials(config.tls), channelOptions(config));
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    method.responseStream ? streaming(connection, method, config) : unary(connection, method, config),
  ]);
  return Object.assign(Object.fromEntries(methods), {
    [Symbol.asyncDispose]: async () => connection.close(),
  }) as RpcClient<D>;
}

function channelOptions({ limits }: ClientConfig): ClientOptions {
  return {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.dns_min_time_between_resolutions_ms": 2_000,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.max_receive_message_length": limits?.responseBytesMax ?? 4 * 1024 * 1024,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.use_local_subchannel_pool": 1, // Closing a client closes its connection, whoever else talks to that server.
  };
}

function unary(connection: Client, method: Definition[string], config: ClientConfig) {
  const { path, requestSerialize, responseDeserialize } = method;
  return async (request: unknown, options: CallOptions = {}): Promise<unknown> => {
    const { signal } = options;
    if (signal?.aborted) throw hungUp(signal);
    const metadata = await metadataOf(options, config);
    const deadline = deadlineOf(options, config.deadlineMs);
    return new Promise((resolve, reject) => {
      const call = connection.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        (error: ServiceError | null, response?: unknown) => {
          signal?.removeEventListener("abort", hangUp);
          if (error === null) resolve(response);
          else reject(signal?.aborted ? hungUp(signal) : statusError(error));
        },
      );
      const hangUp = () => call.cancel();
      signal?.addEventListener("abort", hangUp);
    });
  };
}

function streaming(connection: Client, method: Definition[string], config: ClientConfig) {
  const { path, requestSerialize, responseDeserialize } = method;
  return async function* (request: unknown, options: CallOptions = {}): AsyncGenerator<unknown> {
    const { signal } = options;
    if (signal?.aborted) throw hungUp(signal);
    const metadata = await metadataOf(options, config);
    // A watch lasts until either end has had enough; the server bounds it.
    const deadline = deadlineOf(options, Number.POSITIVE_INFINITY);
    const stream: ClientReadableStream<unknown> = connection.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
    );
    const hangUp = () => stream.cancel();
    stream.on("error", () => {}); // The status of a call we hung up ourselves comes after anyone listens.
    signal?.addEventListener("abort", hangUp);
    try {
      yield* stream;
    } catch (error) {
      throw signal?.aborted ? hungUp(signal) : statusError(error as ServiceError);
    } finally {
      signal?.removeEventListener("abort", hangUp);
      stream.cancel();
    }
  };
}

/** Fresh for each call: tracing writes into it. */
async function metadataOf({ token, traceparent }: CallOptions, config: ClientConfig): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token ?? (await config.token())}`);
  if (traceparent !== undefined) metadata.set("traceparent", traceparent);
  return metadata;
}

function deadlineOf({ deadlineMs, deadline }: CallOptions, defaultMs: number): number {
  const own = Date.now() + (deadlineMs ?? defaultMs);
  return deadline === undefined ? own : Math.min(own, deadline.getTime());
}

function hungUp(signal: AbortSignal): RpcError {
  return new RpcError("CANCELLED", "the caller hung up", signal.reason);
}
