// A stock store on a test database of its own.
import { testDatabase } from "@quadrille/embedded/testing";
import type { DatabaseConfig } from "../database.ts";
import { openStore } from "../outbox.ts";
import { openTransactions, stockTemplate } from "./postgres-bench.ts";
import { stock } from "./stock.ts";
import { movements, stockTables } from "./stock-tables.ts";

export const openStockStore = (database: DatabaseConfig, limits: { most?: number } = {}) =>
  openStore({
    database,
    decider: stock,
    aggregates: "holds",
    tables: stockTables,
    ledger: movements,
    ...limits,
  });

/** A store, and SQL beside it. */
export async function openTestStore() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await testDatabase(stockTemplate));
  const beside = opening.use(await openTransactions({ url: database.url, poolMost: 2 }));
  const store = opening.use(await openStockStore({ url: database.url }));
  const open = opening.move();
  return {
    store,
    url: database.url,
    sql: (text: string, values: readonly unknown[] = []) => beside.sessions.query(text, values),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
