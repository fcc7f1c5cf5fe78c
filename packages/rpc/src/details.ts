// The bytes of `grpc-status-details-bin`: google.rpc.Status holding ErrorInfo and BadRequest, as AIP-193 asks.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Violation } from "@quadrille/decider";

/** What a status says beyond its number and sentence. */
export interface StatusDetails {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
}

const errorInfo = "type.googleapis.com/google.rpc.ErrorInfo";
const badRequest = "type.googleapis.com/google.rpc.BadRequest";

export function encodeDetails(code: number, message: string, details: StatusDetails): Buffer {
  const status = new BinaryWriter();
  status.tag(1, WireType.Varint).int32(code);
  status.tag(2, WireType.LengthDelimited).string(message);
  writeAny(status, errorInfo, (info) => {
    info.tag(1, WireType.LengthDelimited).string(details.reason);
    info.tag(2, WireType.LengthDelimited).string(details.domain);
    for (const [key, value] of Object.entries(details.metadata)) {
      writePair(info.tag(3, WireType.LengthDelimited), key, value);
    }
  });
  if (details.violations.length > 0) {
    writeAny(status, badRequest, (request) => {
      for (const { field, description } of details.violations) {
        writePair(request.tag(1, WireType.LengthDelimited), field, description);
      }
    });
  }
  return Buffer.from(status.finish());
}

/** The details of a status, or undefined when the bytes say nothing we understand. */
export function decodeDetails(bytes: Uint8Array): StatusDetails | undefined {
  try {
    return readStatus(bytes);
  } catch {
    return undefined; // A peer's unreadable details must not hide its status.
  }
}

function writeAny(status: BinaryWriter, typeUrl: string, write: (value: BinaryWriter) => void): void {
  const value = new BinaryWriter();
  write(value);
  const any = status.tag(3, WireType.LengthDelimited).fork();
  any.tag(1, WireType.LengthDelimited).string(typeUrl);
  any.tag(2, WireType.LengthDelimited).bytes(value.finish()).join();
}

/** A map entry and a field violation look the same on the wire: two strings, 1 and 2. */
function writePair(writer: BinaryWriter, first: string, second: string): void {
  writer.fork();
  writer.tag(1, WireType.LengthDelimited).string(first);
  writer.tag(2, WireType.LengthDelimited).string(second).join();
}

function readStatus(bytes: Uint8Array): StatusDetails | undefined {
  let info: Omit<StatusDetails, "violations"> | undefined;
  const violations: Violation[] = [];
  for (const any of fields(bytes, 3)) {
    const typeUrl = text(any, 1);
    const [value] = fields(any, 2);
    if (value === undefined) continue;
    if (typeUrl === errorInfo) {
      const metadata = fields(value, 3).map((entry) => [text(entry, 1), text(entry, 2)] as const);
      info = { reason: text(value, 1), domain: text(value, 2), metadata: Object.fromEntries(metadata) };
    }
    if (typeUrl === badRequest) {
      for (const one of fields(value, 1)) violations.push({ field: text(one, 1), description: text(one, 2) });
    }
  }
  return info === undefined ? undefined : { ...info, violations };
}

/** Every length-delimited field of that number; all others are skipped. */
function fields(bytes: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

function text(bytes: Uint8Array, number: number): string {
  const value = fields(bytes, number).at(-1);
  return value === undefined ? "" : Buffer.from(value).toString("utf8");
}
