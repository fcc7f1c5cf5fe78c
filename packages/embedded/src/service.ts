// One of our own services as a child process, run by the Node that runs this.
import { type Child, readyOrDead, startChild } from "./child.ts";

export interface ServiceOptions {
  readonly name: string;
  /** The `.ts` file to run. */
  readonly entry: string;
  readonly args?: readonly string[] | undefined;
  /** Added to this process's own environment; undefined takes a variable away. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  /** Recognises the line that says it is ready; a JSON line with `"msg":"ready"` unless told. */
  readonly readyLine?: ((line: string) => boolean) | undefined;
  readonly readyMsMax?: number | undefined;
  /** Hears each line the service writes. */
  readonly log?: ((line: string) => void) | undefined;
}

export type Service = Child;

/** Starts the service and waits until it says that it is ready; fails with the end of its log when it dies first. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { name, entry, args = [], readyLine = saysReady, readyMsMax = 30_000 } = options;
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  await using opening = new AsyncDisposableStack();
  const child = opening.use(
    await startChild({
      name,
      command: process.execPath,
      args: [entry, ...args],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      log: (line) => {
        options.log?.(line);
        if (readyLine(line)) isReady();
      },
    }),
  );
  await readyOrDead(child, ready, readyMsMax);
  opening.move();
  return child;
}

function saysReady(line: string): boolean {
  if (!line.includes('"ready"')) return false;
  try {
    return (JSON.parse(line) as { msg?: unknown }).msg === "ready";
  } catch {
    return false; // Not every line of a process is JSON.
  }
}
