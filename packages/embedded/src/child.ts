// One child process: started, watched, ended with its parent, however the parent ends.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Account } from "./account.ts";

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  readonly account?: Account | undefined;
  /** How it is asked to end; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** Hears each line of stdout and stderr. */
  readonly log?: ((line: string) => void) | undefined;
}

export interface Child extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Says how it ended: "exit code 1", "signal SIGKILL". */
  readonly exited: Promise<string>;
  /** The last lines it wrote. */
  tail(): string;
  /** Sends a signal; does nothing when it has already ended. */
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, and ends it after ten seconds. */
  stop(): Promise<void>;
}

const stopMsMax = 10_000;
const tailLinesMax = 60;

// Waits until its standard input closes, which happens when the parent is gone, even by SIGKILL; then it ends
// the child as the parent would have. A line instead of the end means: the child has ended, go home.
const watchdogScript = `
read -r _ && exit 0
kill -s "$2" "$1" 2>/dev/null || exit 0
kill -s CONT "$1" 2>/dev/null
tries=0
while [ $tries -lt 100 ]; do
  kill -0 "$1" 2>/dev/null || exit 0
  read -r _ _ state _ 2>/dev/null < "/proc/$1/stat" && [ "$state" = Z ] && exit 0
  sleep 0.1
  tries=$((tries + 1))
done
kill -s KILL "$1" 2>/dev/null
`;

export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, stopSignal = "SIGTERM" } = options;
  // Its own session: a Ctrl-C in the terminal reaches the parent alone, which ends its children in good order.
  const child = spawn(options.command, options.args, {
    ...options.account,
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const tail: string[] = [];
  const onLine = (line: string) => {
    if (tail.push(line) > tailLinesMax) tail.shift();
    options.log?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", onLine);
  // "close" and not "exit": then the last lines have been read as well.
  const exited = new Promise<string>((resolve) => {
    child.once("close", (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
  const pid = await spawned(child, name);
  const watchdog = startWatchdog(pid, stopSignal);
  const dismissed = exited.then(() => dismiss(watchdog));

  const stop = async () => {
    child.kill(stopSignal);
    child.kill("SIGCONT"); // A stopped process could not hear it.
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    await dismissed;
    clearTimeout(timer);
  };
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return { name, pid, exited, tail: () => tail.join("\n"), kill, stop, [Symbol.asyncDispose]: stop };
}

/** Fails when the child ends before `ready` is fulfilled, and shows what it said last. */
export async function readyOrDead(child: Child, ready: Promise<unknown>, msMax: number): Promise<void> {
  const dead = child.exited.then((how) => {
    throw new Error(`${child.name} ended with ${how} before it was ready:\n${child.tail()}`);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const say = () => reject(new Error(`${child.name} was not ready after ${msMax} ms:\n${child.tail()}`));
    timer = setTimeout(say, msMax);
  });
  try {
    await Promise.race([ready, dead, late]);
  } finally {
    clearTimeout(timer);
    dead.catch(() => {}); // Its later end is no news to anybody here.
  }
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid as number));
    child.once("error", (error) => reject(new Error(`${name} could not be started: ${error.message}`)));
  });
}

function startWatchdog(pid: number, stopSignal: NodeJS.Signals): ChildProcess {
  const args = ["-c", watchdogScript, "quadrille-watchdog", String(pid), stopSignal.slice("SIG".length)];
  return spawn("/bin/sh", args, { stdio: ["pipe", "ignore", "ignore"], cwd: "/", detached: true });
}

async function dismiss(watchdog: ChildProcess): Promise<void> {
  if (watchdog.exitCode !== null || watchdog.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => watchdog.once("exit", () => resolve()));
  watchdog.stdin?.on("error", () => {}); // It may be gone before the line arrives.
  watchdog.stdin?.end("\n");
  await gone;
}
