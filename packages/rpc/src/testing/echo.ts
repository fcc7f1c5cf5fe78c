// A tiny service for this package's own tests: it says back what it hears, once or several times.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export interface EchoRequest {
  readonly text: string;
  readonly times: number;
}

export interface EchoResponse {
  readonly text: string;
}

/** Shaped as generated code is, so that the types are tested with it. */
export const EchoService = {
  say: {
    path: "/quadrille.testing.v1.EchoService/Say",
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: EchoRequest): Buffer => encode(value),
    requestDeserialize: (bytes: Buffer): EchoRequest => decode(bytes),
    responseSerialize: (value: EchoResponse): Buffer => encode({ ...value, times: 0 }),
    responseDeserialize: (bytes: Buffer): EchoResponse => ({ text: decode(bytes).text }),
  },
  repeat: {
    path: "/quadrille.testing.v1.EchoService/Repeat",
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: EchoRequest): Buffer => encode(value),
    requestDeserialize: (bytes: Buffer): EchoRequest => decode(bytes),
    responseSerialize: (value: EchoResponse): Buffer => encode({ ...value, times: 0 }),
    responseDeserialize: (bytes: Buffer): EchoResponse => ({ text: decode(bytes).text }),
  },
} as const;

function encode({ text, times }: EchoRequest): Buffer {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(text);
  writer.tag(2, WireType.Varint).int32(times);
  return Buffer.from(writer.finish());
}

function decode(bytes: Buffer): EchoRequest {
  const reader = new BinaryReader(bytes);
  let text = "";
  let times = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) text = reader.string();
    else if (field === 2) times = reader.int32();
    else reader.skip(type, field);
  }
  return { text, times };
}
