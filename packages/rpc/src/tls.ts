// Certificates from files, for both ends: plain text without a configuration, TLS with one, mTLS with a client's own.

import { readFile } from "node:fs/promises";
import { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";

/** Paths of PEM files. They are read when the server or client opens; a renewed certificate takes a restart. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authority whose clients are let in: with it every client must show a certificate. */
  readonly clientCaFile?: string | undefined;
}

export interface ClientTls {
  /** The authority that signed the servers' certificates; the system's own when absent. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export async function serverCredentials(tls: ServerTls | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: await readFile(tls.keyFile), cert_chain: await readFile(tls.certFile) };
  const authority = await optional(tls.clientCaFile);
  return ServerCredentials.createSsl(authority, [pair], authority !== null);
}

export async function clientCredentials(tls: ClientTls | undefined): Promise<ChannelCredentials> {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(
    await optional(tls.caFile),
    await optional(tls.keyFile),
    await optional(tls.certFile),
  );
}

async function optional(path: string | undefined): Promise<Buffer | null> {
  return path === undefined ? null : await readFile(path);
}
