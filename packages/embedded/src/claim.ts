// A folder has one server at a time: who runs in it is written down, and the leftover of a dead parent is ended.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lifeOf } from "./process-table.ts";

interface Process {
  readonly pid: number;
  readonly life: string | undefined;
}

interface Running {
  readonly parent: Process;
  readonly child?: Process;
}

export interface Claim {
  /** Writes down the server that now runs in the folder. */
  runs(pid: number): Promise<void>;
  release(): Promise<void>;
}

const endingMsMax = 12_000;
const retryMs = 100;

/** Claims the folder for this process; fails when the server of a living process runs in it. */
export async function claimFolder(folder: string, what: string): Promise<Claim> {
  const file = join(folder, "running.json");
  const parent = { pid: process.pid, life: lifeOf(process.pid) };
  const write = (running: Running, flag: "w" | "wx") => writeFile(file, JSON.stringify(running), { flag });
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    if (await created(write({ parent }, "wx"))) break;
    const found = await readRunning(file);
    if (found === undefined) continue; // Released between the two looks.
    if (isAlive(found.parent)) {
      // A server that was just killed has ended a moment before its claim is released.
      if (waitedMs < 1_000) await pause(retryMs);
      else throw new Error(`${what} in ${folder} already runs, started by process ${found.parent.pid}.`);
    } else {
      if (found.child !== undefined) await end(found.child);
      await rm(file, { force: true });
    }
  }
  return {
    runs: (pid) => write({ parent, child: { pid, life: lifeOf(pid) } }, "w"),
    release: () => rm(file, { force: true }),
  };
}

function isAlive({ pid, life }: Process): boolean {
  return life !== undefined && lifeOf(pid) === life;
}

async function end(leftover: Process): Promise<void> {
  for (let waitedMs = 0; isAlive(leftover); waitedMs += retryMs) {
    // SIGINT is a fast and orderly end for PostgreSQL and for nats-server alike.
    process.kill(leftover.pid, waitedMs < endingMsMax ? "SIGINT" : "SIGKILL");
    await pause(retryMs);
  }
}

async function created(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function readRunning(file: string): Promise<Running | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Running;
  } catch {
    // Gone, or caught while it was being written: the next look will tell.
    await pause(retryMs);
    return undefined;
  }
}
