// What we need of grpc-js's server and it has no option for; a test fails if it stops having one of these parts.

import type { ServerOptions as Http2Options, ServerHttp2Session } from "node:http2";
import type { handleUnaryCall, Server } from "@grpc/grpc-js";
import { Refusal } from "@quadrille/decider";
import type { Limits } from "./limits.ts";
import { refusalStatus } from "./status.ts";

interface InnerHandler {
  readonly type: "unary";
  readonly path: string;
  readonly serialize: (bytes: Buffer) => Buffer;
  readonly deserialize: (bytes: Buffer) => Buffer;
  readonly func: handleUnaryCall<Buffer, Buffer>;
}

interface InnerServer {
  readonly commonServerOptions: Http2Options;
  readonly http2Servers: ReadonlyMap<unknown, { readonly sessions: ReadonlySet<ServerHttp2Session> }>;
  _retrieveHandler(path: string): InnerHandler | null;
}

const metadataEntriesMax = 64;

export const asIs = (bytes: Buffer): Buffer => bytes;

/** Node's HTTP/2 bounds the size and number of a call's headers, at 64 KiB and 128 unless told otherwise. */
export function limitMetadata(server: Server, { metadataBytesMax }: Limits): void {
  const { commonServerOptions } = server as unknown as InnerServer;
  commonServerOptions.settings = { ...commonServerOptions.settings, maxHeaderListSize: metadataBytesMax };
  commonServerOptions.maxHeaderListPairs = metadataEntriesMax;
}

/** An unknown path gets a bare UNIMPLEMENTED from grpc-js; here it gets a reason, as every other no does. */
export function refuseUnknownMethods(server: Server): void {
  const inner = server as unknown as InnerServer;
  const known = inner._retrieveHandler.bind(server);
  const func: handleUnaryCall<Buffer, Buffer> = (_call, callback) =>
    callback(refusalStatus(new Refusal("METHOD_UNKNOWN")));
  const unknown: InnerHandler = { type: "unary", path: "", serialize: asIs, deserialize: asIs, func };
  inner._retrieveHandler = (path) => known(path) ?? unknown;
}

/** Cuts every connection. `forceShutdown` finds them only with channelz on, which costs on every message. */
export function cutConnections(server: Server): void {
  const { http2Servers } = server as unknown as InnerServer;
  for (const { sessions } of http2Servers.values()) for (const session of sessions) session.destroy();
}
