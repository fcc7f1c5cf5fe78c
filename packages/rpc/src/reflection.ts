// Server reflection for development, from a descriptor set file as the schema compiler writes it.

import { readFile } from "node:fs/promises";
import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

/** Generated definitions carry no descriptors: reflection fed with them lists nothing, without a word. Hence the file. */
export async function addReflection(
  server: Server,
  descriptorSetPath: string,
  services: readonly string[],
): Promise<void> {
  const schema = loadFileDescriptorSetFromBuffer(await readFile(descriptorSetPath));
  const missing = services.filter((name) => schema[name] === undefined);
  if (missing.length > 0) throw new Error(`${descriptorSetPath} does not describe ${missing.join(", ")}`);
  new ReflectionService(schema, { services: [...services] }).addToServer(server);
}
