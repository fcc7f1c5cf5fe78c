// Starts the whole system on this machine: PostgreSQL, nats-server, the payment provider's simulator, every service and the gateway.
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Service } from "@quadrille/contracts/events";
import { startNats, startPostgres } from "@quadrille/embedded";
import { type DevKeys, openDevKeys } from "@quadrille/rpc/devkeys";
import { createDatabases } from "./databases.ts";
import { addressOf, planGateway, planProvider, planServices, providerUrlOf } from "./plan.ts";
import { choosePorts, type Ports } from "./ports.ts";
import { allStarted, type Listeners, type Processes, startProcesses } from "./processes.ts";

export interface StackOptions extends Listeners {
  /** Everything the system keeps is below this folder. */
  readonly dataDir: string;
  /** The first of a row of fixed ports; free ones unless told. */
  readonly portBase?: number | undefined;
  /** An outside PostgreSQL whose role may create databases. */
  readonly databaseUrl?: string | undefined;
  /** An outside nats-server with JetStream. */
  readonly natsUrl?: string | undefined;
  /** Processes of each service and of the gateway; 1. */
  readonly replicas?: number | undefined;
  /** Added to every process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Parameters of the embedded PostgreSQL over its defaults. */
  readonly postgresSettings?: Readonly<Record<string, string | number>> | undefined;
}

export interface Stack extends AsyncDisposable {
  readonly keys: DevKeys;
  readonly natsUrl: string;
  readonly databases: Readonly<Record<Service, string>>;
  /** What a gRPC client dials to reach every replica of a service. */
  readonly addresses: Readonly<Record<Service, string>>;
  /** Where the gateway is: `http://127.0.0.1:7000`. */
  readonly gatewayUrl: string;
  /** The same for every process of the gateway, the one above first. */
  readonly gatewayUrls: readonly string[];
  readonly providerUrl: string;
  readonly processes: Processes["running"];
  readonly kill: Processes["kill"];
  readonly restart: Processes["restart"];
}

/** Resolves when every process has said that it is ready. Disposing ends them all, the servers last. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using opening = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const ports = await choosePorts(options.portBase, options.replicas ?? 1);
  const servers = opening.use(await startServers(options, dataDir, ports));
  const databases = await createDatabases(servers.postgresUrl);
  const keys = await openDevKeys(join(dataDir, "keys"));
  const around = {
    ports,
    databases,
    natsUrl: servers.natsUrl,
    keys,
    tokenFile: await writeOrderToken(dataDir, keys),
    providerDir: join(dataDir, "provider"),
    env: options.env ?? {},
  };
  const planned = [planProvider(around), ...planServices(around), ...planGateway(around)];
  const processes = opening.use(await startProcesses(planned, options));

  const gatewayUrls = ports.gateway.map((port) => `http://127.0.0.1:${port}`);
  const [gatewayUrl = ""] = gatewayUrls;
  const open = opening.move();
  return {
    keys,
    natsUrl: servers.natsUrl,
    databases,
    addresses: {
      order: addressOf("order", ports),
      product: addressOf("product", ports),
      member: addressOf("member", ports),
      payment: addressOf("payment", ports),
    },
    gatewayUrl,
    gatewayUrls,
    providerUrl: providerUrlOf(ports),
    processes: processes.running,
    kill: processes.kill,
    restart: processes.restart,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** PostgreSQL and nats-server, ours or, where the options name one, somebody else's. */
async function startServers(options: StackOptions, dataDir: string, ports: Ports) {
  await using opening = new AsyncDisposableStack();
  const log = (name: string) => (line: string) => options.log?.(name, line);
  const ownPostgres = () =>
    startPostgres({
      dataDir: join(dataDir, "postgres"),
      port: ports.postgres,
      settings: options.postgresSettings,
      log: log("postgres"),
    }).then((server) => opening.use(server).url);
  const ownNats = () =>
    startNats({ storeDir: join(dataDir, "nats"), port: ports.nats, log: log("nats") }).then(
      (server) => opening.use(server).url,
    );
  const [postgresUrl, natsUrl] = await allStarted([
    options.databaseUrl ?? ownPostgres(),
    options.natsUrl ?? ownNats(),
  ]);
  const open = opening.move();
  return { postgresUrl, natsUrl, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** The order service's own token, in a file of its own that nobody else may read. */
async function writeOrderToken(dataDir: string, keys: DevKeys): Promise<string> {
  const file = join(dataDir, "keys", "order.token");
  const token = await keys.mintToken({ sub: "order", role: "service", ttlS: 30 * 86_400 });
  await writeFile(file, token, { mode: 0o600 });
  return file;
}
