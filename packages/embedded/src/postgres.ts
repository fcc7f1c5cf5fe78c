// A real PostgreSQL 18 as a child process, for development and tests.
import { chmod, mkdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { type Account, unprivilegedAccount } from "./account.ts";
import { type Child, readyOrDead, startChild } from "./child.ts";
import { claimFolder } from "./claim.ts";
import { freePort, needFreePort } from "./free-port.ts";
import { postgresPrograms } from "./postgres-binaries.ts";
import { databaseUser, forgetReusedPid, prepareData, readPassword, removeData } from "./postgres-data.ts";

export interface PostgresOptions {
  /** The server's own folder. Created if absent; what is in it is used again. */
  readonly dataDir: string;
  /** A free one unless told. */
  readonly port?: number | undefined;
  /** Hears each line the server logs. */
  readonly log?: ((line: string) => void) | undefined;
  /** Server parameters over the defaults below. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
  /** False removes the folder and the data at the end; true unless told. */
  readonly keep?: boolean | undefined;
}

export interface Postgres extends AsyncDisposable {
  /** Ends in a slash: append the name of a database. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The server's data directory, which is not always below `dataDir`. */
  readonly pgData: string;
  /** Says how the server ended, once no process of it is left. */
  readonly exited: Promise<string>;
  /** Creates the database unless it exists; answers with its URL. */
  createDatabase(name: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** A fast shutdown: sessions are ended, nothing committed is lost. */
  stop(): Promise<void>;
}

const readyMsMax = 60_000;
const defaults = {
  max_connections: 200,
  shared_buffers: "256MB",
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  // Reached over loopback alone: the path of a socket in a deep folder would be too long.
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  random_page_cost: 1.1,
  log_checkpoints: "off",
  log_min_messages: "warning",
  // Parallel queries need /dev/shm, of which a container has little.
  max_parallel_workers_per_gather: 0,
  timezone: "UTC",
};

/** Starts the server in `dataDir` and waits until it answers. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const folder = resolve(options.dataDir);
  const account = unprivilegedAccount();
  const programs = await postgresPrograms(account);
  if ((await mkdir(folder, { recursive: true })) !== undefined) await chmod(folder, 0o755);

  if (options.port !== undefined) await needFreePort(options.port, "PostgreSQL");
  await using opening = new AsyncDisposableStack();
  const claim = opening.adopt(await claimFolder(folder, "PostgreSQL"), ({ release }) => release());
  if (options.keep === false) opening.defer(() => rm(folder, { recursive: true, force: true }));
  const durable = options.settings?.fsync !== "off";
  const pgData = await prepareData(folder, programs.initdb, account, durable);
  if (options.keep === false) opening.defer(() => removeData(pgData));

  const port = options.port ?? (await freePort());
  const url = `postgres://${databaseUser}:${await readPassword(pgData)}@127.0.0.1:${port}/`;
  forgetReusedPid(pgData);
  const child = opening.use(await startServer(programs.postgres, pgData, port, account, options));
  await claim.runs(child.pid);
  await readyOrDead(child, answering(child, url), readyMsMax);
  void child.exited.then(claim.release); // Killed from outside, it can be started again.

  const closing = opening.move();
  const stop = () => closing.disposeAsync();
  const createDatabase = (name: string) => createAbsentDatabase(url, name);
  const { pid, kill, exited } = child;
  return { url, port, pid, pgData, exited, createDatabase, kill, stop, [Symbol.asyncDispose]: stop };
}

function startServer(
  postgres: string,
  pgData: string,
  port: number,
  account: Account | undefined,
  { settings, log }: PostgresOptions,
): Promise<Child> {
  const parameters = Object.entries({ ...defaults, ...settings, port });
  return startChild({
    name: "PostgreSQL",
    command: postgres,
    args: ["-D", pgData, ...parameters.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    cwd: "/",
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    account,
    stopSignal: "SIGINT",
    log,
  });
}

async function answering(child: Child, url: string): Promise<void> {
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const client = new pg.Client({ connectionString: `${url}postgres`, connectionTimeoutMillis: 2_000 });
    client.on("error", () => {}); // The server may end while we ask.
    try {
      await client.connect();
      await client.query("select 1");
      return;
    } catch {
      await pause(25);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

async function createAbsentDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: `${url}postgres` });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return `${url}${encodeURIComponent(name)}`;
}
