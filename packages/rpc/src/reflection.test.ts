import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, credentials } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "@jest/globals";
import { openEcho, openFolder } from "./testing/open.ts";

/** A descriptor set as `buf build -o` writes it: the files of the schema, one after the other. */
async function writeDescriptorSet(folder: string, proto: string, type: string): Promise<string> {
  const schema = loadSync(new URL(`testing/${proto}`, import.meta.url).pathname);
  // biome-ignore lint/suspicious/noExplicitAny: only its descriptors are of interest.
  const { fileDescriptorProtos } = schema[type] as MessageTypeDefinition<any, any>;
  const set = new BinaryWriter();
  for (const file of fileDescriptorProtos) set.tag(1, WireType.LengthDelimited).bytes(file);
  const path = join(folder, "schema.binpb");
  await writeFile(path, set.finish());
  return path;
}

interface Reply {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

/** Asks as a command line tool does, without a token. */
async function ask(address: string, question: object): Promise<Reply> {
  const home = dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json"));
  const schema = loadSync(join(home, "build/proto/grpc/reflection/v1/reflection.proto"), {
    longs: String,
    oneofs: true,
  });
  // biome-ignore lint/suspicious/noExplicitAny: a definition out of a file has no types.
  const method = (schema["grpc.reflection.v1.ServerReflection"] as any).ServerReflectionInfo;
  const connection = new Client(address, credentials.createInsecure());
  try {
    const stream = connection.makeBidiStreamRequest<object, Reply>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    );
    return await new Promise<Reply>((resolve, reject) => {
      stream.on("error", reject).on("data", resolve);
      stream.write(question);
      stream.end();
    });
  } finally {
    connection.close();
  }
}

describe("reflection", () => {
  test("lists what is served and describes it", async () => {
    await using folder = await openFolder();
    const reflection = await writeDescriptorSet(
      folder.path,
      "echo.proto",
      "quadrille.testing.v1.EchoRequest",
    );
    await using open = await openEcho({}, { reflection });
    const list = await ask(open.server.address, { listServices: "" });
    expect(list.listServicesResponse?.service.map(({ name }) => name)).toEqual([
      "quadrille.testing.v1.EchoService",
    ]);
    const file = await ask(open.server.address, { fileContainingSymbol: "quadrille.testing.v1.EchoService" });
    const [bytes] = file.fileDescriptorResponse?.fileDescriptorProto ?? [];
    expect(bytes?.includes("EchoRequest")).toBe(true);
  });

  test("is off unless asked for", async () => {
    await using open = await openEcho();
    await expect(ask(open.server.address, { listServices: "" })).rejects.toMatchObject({ code: 12 });
  });

  test("a descriptor set without a service that is served stops the start", async () => {
    await using folder = await openFolder();
    const reflection = await writeDescriptorSet(folder.path, "status.proto", "google.rpc.Status");
    await expect(openEcho({}, { reflection })).rejects.toThrow(
      `${reflection} does not describe quadrille.testing.v1.EchoService`,
    );
  });
});
