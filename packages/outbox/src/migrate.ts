// Brings a database's tables up to date, one replica at a time.
import type { MigrationObject } from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";
import { closeOrm, type DatabaseConfig, limits, openOrm } from "./database.ts";
import { Leases, Sightings, StoreTables, Streams, Trails } from "./schema.ts";

/** How long a replica waits for another one's migration. */
const turnWaitMs = 60_000;

/**
 * Runs the store's migration and then the service's own, each once per database, however many replicas start at once.
 * The role it connects with must own the tables.
 */
export async function migrate(config: DatabaseConfig, migrations: readonly MigrationObject[]): Promise<void> {
  const orm = await openOrm({ ...config, poolMost: 2 }, [], {
    extensions: [Migrator],
    migrations: {
      snapshot: false,
      silent: true,
      migrationsList: [
        { name: "Migration00000000000000_store", class: StoreTables },
        { name: "Migration00000000000001_leases", class: Leases },
        { name: "Migration00000000000002_trails", class: Trails },
        { name: "Migration00000000000003_streams", class: Streams },
        { name: "Migration00000000000004_sightings", class: Sightings },
        ...migrations,
      ],
    },
    // A migration may take as long as it needs.
    driverOptions: { max: 2, connectionTimeoutMillis: limits.connectionWaitMs, lock_timeout: turnWaitMs },
  });
  try {
    const pool = await orm.driver.getConnection().getNativeClient();
    const turn = await pool.connect();
    try {
      await turn.query("select pg_advisory_lock(hashtextextended('quadrille_migrate', 0))");
      await orm.migrator.up();
    } finally {
      turn.release(true); // Closing the connection gives the turn to the next.
    }
  } finally {
    await closeOrm(orm);
  }
}
