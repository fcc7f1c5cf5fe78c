// A refusal as a gRPC status, and a gRPC status as the refusal or the RpcError it stands for.

import { randomUUID } from "node:crypto";
import { Metadata, type StatusObject, status as statusCodes } from "@grpc/grpc-js";
import { isRefusalCode, type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { decodeDetails, encodeDetails } from "./details.ts";

export const domain = "quadrille";

const detailsKey = "grpc-status-details-bin";

/** Headers have a limit of their own; a caller with more faults than this will ask again anyway. */
const violationsMax = 50;

/** The name of a gRPC status, such as `UNAVAILABLE`. */
export type GrpcCode = keyof typeof statusCodes;

/** A call that ended without an answer and without a refusal of the catalogue: the network, a limit, a foreign server. */
export class RpcError extends Error {
  readonly code: GrpcCode;

  constructor(code: GrpcCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "RpcError";
    this.code = code;
  }
}

/** What this package asks of a log; pino's logger is one. */
export interface RpcLog {
  error(about: object, message: string): void;
  warn(about: object, message: string): void;
  debug(about: object, message: string): void;
}

/** The status a refusal travels as: its number and sentence from the catalogue, its particulars in the details. */
export function refusalStatus(refusal: Refusal): StatusObject {
  if (!isRefusalCode(refusal.code)) throw new Error(`the catalogue has no refusal ${refusal.code}`);
  const { grpc, sentence } = refusals[refusal.code];
  const code = statusCodes[grpc];
  const metadata = new Metadata();
  const details = {
    reason: refusal.code,
    domain,
    metadata: refusal.details,
    violations: refusal.violations.slice(0, violationsMax),
  };
  metadata.set(detailsKey, encodeDetails(code, sentence, details));
  return { code, details: sentence, metadata };
}

/**
 * The status for whatever a handler threw. A refusal goes out as it is, and so does a neighbour that could not
 * answer; anything else is our own defect: the caller learns an id, the log learns the rest.
 */
export function thrownStatus(thrown: unknown, method: string, log: RpcLog): StatusObject {
  const refusal = asRefusal(thrown);
  if (refusal !== undefined) return refusalStatus(refusal);
  const id = randomUUID();
  log.error({ err: thrown, id, method }, "a call failed");
  return refusalStatus(new Refusal("INTERNAL", { details: { id } }));
}

function asRefusal(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refusal) return isRefusalCode(thrown.code) ? thrown : undefined;
  if (!(thrown instanceof RpcError)) return undefined;
  if (thrown.code === "UNAVAILABLE" || thrown.code === "DEADLINE_EXCEEDED") return new Refusal(thrown.code);
  return undefined;
}

/** The refusal or the RpcError a failed call stands for. Refusals this build does not know stay RpcErrors. */
export function statusError(error: StatusObject): Refusal<RefusalCode> | RpcError {
  const [bytes] = error.metadata?.get(detailsKey) ?? [];
  const details = bytes instanceof Buffer ? decodeDetails(bytes) : undefined;
  if (details?.domain === domain && isRefusalCode(details.reason)) {
    return new Refusal(details.reason, { violations: details.violations, details: details.metadata });
  }
  const code = (statusCodes[error.code] ?? "UNKNOWN") as GrpcCode;
  return new RpcError(code, `${code}: ${error.details}`, error);
}

/** True for a status that already speaks the catalogue. */
export function isCatalogued(status: { readonly metadata?: Metadata | null | undefined }): boolean {
  return (status.metadata?.get(detailsKey).length ?? 0) > 0;
}
