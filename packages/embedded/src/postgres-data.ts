// The data directory: where it lies, how it is made, what a crash may have left in it.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, readFileSync, rmSync } from "node:fs";
import {
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Account, canReach } from "./account.ts";
import { reachableFolder } from "./postgres-binaries.ts";
import { commandOf } from "./process-table.ts";

export const databaseUser = "quadrille";

/** Makes the data directory of a server folder unless it is there; answers with its path. */
export async function prepareData(
  folder: string,
  initdb: string,
  account: Account | undefined,
  durable: boolean,
): Promise<string> {
  const pgData = await placeForData(folder, account);
  if (!existsSync(pgData)) await initialise(initdb, pgData, account, durable);
  return pgData;
}

export function readPassword(pgData: string): Promise<string> {
  return readFile(passwordFile(pgData), "utf8");
}

export async function removeData(pgData: string): Promise<void> {
  await rm(pgData, { recursive: true, force: true });
  await rm(passwordFile(pgData), { force: true });
  await rm(homeFile(pgData), { force: true });
  await rmdir(dirname(pgData)).catch(() => {}); // Of use to somebody else unless it is empty now.
}

/**
 * A server that was killed leaves its pid in a file and the next one makes sure that it is gone. After a
 * restart of the machine that pid may be somebody else's, and the server would refuse to start for ever.
 */
export function forgetReusedPid(pgData: string): void {
  const file = join(pgData, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const command = commandOf(pid);
  // Of a dead pid the server takes care itself, and better: it waits for its last sessions to end.
  if (command !== "" && !command.includes("postgres")) rmSync(file);
}

/** In the folder itself, or, where the account cannot reach it, in one within reach that the folder points to. */
async function placeForData(folder: string, account: Account | undefined): Promise<string> {
  const place = join(folder, "data");
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) return readlink(place);
  if (found !== undefined || canReach(folder, account)) return place;
  const digest = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const moved = join(reachableFolder(), `data-${digest}`);
  await removeForgottenData(reachableFolder());
  await removeData(moved); // Nothing points to it, or we would have followed.
  reachableFolder(); // Removed as well, perhaps, when it held nothing else.
  await symlink(moved, place);
  await writeFile(homeFile(moved), folder);
  return moved;
}

/** Who removes a server's folder means its data too, wherever it was moved to. */
async function removeForgottenData(reachable: string): Promise<void> {
  for (const name of await readdir(reachable)) {
    const pgData = join(reachable, name.replace(/\.home$/, ""));
    if (!name.endsWith(".home")) continue;
    const home = await readFile(join(reachable, name), "utf8").catch(() => undefined);
    if (home === undefined) continue; // Removed meanwhile by somebody who does the same.
    if (lstatSync(join(home, "data"), { throwIfNoEntry: false }) === undefined) await removeData(pgData);
  }
}

/** The last step is a rename, so an interrupted start never leaves half a data directory. */
async function initialise(
  initdb: string,
  pgData: string,
  account: Account | undefined,
  durable: boolean,
): Promise<void> {
  const draft = `${pgData}.draft`;
  await rm(draft, { recursive: true, force: true });
  await rm(passwordFile(pgData), { force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile(pgData), randomBytes(16).toString("hex"), { mode: 0o600 });
  if (account !== undefined) {
    await chown(draft, account.uid, account.gid);
    await chown(passwordFile(pgData), account.uid, account.gid);
  }
  const args = [
    `--pgdata=${draft}`,
    `--username=${databaseUser}`,
    `--pwfile=${passwordFile(pgData)}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    // Built into the server, so it sorts and folds alike on every system.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
    ...(durable ? [] : ["--no-sync"]),
  ];
  await run(initdb, args, account);
  await rename(draft, pgData);
}

/** Says which folder points to data that was moved. */
function homeFile(pgData: string): string {
  return `${pgData}.home`;
}

function passwordFile(pgData: string): string {
  return `${pgData}.password`;
}

function run(command: string, args: readonly string[], account: Account | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, LC_ALL: "C" };
    const child = spawn(command, args, { ...account, cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb ended with exit code ${code}:\n${output}`));
    });
  });
}
