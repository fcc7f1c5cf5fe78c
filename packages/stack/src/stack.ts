// Starts the whole system on this machine: PostgreSQL, nats-server, the payment provider's simulator and every service.
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Service } from "@quadrille/contracts/events";
import { type Service as Process, startNats, startPostgres, startService } from "@quadrille/embedded";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";
import { createDatabases } from "./databases.ts";
import { addressOf, type PlannedProcess, planProvider, planServices } from "./plan.ts";
import { choosePorts } from "./ports.ts";

export interface StackOptions {
  /** Everything the system keeps is below this folder. */
  readonly dataDir: string;
  /** The first of a row of fixed ports; free ones unless told. */
  readonly portBase?: number | undefined;
  /** An outside PostgreSQL whose role may create databases. */
  readonly databaseUrl?: string | undefined;
  /** An outside nats-server with JetStream. */
  readonly natsUrl?: string | undefined;
  /** Processes of each service; 1. */
  readonly replicas?: number | undefined;
  /** Added to every process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Parameters of the embedded PostgreSQL over its defaults. */
  readonly postgresSettings?: Readonly<Record<string, string | number>> | undefined;
  /** Hears each line any process writes, with the process's name. */
  readonly log?: ((process: string, line: string) => void) | undefined;
  /** Hears of each process that ended though nobody here ended it. */
  readonly ended?: ((process: string, how: string) => void) | undefined;
}

export interface Stack extends AsyncDisposable {
  readonly keys: DevKeys;
  readonly natsUrl: string;
  readonly databases: Readonly<Record<Service, string>>;
  /** What a gRPC client dials to reach every replica of a service. */
  readonly addresses: Readonly<Record<Service, string>>;
  readonly providerUrl: string;
  /** The running processes by name: `provider`, `order`, `order-2`, … */
  readonly processes: ReadonlyMap<string, Process>;
  /** Ends one process at once, as a crash would. Fails when it had ended before. */
  kill(name: string): Promise<void>;
  /** Starts one process again, after it was stopped or killed. */
  restart(name: string): Promise<Process>;
}

/** Resolves when every process has said that it is ready. Disposing ends them all, the servers last. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using opening = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const ports = await choosePorts(options.portBase, options.replicas ?? 1);
  const log = (name: string) => (line: string) => options.log?.(name, line);

  const [postgres, nats] = await allStarted([
    options.databaseUrl === undefined
      ? startPostgres({
          dataDir: join(dataDir, "postgres"),
          port: ports.postgres,
          settings: options.postgresSettings,
          log: log("postgres"),
        }).then((server) => opening.use(server))
      : { url: options.databaseUrl },
    options.natsUrl === undefined
      ? startNats({ storeDir: join(dataDir, "nats"), port: ports.nats, log: log("nats") }).then((server) =>
          opening.use(server),
        )
      : { url: options.natsUrl },
  ]);
  const databases = await createDatabases(postgres.url);
  const keys = await openDevKeys(join(dataDir, "keys"));
  const tokenFile = join(dataDir, "keys", "order.token");
  await writeFile(tokenFile, await keys.mintToken({ sub: "order", role: "service", ttlS: 30 * 86_400 }), {
    mode: 0o600,
  });

  const around = {
    ports,
    databases,
    natsUrl: nats.url,
    keys,
    tokenFile,
    providerDir: join(dataDir, "provider"),
    env: options.env ?? {},
  };
  const planned = [planProvider(around), ...planServices(around)];
  const processes = new Map<string, Process>();
  const endedHere = new Set<Process>();
  opening.defer(async () => {
    const running = [...processes.values()];
    for (const each of running) endedHere.add(each);
    await Promise.all(running.map((each) => each.stop()));
  });
  const start = async ({ name, entry, env }: PlannedProcess) => {
    const running = await startService({ name, entry, env, log: log(name) });
    processes.set(name, running);
    void running.exited.then((how) => endedHere.has(running) || options.ended?.(name, how));
    return running;
  };
  await allStarted(planned.map(start));

  const open = opening.move();
  return {
    keys,
    natsUrl: nats.url,
    databases,
    addresses: {
      order: addressOf("order", ports),
      product: addressOf("product", ports),
      member: addressOf("member", ports),
      payment: addressOf("payment", ports),
    },
    providerUrl: `http://127.0.0.1:${ports.provider}`,
    processes,
    async kill(name) {
      const running = processes.get(name);
      if (running === undefined) throw new Error(`there is no process ${name}`);
      endedHere.add(running);
      running.kill("SIGKILL");
      const how = await running.exited;
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
async function allStarted<const Starting extends readonly Promise<unknown>[] | readonly unknown[]>(
  starting: Starting,
): Promise<{ -readonly [Each in keyof Starting]: Awaited<Starting[Each]> }> {
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}
