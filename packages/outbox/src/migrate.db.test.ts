import { describe, expect, test } from "@jest/globals";
import { Migration } from "@mikro-orm/migrations";
import { testDatabase } from "@quadrille/embedded/testing";
import { closeOrm, openOrm } from "./database.ts";
import { migrate } from "./migrate.ts";
import { Leases, Sightings, StoreTables, Streams, Trails } from "./schema.ts";
import { openStockStore } from "./testing/postgres-stock.ts";
import { stockMigrations } from "./testing/stock-tables.ts";

class Broken extends Migration {
  override up(): void {
    this.addSql("create table half (id int)");
    this.addSql("create table half (id int)");
  }
}

describe("migrate", () => {
  test("runs each migration once, however many replicas start at once", async () => {
    await using database = await testDatabase();
    await Promise.all([1, 2, 3].map(() => migrate(database, stockMigrations)));
    await migrate(database, stockMigrations);
    await using store = await openStockStore(database);
    const rows = await store.read((em) => em.execute("select name from mikro_orm_migrations order by id"));
    expect(rows).toEqual([
      { name: "Migration00000000000000_store" },
      { name: "Migration00000000000001_leases" },
      { name: "Migration00000000000002_trails" },
      { name: "Migration00000000000003_streams" },
      { name: "Migration00000000000004_sightings" },
      { name: "Migration20250101000000_stock" },
    ]);
  });

  test("leaves nothing of a migration that fails, and runs it when it is mended", async () => {
    await using database = await testDatabase();
    const name = "Migration20250102000000_broken";
    await expect(migrate(database, [{ name, class: Broken }])).rejects.toThrow("half");
    await migrate(database, stockMigrations);
    await using store = await openStockStore(database);
    expect(await store.read((em) => em.execute("select to_regclass('half') as half"))).toEqual([
      { half: null },
    ]);
  });

  test("can be taken back", async () => {
    await using database = await testDatabase();
    await migrate(database, []);
    const orm = await openOrm(database, []);
    try {
      for (const Tables of [Sightings, Streams, Trails, Leases, StoreTables]) {
        const down = new Tables(orm.em.getDriver() as never, orm.config);
        down.down();
        for (const sql of down.getQueries()) await orm.em.execute(sql as string);
      }
      const left = await orm.em.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1",
      );
      expect(left).toEqual([{ relname: "mikro_orm_migrations" }]);
    } finally {
      await closeOrm(orm);
    }
  });
});
