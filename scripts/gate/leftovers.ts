// What a run leaves behind: processes that carry its mark, files in its own temporary folder.
//
// Beside it other programs come and go, a running stack of this very clone among them. So nothing is compared
// before and after: everything a run starts inherits a mark in its environment, everything it writes aside goes
// to a folder of its own. A port is held by a process, so no process left means no port left.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { commandOf, lifeOf } from "@quadrille/embedded/process-table";

export const markName = "QUADRILLE_GATE";

/** One line for each process and file that is still there after a moment of grace. */
export async function leftovers(folder: string, mark: string): Promise<readonly string[]> {
  let found: readonly string[] = [];
  for (let tries = 0; tries < 30; tries += 1) {
    const processes = processesOf(folder, mark).map((pid) => `process ${pid} still runs: ${titleOf(pid)}`);
    found = [...processes, ...filesIn(folder)];
    if (found.length === 0) break;
    await pause(100);
  }
  return found;
}

/** A copy of PostgreSQL's programs is a cache, made once where they are out of reach; data beside it is not. */
function filesIn(folder: string): readonly string[] {
  const paths = readdirSync(folder).flatMap((name) => {
    if (!name.startsWith("quadrille-postgres-")) return [join(folder, name)];
    const inside = readdirSync(join(folder, name)).filter((each) => !/^\d/.test(each));
    return inside.map((each) => join(folder, name, each));
  });
  return paths.map((path) => `file ${path} was left`);
}

/** Ends what still runs of a run that was broken off, after a moment in which it may end by itself. */
export async function endProcesses(folder: string, mark: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const pids = processesOf(folder, mark);
    if (pids.length === 0) return;
    for (const pid of tries < 30 ? [] : pids) kill(pid);
    await pause(100);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function titleOf(pid: number): string {
  return commandOf(pid).slice(0, 200);
}

function processesOf(folder: string, mark: string): readonly number[] {
  if (process.platform !== "linux") return []; // Elsewhere a process does not tell its environment.
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
  return pids.filter((pid) => isOurs(pid, folder, mark) && lifeOf(pid) !== undefined);
}

/** PostgreSQL writes its title over its environment, but its working directory is its data. */
function isOurs(pid: number, folder: string, mark: string): boolean {
  try {
    if (readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${markName}=${mark}`)) return true;
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
  } catch {
    return false; // It has ended meanwhile, or it is another user's and so not ours.
  }
}
