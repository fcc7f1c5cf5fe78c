// Every method of every service that changes something, read from the generated definitions: those whose request has an id.
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Definition } from "@quadrille/rpc/service";

export type Method = Definition[string];

const generated = join(import.meta.dirname, "../../packages/contracts/src/gen");

/** By path, such as `/quadrille.order.v1.OrderService/PlaceOrder`. */
export async function writes(): Promise<ReadonlyMap<string, Method>> {
  const found = new Map<string, Method>();
  for (const file of globSync("**/*_service.ts", { cwd: generated }).toSorted()) {
    const exported = (await import(pathToFileURL(join(generated, file)).href)) as Record<string, unknown>;
    for (const method of Object.values(exported).flatMap(methodsIn)) {
      const request = method.requestDeserialize(Buffer.alloc(0)) as object;
      if ("requestId" in request) found.set(method.path, method);
    }
  }
  return found;
}

/** The methods of an export that is a service definition; of anything else, none. */
function methodsIn(exported: unknown): readonly Method[] {
  if (typeof exported !== "object" || exported === null) return [];
  return Object.values(exported).filter((value) => typeof value?.path === "string" && value.path[0] === "/");
}
