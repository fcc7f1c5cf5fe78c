import { connect, type IncomingHttpHeaders } from "node:http2";
import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { statusError } from "./status.ts";
import { EchoService } from "./testing/echo.ts";
import { openEcho } from "./testing/open.ts";

const hello = EchoService.say.requestSerialize({ text: "hello", times: 1 });

/** A message with its five bytes of prefix. */
function frame(message: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** What the server says at the end, heard without a gRPC client that might say it first. */
async function ending(address: string, body: Buffer, headers: Record<string, string>): Promise<Error> {
  const session = connect(`http://${address}`);
  try {
    const trailers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({
        ":method": "POST",
        ":path": EchoService.say.path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      const hear = (heard: IncomingHttpHeaders) => {
        if ("grpc-status" in heard) resolve(heard);
      };
      stream.on("error", reject).on("response", hear).on("trailers", hear).resume();
      stream.end(body);
    });
    const details = decodeURI(String(trailers["grpc-message"]));
    return statusError({
      code: Number(trailers["grpc-status"]),
      details,
      metadata: Metadata.fromHttp2Headers(trailers),
    });
  } finally {
    session.destroy();
  }
}

describe("a call that grpc-js ends by itself", () => {
  test.each<[string, string, Buffer, Record<string, string>]>([
    ["its deadline passes", "DEADLINE_EXCEEDED", frame(hello), { "grpc-timeout": "50m" }],
    ["its deadline cannot be read", "INVALID_REQUEST", frame(hello), { "grpc-timeout": "soon" }],
    ["it brings no message", "INVALID_REQUEST", Buffer.alloc(0), {}],
    ["it brings two messages", "INVALID_REQUEST", Buffer.concat([frame(hello), frame(hello)]), {}],
    ["it does not unpack", "INVALID_REQUEST", frame(hello, true), { "grpc-encoding": "gzip" }],
    ["it is packed in an unknown way", "INVALID_REQUEST", frame(hello, true), { "grpc-encoding": "zstd" }],
    ["it is too large", "REQUEST_TOO_LARGE", frame(Buffer.alloc(256 * 1024 + 1)), {}],
  ])("because %s speaks the catalogue: %s", async (_name, code, body, headers) => {
    await using open = await openEcho({ say: () => new Promise(() => {}) });
    const authorization = `Bearer ${open.memberToken}`;
    const heard = await ending(open.server.address, body, { authorization, ...headers });
    expect(heard).toMatchObject({ name: "Refusal", code });
  });
});
