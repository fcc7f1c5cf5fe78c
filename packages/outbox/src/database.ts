// The connections of one service: a bounded pool with bounded waits, opened through MikroORM.
import { type EntityName, MikroORM, type Options } from "@mikro-orm/postgresql";
import type { PoolConfig } from "pg";

export interface DatabaseConfig {
  /** `postgres://user:password@host:port/database`; TLS by the usual `sslmode`. */
  readonly url: string;
  /** Connections of this process, at most; 8. */
  readonly poolMost?: number;
  /** How this process is called in `pg_stat_activity`. */
  readonly name?: string;
}

const second = 1_000;

/** How long anything may take. The server's limits come first, so that the client's only ends what a stopped server holds. */
export const limits = {
  connectionWaitMs: 2 * second,
  lockWaitMs: 2 * second,
  statementMs: 8 * second,
  idleInTransactionMs: 10 * second,
  answerMs: 10 * second,
} as const;

export const poolMostOf = ({ poolMost = 8 }: DatabaseConfig): number => poolMost;

/** Options of a connection pool for the service's own work. */
export function connections(config: DatabaseConfig): PoolConfig {
  return {
    max: poolMostOf(config),
    connectionTimeoutMillis: limits.connectionWaitMs,
    lock_timeout: limits.lockWaitMs,
    statement_timeout: limits.statementMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionMs,
    query_timeout: limits.answerMs,
    keepAlive: true,
    application_name: config.name ?? "quadrille",
    // Without this an idle pool would keep a finished test or script from ending.
    allowExitOnIdle: true,
  };
}

/** Opens MikroORM on the service's database; nothing is asked of it before the first query. */
export async function openOrm(
  config: DatabaseConfig,
  entities: readonly EntityName[],
  more: Partial<Options> = {},
): Promise<MikroORM> {
  return MikroORM.init({
    clientUrl: config.url,
    entities: [...entities] as never,
    discovery: { warnWhenNoEntities: false },
    ensureDatabase: false,
    driverOptions: connections(config),
    debug: false,
    ...more,
  });
}

/** Closes every connection. MikroORM leaves the pool open if none of its own queries ever used it. */
export async function closeOrm(orm: MikroORM): Promise<void> {
  const pool = await orm.driver.getConnection().getNativeClient();
  await orm.close();
  if (!pool.ending) await pool.end();
}
