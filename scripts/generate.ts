// Writes what follows from the .proto files: the TypeScript of the contracts, the descriptor set for reflection.
// With --baseline also what this release promises, against which the gate holds every later change.
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generate, generatedFolder } from "./gate/generated.ts";

const root = join(import.meta.dirname, "..");
rmSync(join(root, generatedFolder), { recursive: true, force: true }); // What lost its source must go.
generate(root);
if (process.argv.includes("--baseline")) {
  copyFileSync(join(root, generatedFolder, "descriptors.binpb"), join(root, "proto", "baseline.binpb"));
}
