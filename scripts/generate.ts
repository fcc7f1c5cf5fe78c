// Writes what follows from the .proto files (the TypeScript of the contracts, the descriptor set for reflection) and
// from the gateway: its OpenAPI document, the types of its client.
// With --baseline also what this release promises, against which the gate holds every later change.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate, generatedPlaces, promised } from "./gate/generated.ts";

const root = join(import.meta.dirname, "..");
// What lost its source must go.
for (const place of generatedPlaces) rmSync(join(root, place), { recursive: true, force: true });
generate(root);
if (process.argv.includes("--baseline")) {
  writeFileSync(join(root, "proto", "baseline.binpb"), promised());
}
