// The account PostgreSQL runs as: it refuses to be root, so root lends it an account that is already there.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const candidates = ["nobody", "daemon"];

/** An existing unprivileged account when this process is root; undefined when it may simply stay who it is. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of candidates) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `PostgreSQL does not run as root, and none of the accounts ${candidates.join(", ")} exists. ` +
      "Run this as an ordinary user.",
  );
}

/** Asks as that account itself, because a folder anywhere above can keep it out. */
export function canReach(path: string, account: Account | undefined): boolean {
  const script = '[ -r "$1" ] && [ -x "$1" ]';
  return spawnSync("/bin/sh", ["-c", script, "sh", path], { ...account, cwd: "/" }).status === 0;
}
