// The bench of groups over PostgreSQL: one replica leads through a proxy that can cut it, and a trigger lets commits fail.
import { testDatabase } from "@quadrille/embedded/testing";
import { cuttingProxy } from "./cutting-proxy.ts";
import type { GroupBench } from "./group-bench.ts";
import { openTransactions, stockTemplate } from "./postgres-bench.ts";
import { openStockStore } from "./postgres-stock.ts";

/** Deferred, so it strikes within COMMIT. A sequence is not rolled back: it counts the tries that failed, too. */
const failures = [
  "create table failures (code text not null, times bigint not null)",
  "create sequence failed_commits",
  `create function fail_commit() returns trigger language plpgsql as $$
     declare ordered failures;
     begin
       select * into ordered from failures;
       if ordered.code is null or nextval('failed_commits') > ordered.times then return null; end if;
       if ordered.code = '57P01' then perform pg_terminate_backend(pg_backend_pid()); end if;
       raise exception 'ordered by a test' using errcode = ordered.code;
     end $$`,
  `create constraint trigger fail_commit after insert on holds
     deferrable initially deferred for each row execute function fail_commit()`,
];

export async function postgresGroups(): Promise<
  GroupBench & {
    readonly url: string;
    readonly sql: (text: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  }
> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await testDatabase(stockTemplate));
  const beside = opening.use(await openTransactions({ url: database.url, poolMost: 2 }));
  const sql = (text: string, values: readonly unknown[] = []) => beside.sessions.query(text, values);
  for (const statement of failures) await sql(statement);
  const proxy = opening.use(await cuttingProxy(database.url));
  const one = opening.use(await openStockStore({ url: proxy.url }));
  const other = opening.use(await openStockStore({ url: database.url }));
  const more = opening.use(new AsyncDisposableStack());
  const opened = opening.move();
  return {
    one,
    other,
    url: database.url,
    sql,
    open: async (most) => more.use(await openStockStore({ url: database.url }, { most })),
    begun: proxy.begun,
    cut: proxy.cut,
    async fail(code, times) {
      await sql("delete from failures");
      await sql("select setval('failed_commits', 1, false)");
      await sql("insert into failures values ($1, $2)", [code, times]);
    },
    async available(variantId) {
      const [row] = await sql("select available from variants where variant_id = $1", [variantId]);
      return BigInt(row?.available as string);
    },
    movements: async (variantId) =>
      (await sql("select from movements where variant_id = $1", [variantId])).length,
    async told() {
      const rows = await sql("select aggregate_id, aggregate_version, causation_id from outbox");
      return rows.map((row) => ({
        aggregateId: String(row.aggregate_id),
        aggregateVersion: Number(row.aggregate_version),
        causationId: String(row.causation_id),
      }));
    },
    heard: async () =>
      new Set((await sql("select fact_id from inbox")).map(({ fact_id }) => String(fact_id))),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
