// Writes what follows from the .proto files: the TypeScript of the contracts, the descriptor set for reflection.
// With --baseline also what this release promises, against which the gate holds every later change.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate, generatedFolder, promised } from "./gate/generated.ts";

const root = join(import.meta.dirname, "..");
rmSync(join(root, generatedFolder), { recursive: true, force: true }); // What lost its source must go.
generate(root);
if (process.argv.includes("--baseline")) {
  writeFileSync(join(root, "proto", "baseline.binpb"), promised());
}
