// Server reflection for development, from a descriptor set file as the schema compiler writes it.

import { readFile } from "node:fs/promises";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

/** Served beside ours, and described if the file describes it. */
const healthService = "grpc.health.v1.Health";

/** Generated definitions carry no descriptors: reflection fed with them lists nothing, without a word. Hence the file. */
export async function addReflection(
  server: Server,
  descriptorSetPath: string,
  services: readonly string[],
): Promise<void> {
  const set = await readFile(descriptorSetPath);
  const schema = loadFileDescriptorSetFromBuffer(set);
  const missing = services.filter((name) => schema[name] === undefined);
  if (missing.length > 0) throw new Error(`${descriptorSetPath} does not describe ${missing.join(", ")}`);
  const fileDescriptorProtos = filesOf(set);
  const asWritten = Object.entries(schema).map(([name, about]) => [name, { ...about, fileDescriptorProtos }]);
  const listed = [...services, healthService].filter((name) => schema[name] !== undefined);
  new ReflectionService(Object.fromEntries(asWritten), { services: listed }).addToServer(server);
}

/** The files of a FileDescriptorSet, untouched: the loader's own are merged by package, and strict clients reject those. */
function filesOf(set: Uint8Array): Buffer[] {
  const reader = new BinaryReader(set);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(type, field);
  }
  return files;
}
