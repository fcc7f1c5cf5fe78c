// For tests: a database of one's own on the server of the run, an address on its bus.
import { randomUUID } from "node:crypto";
import pg from "pg";

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A database that is built once in a run; each test database made from it starts as its copy. */
export interface Template {
  readonly name: string;
  /** Fills the database at the URL, usually by migrations; must leave no connection open. */
  build(url: string): Promise<void>;
}

/** Creates an empty database, or a copy of the template; disposing drops it. */
export async function testDatabase(template?: Template): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const copied = template === undefined ? "template1" : `template_${template.name}`;
  await asAdmin(async (admin) => {
    if (template !== undefined) await buildOnce(admin, copied, template);
    await admin.query(`create database ${quoted(name)} template ${quoted(copied)}`);
  });
  const drop = () =>
    asAdmin(async (admin) => {
      await admin.query(`drop database if exists ${quoted(name)} with (force)`);
    });
  return { name, url: serverUrl() + name, [Symbol.asyncDispose]: drop };
}

/** The URL of the run's nats-server; it is shared, so name streams after the test file. */
export function testNatsUrl(): string {
  return fromSetup("QUADRILLE_TEST_NATS_URL");
}

/** Test files run side by side: the first to come builds, the others wait at the lock. */
async function buildOnce(admin: pg.Client, name: string, template: Template): Promise<void> {
  await admin.query("select pg_advisory_lock(hashtext($1))", [name]);
  try {
    const { rowCount } = await admin.query("select from pg_database where datname = $1", [name]);
    if (rowCount !== 0) return;
    const draft = `${name}_draft`;
    await admin.query(`drop database if exists ${quoted(draft)} with (force)`);
    await admin.query(`create database ${quoted(draft)}`);
    await template.build(serverUrl() + draft);
    await admin.query(`alter database ${quoted(draft)} rename to ${quoted(name)}`);
  } finally {
    await admin.query("select pg_advisory_unlock(hashtext($1))", [name]);
  }
}

async function asAdmin(work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: `${serverUrl()}postgres` });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function serverUrl(): string {
  return fromSetup("QUADRILLE_TEST_DATABASE_URL");
}

function fromSetup(variable: string): string {
  const value = process.env[variable];
  if (value === undefined)
    throw new Error(`${variable} is not set: is this file named for the right kind of test?`);
  return value;
}

const quoted = pg.escapeIdentifier;
