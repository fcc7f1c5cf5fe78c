// `scripts/start.ts` as a child of the test, and proof that nothing of it outlives it.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Child, startChild } from "@quadrille/embedded/child";
import { isFree } from "@quadrille/embedded/free-port";
import { commandOf, lifeOf } from "@quadrille/embedded/process-table";

export const repository = resolve(import.meta.dirname, "../..");
const markName = "QUADRILLE_TEST_MARK";

export interface Run extends AsyncDisposable {
  readonly child: Child;
  /** Everything printed so far. */
  text(): string;
  /** Resolves when the text is printed; fails when the run ends before. */
  printed(text: string): Promise<void>;
  /** One line for each process that the run started and that still lives. */
  processes(): readonly string[];
}

export interface StartOptions {
  readonly root?: string;
  readonly args?: readonly string[];
  readonly dataDir: string;
  readonly portBase: number;
  readonly env?: NodeJS.ProcessEnv;
}

export async function runStart(options: StartOptions): Promise<Run> {
  const { root = repository, args = [], dataDir, portBase, env = {} } = options;
  const mark = randomUUID();
  const lines: string[] = [];
  const child = await startChild({
    name: "start",
    command: process.execPath,
    args: [join(root, "scripts/start.ts"), ...args],
    cwd: root,
    env: { ...process.env, PORT_BASE: `${portBase}`, DATA_DIR: dataDir, [markName]: mark, ...env },
    log: (line) => lines.push(line),
  });
  let isOver = false;
  void child.exited.then(() => {
    isOver = true;
  });
  const text = () => lines.join("\n");
  return {
    child,
    text,
    processes: () => processesOf(mark, dataDir),
    async printed(wanted) {
      while (!text().includes(wanted)) {
        if (isOver) throw new Error(`it ended before it said "${wanted}":\n${text()}`);
        await pause(50);
      }
    },
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

/** Their environment carries the mark; PostgreSQL writes over its own, but works in its data folder. */
function processesOf(mark: string, dataDir: string): readonly string[] {
  const isOurs = (pid: number) => {
    try {
      if (readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${markName}=${mark}`)) return true;
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(dataDir);
    } catch {
      return false; // It ended while we looked, or it is not ours to look at.
    }
  };
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
  return pids
    .filter((pid) => isOurs(pid) && lifeOf(pid) !== undefined)
    .map((pid) => `${pid} ${commandOf(pid).slice(0, 120)}`);
}

/** The places of `packages/stack/src/ports.ts`, said again on purpose: people put them into their scripts. */
export const places = {
  gateway: 0,
  order: 1,
  product: 2,
  member: 3,
  payment: 4,
  provider: 5,
  nats: 22,
  postgres: 32,
};

/** The first of a row of ports of which nobody has one, below those that `freePort` gives to other tests. */
export async function freeRow(): Promise<number> {
  for (;;) {
    const base = 10_000 + Math.floor(Math.random() * 99) * 100;
    if ((await takenPorts(base)).length === 0) return base;
  }
}

/** Those of the row that somebody listens on. */
export async function takenPorts(base: number): Promise<string[]> {
  const taken: string[] = [];
  for (const [name, place] of Object.entries(places)) if (!(await isFree(base + place))) taken.push(name);
  return taken;
}

/** The repository's sources in another folder, with its installed packages, ready to be spoilt. */
export async function copyRepository(to: string): Promise<void> {
  const workspaces = ["packages", "services", "simulators"];
  for (const name of [...workspaces, "scripts", "package.json"])
    await cp(join(repository, name), join(to, name), { recursive: true });
  await symlink(join(repository, ".cache"), join(to, ".cache"));
  const modules = join(repository, "node_modules");
  await mkdir(join(to, "node_modules", "@quadrille"), { recursive: true });
  for (const name of await readdir(modules))
    if (name !== "@quadrille") await symlink(join(modules, name), join(to, "node_modules", name));
  for (const folder of workspaces)
    for (const name of await readdir(join(to, folder)))
      await symlink(join(to, folder, name), join(to, "node_modules", "@quadrille", name));
}
