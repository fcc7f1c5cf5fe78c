// A real nats-server with a JetStream file store as a child process, for development and tests.
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readyOrDead, startChild } from "./child.ts";
import { claimFolder } from "./claim.ts";
import { findNatsServer } from "./find-nats-server.ts";
import { freePort, needFreePort } from "./free-port.ts";

export interface NatsOptions {
  /** The server's own folder. Created if absent; what is in it is used again. */
  readonly storeDir: string;
  /** A free one unless told. */
  readonly port?: number | undefined;
  /** Hears each line the server logs. */
  readonly log?: ((line: string) => void) | undefined;
  /** A bound for the file store; the server's own default unless told. */
  readonly maxFileBytes?: number | undefined;
  /** False removes the folder at the end; true unless told. */
  readonly keep?: boolean | undefined;
}

export interface Nats extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where JetStream keeps its files. */
  readonly jetstreamDir: string;
  /** Says how the server ended. */
  readonly exited: Promise<string>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const readyMsMax = 30_000;
const maxPayloadBytes = 1024 * 1024;

/** Starts the server in `storeDir` and waits until it takes connections. */
export async function startNats(options: NatsOptions): Promise<Nats> {
  const command = await findNatsServer();
  const folder = resolve(options.storeDir);
  // What passes through a development server is nobody else's to read.
  if ((await mkdir(folder, { recursive: true })) !== undefined) await chmod(folder, 0o700);

  await using opening = new AsyncDisposableStack();
  const claim = opening.adopt(await claimFolder(folder, "nats-server"), ({ release }) => release());
  if (options.keep === false) opening.defer(() => rm(folder, { recursive: true, force: true }));
  const port = options.port ?? (await freePort());
  const config = join(folder, "nats-server.conf");
  await writeFile(config, configText(folder, port, options.maxFileBytes));
  await needFreePort(port, "nats-server");

  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  const child = opening.use(
    await startChild({
      name: "nats-server",
      command,
      args: ["--config", config],
      cwd: "/",
      stopSignal: "SIGINT",
      log: (line) => {
        options.log?.(line);
        if (line.includes("Server is ready")) isReady();
      },
    }),
  );
  await claim.runs(child.pid);
  await readyOrDead(child, ready, readyMsMax);
  void child.exited.then(claim.release); // Killed from outside, it can be started again.

  const closing = opening.move();
  const stop = () => closing.disposeAsync();
  const { pid, kill, exited } = child;
  const url = `nats://127.0.0.1:${port}`;
  const jetstreamDir = join(folder, "jetstream");
  return { url, port, pid, jetstreamDir, exited, kill, stop, [Symbol.asyncDispose]: stop };
}

function configText(folder: string, port: number, maxFileBytes: number | undefined): string {
  const limit = maxFileBytes === undefined ? "" : `\n  max_file_store: ${maxFileBytes}`;
  return `server_name: quadrille
host: "127.0.0.1"
port: ${port}
max_payload: ${maxPayloadBytes}
jetstream {
  store_dir: ${JSON.stringify(folder)}${limit}
}
`;
}
