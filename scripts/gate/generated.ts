// Generated files: how they are made, and how what is committed differs from them.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const contracts = "packages/contracts/src/gen";
export const apiDocument = "docs/openapi.json";
const apiTypes = "packages/client/src/gen/api.ts";
/** Files and folders with nothing in them that was written by hand. */
export const generatedPlaces: readonly string[] = [contracts, apiDocument, dirname(apiTypes)];
const root = join(import.meta.dirname, "..", "..");
// It needs an older TypeScript than ours, so npm keeps both beside the client.
const typesProgram = join(root, "packages", "client", "node_modules", ".bin", "openapi-typescript");

const ownProtos = ".";
const healthProtos = "node_modules/grpc-health-check/proto";

/** Generates into the folder as if it were the project's; none of it asks the network. */
export function generate(target: string): void {
  generateContracts(target);
  generateClient(target);
}

function generateContracts(target: string): void {
  mkdirSync(join(target, contracts), { recursive: true });
  buf("generate", "--output", target);
  // Reflection describes the health service too. Descriptor sets that follow each other are one descriptor set.
  const sets = [describe(ownProtos), describe(healthProtos)];
  writeFileSync(join(target, contracts, "descriptors.binpb"), Buffer.concat(sets));
}

/** In processes of their own: a gateway must stand on the contracts that were made just now. */
function generateClient(target: string): void {
  const [document, types] = [join(target, apiDocument), join(target, apiTypes)];
  for (const path of [document, types]) mkdirSync(dirname(path), { recursive: true });
  const said = run(process.execPath, [join(root, "scripts", "openapi.ts")]);
  const biome = join(root, "node_modules", ".bin", "biome");
  writeFileSync(document, run(biome, ["format", `--stdin-file-path=${apiDocument}`], said));
  run(process.execPath, [typesProgram, document, "--output", types]);
}

/** The descriptor set of our own protos: what a release promises. */
export const promised = (): Buffer => describe(ownProtos);

function describe(protos: string): Buffer {
  return buf("build", protos, "--output", "-#format=binpb");
}

function buf(...args: string[]): Buffer {
  return run(join(root, "node_modules", ".bin", "buf"), args);
}

function run(program: string, args: readonly string[], input: Buffer = Buffer.alloc(0)): Buffer {
  return execFileSync(program, args, { cwd: root, input, stdio: "pipe", maxBuffer: 64 * 1024 * 1024 });
}

/** One line for each file that is not what the .proto files and the gateway say. */
export function drift(): readonly string[] {
  const fresh = mkdtempSync(join(tmpdir(), "quadrille-generated-"));
  try {
    generate(fresh);
    return generatedPlaces.flatMap((place) => differences(join(root, place), join(fresh, place)));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

export function differences(committed: string, fresh: string): readonly string[] {
  const [have, want] = [filesIn(committed), filesIn(fresh)];
  return [...new Set([...have.keys(), ...want.keys()])].sort().flatMap((path) => {
    const [old, due] = [have.get(path), want.get(path)];
    if (due === undefined) return [`${path} has no source any more`];
    if (old === undefined) return [`${path} is missing`];
    return old.equals(due) ? [] : [`${path} is not what its source says`];
  });
}

/** By their path inside the place, or the file's own name if the place is one; what is not there holds none. */
function filesIn(place: string): ReadonlyMap<string, Buffer> {
  const stats = statSync(place, { throwIfNoEntry: false });
  if (stats === undefined) return new Map();
  return stats.isFile() ? new Map([[basename(place), readFileSync(place)]]) : filesBelow(place);
}

function filesBelow(folder: string): ReadonlyMap<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}
