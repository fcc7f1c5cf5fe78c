// The nats-server program: from the PATH, from the project's cache, or from Debian's package into that cache.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export interface Search {
  readonly path?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly platform?: NodeJS.Platform | undefined;
}

const run = promisify(execFile);
const projectCache = join(import.meta.dirname, "..", "..", "..", ".cache", "nats-server");

/** The path of a nats-server that can be run; fails with what to do where there is none. */
export async function findNatsServer(search: Search = {}): Promise<string> {
  const { path = process.env.PATH ?? "", cacheDir = projectCache, platform = process.platform } = search;
  const inPath = path.split(delimiter).map((folder) => join(folder, "nats-server"));
  const cached = join(cacheDir, `${platform}-${process.arch}`, "nats-server");
  const found = [...inPath, cached].find(isProgram);
  if (found !== undefined) return found;
  if (platform !== "linux" || !hasApt(path)) throw new Error(advice(platform));
  try {
    await unpackDebianPackage(cached, path);
  } catch (error) {
    throw new Error(`${advice(platform)}\nFetching Debian's package failed: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return cached;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function hasApt(path: string): boolean {
  const folders = path.split(delimiter);
  return ["apt-get", "dpkg-deb"].every((program) =>
    folders.some((folder) => isProgram(join(folder, program))),
  );
}

/** Takes the one program out of the package; nothing is installed on the system, no right of root is needed. */
async function unpackDebianPackage(target: string, path: string): Promise<void> {
  const env = { ...process.env, PATH: path };
  // Outside the project: apt, as root, hands the download to an account that cannot reach every clone.
  const folder = await mkdtemp(join(realpathSync(tmpdir()), "quadrille-nats-"));
  try {
    await download(folder, env);
    const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
    if (archive === undefined) throw new Error("apt-get brought no package.");
    await run("dpkg-deb", ["-x", join(folder, archive), join(folder, "unpacked")], { env });
    await moveInto(join(folder, "unpacked", "usr", "sbin", "nats-server"), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** From the system's package lists; where they are missing, from lists of our own, fetched for this once. */
async function download(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const asRoot = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  const get = (...args: string[]) => run("apt-get", [...asRoot, ...args], { cwd: folder, env });
  try {
    await get("download", "nats-server");
  } catch {
    const state = join(folder, "lists");
    await mkdir(join(state, "partial"), { recursive: true });
    const own = ["-o", `Dir::State::lists=${state}`, "-o", `Dir::Cache=${folder}`];
    await get(...own, "update");
    await get(...own, "download", "nats-server");
  }
}

/** By a rename on the same disk, so that two who fetch at once both end with a whole program. */
async function moveInto(program: string, target: string): Promise<void> {
  if (!existsSync(program)) throw new Error("the package holds no usr/sbin/nats-server.");
  await mkdir(join(target, ".."), { recursive: true });
  const draft = `${target}.${randomUUID()}.draft`;
  await cp(program, draft);
  await rename(draft, target);
}

function advice(platform: NodeJS.Platform): string {
  const command = platform === "darwin" ? "brew install nats-server" : "sudo apt-get install nats-server";
  return (
    "nats-server was not found, and without it the services cannot talk to each other: npm start, the nats tests " +
    `and the end-to-end tests cannot run. Install it with \`${command}\`, or put the program of that name anywhere ` +
    "in the PATH, or give the address of a running one as NATS_URL."
  );
}
