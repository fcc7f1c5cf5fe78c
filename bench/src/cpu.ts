// How much processor time a process and its children have used: from /proc on Linux, from ps elsewhere.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  /** The program's file name. */
  readonly program: string;
  /** User and system time, in seconds; on Linux with that of children that have ended. */
  readonly seconds: number;
}

/** Linux counts in these, whatever the kernel's own tick is. */
const ticksPerSecond = 100;

export function processTimes(): readonly ProcessTime[] {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,time=,comm="], { encoding: "utf8" });
    return stdout.split("\n").flatMap(readPsLine);
  }
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [readStat(readFileSync(`/proc/${name}/stat`, "utf8"))];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

/** A line of /proc/<pid>/stat; the name in brackets may hold spaces and brackets. */
export function readStat(stat: string): ProcessTime {
  const close = stat.lastIndexOf(")");
  const fields = stat
    .slice(close + 2)
    .split(" ")
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    pid: Number.parseInt(stat, 10),
    parent: fields[1] as number,
    program: stat.slice(stat.indexOf("(") + 1, close),
    seconds: (user + system + childrenUser + childrenSystem) / ticksPerSecond,
  };
}

/** A line such as `  501     1   1:02.50 /usr/local/bin/nats-server`, with days and hours in front if need be. */
export function readPsLine(line: string): readonly ProcessTime[] {
  const [, pid, parent, time = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
  if (pid === undefined) return [];
  const [days, clock] = time.includes("-") ? time.split("-") : ["0", time];
  const ofClock = (clock ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const program = command.trim().split("/").at(-1) as string;
  return [{ pid: Number(pid), parent: Number(parent), program, seconds: Number(days) * 86_400 + ofClock }];
}

/** What a process and every child of it that lives have used, in seconds. */
export function usedBy(pid: number, times: readonly ProcessTime[]): number {
  return times
    .filter((time) => time.pid === pid || time.parent === pid)
    .reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The child of this process that runs that program. */
export function childRunning(program: string, times: readonly ProcessTime[]): number {
  const found = times.find((time) => time.parent === process.pid && time.program === program);
  if (found === undefined) throw new Error(`no ${program} was started from here`);
  return found.pid;
}
