// The whole system for the tests of one file: a folder and ports of its own, every line it logs, nothing left at the end.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Service, services } from "@quadrille/contracts/events";
import { type Stack, type StackOptions, startStack } from "@quadrille/stack";
import { type Clients, connectAs } from "@quadrille/stack/clients";
import pg from "pg";

export interface LogLine {
  readonly process: string;
  readonly text: string;
}

export interface System extends AsyncDisposable {
  readonly stack: Stack;
  readonly folder: string;
  /** Every line any process wrote, postgres and nats included. */
  readonly log: readonly LogLine[];
  readonly operator: Clients;
  /** Clients in a member's name; closed with the system. */
  as(memberId: string): Promise<Clients>;
  /** Asks a service's database behind its back. */
  query<Row>(service: Service, sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The same in a transaction that is taken back at the end. */
  transaction(service: Service): Promise<Transaction>;
}

export interface Transaction extends AsyncDisposable {
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** Durability is left to those who kill servers: without fsync the same tests take half the time. */
const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } as const;

export async function openSystem(options: Omit<StackOptions, "dataDir" | "log"> = {}): Promise<System> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.adopt(await temporaryFolder(), (path) => rm(path, { recursive: true, force: true }));
  const log: LogLine[] = [];
  const stack = opening.use(
    await startStack({
      postgresSettings: quick,
      ...options,
      dataDir: folder,
      log: (process, text) => log.push({ process, text }),
    }),
  );
  const pools = new Map(
    services.map((service) => {
      const pool = new pg.Pool({ connectionString: stack.databases[service], max: 2 });
      pool.on("error", () => {}); // A test may break the services' connections, and this one with them.
      opening.defer(() => pool.end());
      return [service, pool];
    }),
  );
  const connect = async (role: "operator" | "member", subject: string) =>
    opening.use(await connectAs(stack, role, subject));
  const operator = await connect("operator", "operator");
  const members = new Map<string, Promise<Clients>>();
  const open = opening.move();
  return {
    stack,
    folder,
    log,
    operator,
    as(memberId) {
      const known = members.get(memberId) ?? connectAs(stack, "member", memberId).then((it) => open.use(it));
      members.set(memberId, known);
      return known;
    },
    async query<Row>(service: Service, sql: string, values: readonly unknown[] = []) {
      const { rows } = await (pools.get(service) as pg.Pool).query(sql, [...values]);
      return rows as Row[];
    },
    transaction: (service) => begin(stack.databases[service]),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function begin(connectionString: string): Promise<Transaction> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query("begin");
  let last: Promise<unknown> = Promise.resolve();
  return {
    async query<Row>(sql: string, values: readonly unknown[] = []) {
      const asked = last.then(() => client.query(sql, [...values])); // One connection answers one question at a time.
      last = asked;
      return (await asked).rows as Row[];
    },
    [Symbol.asyncDispose]: () => client.end(), // What was not committed is gone with the connection.
  };
}

/** A folder that PostgreSQL, which may run as another account, can pass through. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quadrille-e2e-"));
  await chmod(folder, 0o711);
  return folder;
}
