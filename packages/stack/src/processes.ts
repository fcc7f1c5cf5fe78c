// The processes of a plan while they run: each is started until it says that it is ready, ended, and started again.
import { type Service as Process, startService } from "@quadrille/embedded";
import type { PlannedProcess } from "./plan.ts";

export interface Listeners {
  /** Hears each line any process writes, with the process's name. */
  readonly log?: ((process: string, line: string) => void) | undefined;
  /** Hears of each process that ended though nobody here ended it. */
  readonly ended?: ((process: string, how: string) => void) | undefined;
}

export interface Processes extends AsyncDisposable {
  /** Those that run, by name: `gateway`, `provider`, `order`, `order-2`, … */
  readonly running: ReadonlyMap<string, Process>;
  /** Ends one at once, as a crash would. Fails when it had ended before. */
  kill(name: string): Promise<void>;
  /** Starts one again, after it was stopped or killed. */
  restart(name: string): Promise<Process>;
}

/** Resolves when every process has said that it is ready; when one does not, all the others are ended. */
export async function startProcesses(
  planned: readonly PlannedProcess[],
  { log, ended }: Listeners,
): Promise<Processes> {
  await using opening = new AsyncDisposableStack();
  const running = new Map<string, Process>();
  const endedHere = new Set<Process>();
  opening.defer(async () => {
    const all = [...running.values()];
    for (const each of all) endedHere.add(each);
    await Promise.all(all.map((each) => each.stop()));
  });
  const start = async ({ name, entry, env }: PlannedProcess) => {
    const started = await startService({ name, entry, env, log: (line) => log?.(name, line) });
    running.set(name, started);
    void started.exited.then((how) => endedHere.has(started) || ended?.(name, how));
    return started;
  };
  await allStarted(planned.map(start));

  const open = opening.move();
  return {
    running,
    async kill(name) {
      const process = running.get(name);
      if (process === undefined) throw new Error(`there is no process ${name}`);
      endedHere.add(process);
      process.kill("SIGKILL");
      const how = await process.exited;
      if (how !== "signal SIGKILL") throw new Error(`${name} had ended by itself: ${how}`);
    },
    restart(name) {
      const plan = planned.find((candidate) => candidate.name === name);
      if (plan === undefined) throw new Error(`there is no process ${name}`);
      return start(plan);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** What fails is told only when all the others are up: one that comes up later would be ended by nobody. */
export async function allStarted<const Starting extends readonly Promise<unknown>[] | readonly unknown[]>(
  starting: Starting,
): Promise<{ -readonly [Each in keyof Starting]: Awaited<Starting[Each]> }> {
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}
