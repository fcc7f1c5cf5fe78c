// The contract suite's bench over PostgreSQL: the first connection leads through a proxy that can cut it at a commit.
import { type Template, testDatabase } from "@quadrille/embedded/testing";
import { closeOrm, type DatabaseConfig, openOrm } from "../database.ts";
import { type Layout, layoutOf } from "../layout.ts";
import { migrate } from "../migrate.ts";
import { openPlaces } from "../places.ts";
import { PostgresTransactions } from "../postgres.ts";
import { Sessions } from "../session.ts";
import type { Row, Table, TablesOf } from "../tables.ts";
import type { Bench } from "./bench.ts";
import { cuttingProxy } from "./cutting-proxy.ts";
import { type Movement, type Stock, stock } from "./stock.ts";
import { movements, stockMigrations, stockTables } from "./stock-tables.ts";

/** A database with the tests' tables, built once per run. */
export const stockTemplate: Template = {
  name: "outbox_stock",
  build: (url) => migrate({ url }, stockMigrations),
};

export async function openTransactions(config: DatabaseConfig) {
  const tables: TablesOf<Stock> = stockTables;
  const orm = await openOrm(
    config,
    [...Object.values(stockTables), movements].map(({ entity }) => entity),
  );
  const layout = layoutOf<Stock, Movement>(orm, { aggregates: "holds", tables, ledger: movements });
  const sessions = new Sessions(orm, layout.keys);
  return {
    orm,
    sessions,
    careless: new PostgresTransactions(sessions, unlocked(layout), stock.initial),
    transactions: new PostgresTransactions(sessions, layout, stock.initial),
    [Symbol.asyncDispose]: () => closeOrm(orm),
  };
}

/** Reads as the product does, but for the lock, as if that had been lost between two statements. */
function unlocked(layout: Layout<Stock, Movement>): Layout<Stock, Movement> {
  const lock = " for update";
  const tables = layout.tables.map(([name, sql]) => {
    if (!sql.lock.endsWith(lock)) throw new Error(`no lock to leave out: ${sql.lock}`);
    return [name, { ...sql, lock: sql.lock.slice(0, -lock.length) }] as const;
  });
  return { ...layout, tables };
}

export async function postgresBench(): Promise<Bench> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await testDatabase(stockTemplate));
  const proxy = opening.use(await cuttingProxy(database.url));
  const first = opening.use(await openTransactions({ url: proxy.url }));
  const second = opening.use(await openTransactions({ url: database.url }));
  const open = opening.move();
  const query = second.sessions.query.bind(second.sessions);
  return {
    careless: second.careless,
    first: first.transactions,
    second: second.transactions,
    places: openPlaces(second.sessions),
    async state(table, key) {
      const about: Table<Stock[typeof table]> = stockTables[table] as never;
      const found = await second.orm.em.fork().findOne(about.entity, { [about.key]: key } as never);
      return found === null ? undefined : about.fromRow(found as Row);
    },
    told: async () => (await query("select id from outbox order by id")).map(({ id }) => id as string),
    movements: async () => (await query("select from movements")).length,
    breakFirst: proxy.cut,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
