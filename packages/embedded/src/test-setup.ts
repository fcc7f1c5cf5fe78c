// Jest's global setup: one PostgreSQL for all database tests of a run, one nats-server for all bus tests.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNats } from "./nats.ts";
import { startPostgres } from "./postgres.ts";

/** Jest may load setup and teardown as two copies of a module; what is global they share. */
interface TestServers {
  open: AsyncDisposableStack;
  started: Set<string>;
}

const key = Symbol.for("quadrille.test-servers");
const store = globalThis as unknown as Record<symbol, TestServers | undefined>;

// A test's data is thrown away: waiting until it is on the disk would prove nothing.
const forgetful = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/** The tests of the bus may need a database too, those of the database no bus. */
export default async function setup(_: unknown, project: { displayName?: { name: string } }): Promise<void> {
  if (store[key] === undefined) store[key] = { open: new AsyncDisposableStack(), started: new Set() };
  const { open, started } = store[key];
  const wanted = project.displayName?.name === "nats" ? ["postgres", "nats"] : ["postgres"];
  try {
    if (started.size === 0) process.env.QUADRILLE_TEST_FOLDER = await temporaryFolder(open);
    const folder = process.env.QUADRILLE_TEST_FOLDER as string;
    for (const server of wanted.filter((each) => !started.has(each))) {
      started.add(server);
      if (server === "postgres") process.env.QUADRILLE_TEST_DATABASE_URL = await postgresIn(folder, open);
      else process.env.QUADRILLE_TEST_NATS_URL = await natsIn(folder, open);
    }
  } catch (error) {
    await endTestServers();
    throw error;
  }
}

export async function endTestServers(): Promise<void> {
  const servers = store[key];
  store[key] = undefined;
  await servers?.open.disposeAsync();
}

async function temporaryFolder(open: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quadrille-test-"));
  open.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711); // PostgreSQL may run as another account, which must pass through.
  return folder;
}

async function postgresIn(folder: string, open: AsyncDisposableStack): Promise<string> {
  const dataDir = join(folder, "postgres");
  return open.use(await startPostgres({ dataDir, keep: false, settings: forgetful })).url;
}

async function natsIn(folder: string, open: AsyncDisposableStack): Promise<string> {
  return open.use(await startNats({ storeDir: join(folder, "nats"), keep: false })).url;
}
