import { connect, type IncomingHttpHeaders } from "node:http2";
import { Client, credentials, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { watchEndings } from "./endings.ts";
import { statusError } from "./status.ts";
import { EchoService } from "./testing/echo.ts";
import { openEcho } from "./testing/open.ts";
import { until } from "./testing/raw.ts";

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

test("a stream is forgotten when it ends, whoever ended it", async () => {
  const endings = watchEndings(() => false);
  const server = new Server({ interceptors: [endings.interceptor] });
  const { path, requestSerialize, responseSerialize, requestDeserialize, responseDeserialize } =
    EchoService.repeat;
  const handler = (stream: { request: { text: string }; end(): void }) => {
    if (stream.request.text === "end") stream.end();
  };
  server.register(path, handler as never, responseSerialize, requestDeserialize, "serverStream");
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const connection = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const open = (text: string) => {
    const stream = connection.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      text,
      times: 1,
    });
    return stream.on("error", () => {}).resume();
  };
  const [first] = [open("wait"), open("wait"), open("end")];
  await until(() => endings.openStreams === 2);
  first?.cancel();
  await until(() => endings.openStreams === 1);
  endings.endStreams();
  await until(() => endings.openStreams === 0);
  connection.close();
  await new Promise((resolve) => server.tryShutdown(resolve));
});
