// Generated code: how it is made, and how what is committed differs from it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const generatedFolder = "packages/contracts/src/gen";
const root = join(import.meta.dirname, "..", "..");

const ownProtos = ".";
const healthProtos = "node_modules/grpc-health-check/proto";

/** Generates into the folder as if it were the project's; buf asks no network for any of it. */
export function generate(target: string): void {
  mkdirSync(join(target, generatedFolder), { recursive: true });
  buf("generate", "--output", target);
  // Reflection describes the health service too. Descriptor sets that follow each other are one descriptor set.
  const sets = [describe(ownProtos), describe(healthProtos)];
  writeFileSync(join(target, generatedFolder, "descriptors.binpb"), Buffer.concat(sets));
}

/** The descriptor set of our own protos: what a release promises. */
export const promised = (): Buffer => describe(ownProtos);

function describe(protos: string): Buffer {
  return buf("build", protos, "--output", "-#format=binpb");
}

function buf(...args: string[]): Buffer {
  return execFileSync(join(root, "node_modules", ".bin", "buf"), args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** One line for each file that is not what the .proto files say. */
export function drift(): readonly string[] {
  const fresh = mkdtempSync(join(tmpdir(), "quadrille-generated-"));
  try {
    generate(fresh);
    return differences(join(root, generatedFolder), join(fresh, generatedFolder));
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

function filesIn(folder: string): ReadonlyMap<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}
