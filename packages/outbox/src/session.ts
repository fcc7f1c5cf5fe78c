// One connection for the length of one transaction: what it is sent, what its errors mean, in which state it goes back.
import type { MikroORM } from "@mikro-orm/postgresql";
import type { Pool, PoolClient } from "pg";
import { failureOf } from "./failure.ts";

export type Values = readonly unknown[];
type Rows = readonly Record<string, unknown>[];

export class Session {
  readonly #client: PoolClient;
  readonly #keys: ReadonlySet<string>;
  #broken: Error | undefined;

  constructor(client: PoolClient, keys: ReadonlySet<string>) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Throws `TransactionFailed`. */
  async query(text: string, values: Values = []): Promise<Rows> {
    return (await this.#ask(text, values)).rows;
  }

  /** The outcome is unknown if this throws `lost`. */
  async commit(): Promise<void> {
    const { command } = await this.#ask("commit", []);
    // The server answers a commit of a failed transaction with success and the word ROLLBACK.
    if (command !== "COMMIT") throw new Error(`commit was answered with ${command}`);
  }

  /** Gives the connection back; one whose transaction may still be open, or that did not answer, is closed instead. */
  async end(committed: boolean): Promise<void> {
    if (!committed && this.#broken === undefined) {
      await this.#ask("rollback", []).catch(() => undefined);
    }
    this.#client.release(this.#broken);
  }

  async #ask(text: string, values: Values): Promise<{ rows: Rows; command: string }> {
    try {
      return await this.#client.query(text, values as unknown[]);
    } catch (error) {
      const failure = failureOf(error, this.#keys);
      if (failure.kind === "lost") this.#broken = failure;
      throw failure;
    }
  }
}

/** Where sessions come from: the pool MikroORM uses too. */
export class Sessions {
  readonly #pool: Promise<Pool>;
  readonly #keys: ReadonlySet<string>;

  /** `keys`: names of the constraints over keys that transactions race for. */
  constructor(orm: MikroORM, keys: ReadonlySet<string>) {
    this.#pool = orm.driver.getConnection().getNativeClient();
    this.#keys = keys;
  }

  /** Waits for a connection as long as the pool allows; throws `TransactionFailed`. */
  async open(): Promise<Session> {
    try {
      return new Session(await (await this.#pool).connect(), this.#keys);
    } catch (error) {
      throw failureOf(error, this.#keys);
    }
  }

  /** One statement in a transaction of its own. */
  async query(text: string, values: Values = []): Promise<Rows> {
    const session = await this.open();
    try {
      return await session.query(text, values);
    } finally {
      await session.end(true);
    }
  }
}
