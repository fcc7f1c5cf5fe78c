// The contract suite's bench over PostgreSQL: the first connection leads through a proxy that can cut it at a commit.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Template, testDatabase } from "@quadrille/embedded/testing";
import { closeOrm, type DatabaseConfig, openOrm } from "../database.ts";
import { layoutOf } from "../layout.ts";
import { migrate } from "../migrate.ts";
import { PostgresTransactions } from "../postgres.ts";
import { Sessions } from "../session.ts";
import type { Row, Table, TablesOf } from "../tables.ts";
import type { Bench, BrokenAt } from "./bench.ts";
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
    transactions: new PostgresTransactions(sessions, layout, stock.initial),
    [Symbol.asyncDispose]: () => closeOrm(orm),
  };
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
    first: first.transactions,
    second: second.transactions,
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

/** Forwards to the database; after `cut`, the connection that commits next is closed instead of, or after, being served. */
async function cuttingProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let cutAt: BrokenAt | undefined;
  const server = createServer((client) => {
    const backend = connect(Number(target.port), target.hostname);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => [client, backend].forEach((each) => void each.destroySoon()));
    }
    backend.pipe(client);
    client.on("data", (bytes) => {
      const isCommit = cutAt !== undefined && bytes.includes("commit\0");
      if (!isCommit || cutAt === "after the commit") backend.write(bytes);
      if (!isCommit) return;
      cutAt = undefined;
      client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut: (at: BrokenAt) => {
      cutAt = at;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
