// Calls with bytes of one's own choosing, as a client does that is broken or means harm.

import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { statusError } from "../status.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

/** The answer's bytes, or the error it was. */
export async function callRaw(
  address: string,
  path: string,
  bytes: Buffer,
  headers: Record<string, string> = {},
): Promise<Buffer | Error> {
  const connection = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  try {
    return await new Promise((resolve) => {
      connection.makeUnaryRequest(
        path,
        asIs,
        asIs,
        bytes,
        metadata,
        (error: ServiceError | null, answer?: Buffer) =>
          resolve(error === null ? (answer as Buffer) : statusError(error)),
      );
    });
  } finally {
    connection.close();
  }
}

/** Waits for something to become true, and not for ever. */
export async function until(holds: () => boolean, withinMs = 4_000): Promise<void> {
  const endsAt = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > endsAt) throw new Error(`it did not become true within ${withinMs} ms: ${holds}`);
    await sleep(5);
  }
}
