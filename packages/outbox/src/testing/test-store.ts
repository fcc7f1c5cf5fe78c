// For tests of a service's store: a database of one's own with the service's tables, and replicas of its store on it.
import type { MigrationObject } from "@mikro-orm/core";
import { testDatabase } from "@quadrille/embedded/testing";
import pg from "pg";
import type { DatabaseConfig } from "../database.ts";
import { migrate } from "../migrate.ts";

type Open<Store> = (config: { readonly database: DatabaseConfig; readonly most: number }) => Promise<Store>;

/** The tables are made once in a run; `name` is the service's. */
export async function openTestStore<Store extends AsyncDisposable>(
  name: string,
  migrations: readonly MigrationObject[],
  open: Open<Store>,
) {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(
    await testDatabase({ name: `service_${name}`, build: (url) => migrate({ url }, migrations) }),
  );
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  opening.defer(() => client.end());
  const replica = async () =>
    kept.use(await open({ database: { url: database.url, poolMost: 4 }, most: 256 }));
  const kept = opening.use(new AsyncDisposableStack());
  const store = await replica();
  const owned = opening.move();
  return {
    store,
    /** Another replica's store on the same database. */
    replica,
    url: database.url,
    /** Rows of one statement, seen from outside every store. */
    query: async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
      (await client.query(text, [...values])).rows,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The name of the constraint that refused a statement; undefined when it was let in. */
export async function constraintOf(statement: Promise<unknown>): Promise<string | undefined> {
  try {
    await statement;
    return undefined;
  } catch (error) {
    const { constraint, code } = error as { constraint?: string; code?: string };
    return constraint ?? code ?? String(error);
  }
}
