// A database for each service on one PostgreSQL, ours or an outside one.
import { type Service, services } from "@quadrille/contracts/events";
import pg from "pg";

/** Creates `quadrille_<service>` where it is missing. The URL is that of the server; answers with those of the databases. */
export async function createDatabases(serverUrl: string): Promise<Readonly<Record<Service, string>>> {
  const admin = new pg.Client({ connectionString: withDatabase(serverUrl, "postgres") });
  await admin.connect();
  try {
    const urls = {} as Record<Service, string>;
    for (const service of services) {
      const name = `quadrille_${service}`;
      const { rowCount } = await admin.query("select from pg_database where datname = $1", [name]);
      if (rowCount === 0) await admin.query(`create database ${pg.escapeIdentifier(name)}`);
      urls[service] = withDatabase(serverUrl, name);
    }
    return urls;
  } finally {
    await admin.end();
  }
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
