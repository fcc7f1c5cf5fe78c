// One transaction of the floor: lock what is decided about, decide, write everything with one statement, commit.
//
// This and the roles are all there is between a message and its commit: no inbox look-up, no retry, no answer kept.
// What cannot happen in a run, such as a second delivery, fails the run.
import { randomUUIDv7 } from "node:crypto";
import type { FactKind, Told } from "@quadrille/contracts/events";
import type pg from "pg";

/** Something to be decided about one order: a heard fact, or what a buyer wants. */
export interface Input {
  /** Type of the fact, `place` or `confirm`. */
  readonly type: string;
  readonly orderId: string;
  // biome-ignore lint/suspicious/noExplicitAny: each type of fact has its own data.
  readonly data: any;
  /** Where a heard fact comes from: its inbox row. */
  readonly claim?: { readonly fact_id: string; readonly stream: string; readonly seq: string };
}

/** A fact on its way: its outbox row and the bytes in it. */
export interface ToldFact {
  readonly id: string;
  readonly type: string;
  readonly payload: Uint8Array;
  readonly row: Readonly<Record<string, unknown>>;
}

/** What a group decided: rows for the role's own statements by their name, and facts. */
export class Decided {
  readonly rows = new Map<string, object[]>();
  readonly told: ToldFact[] = [];

  write(statement: string, ...rows: readonly object[]): void {
    const known = this.rows.get(statement);
    if (known === undefined) this.rows.set(statement, [...rows]);
    else known.push(...rows);
  }

  /** `version` is the number of the fact within its aggregate. */
  tell<Message extends { orderId: string }>(
    kind: FactKind<string, Message>,
    data: Told<Message>,
    cause: Input,
    version: number,
  ): void {
    const id = randomUUIDv7();
    const payload = kind.encode(data);
    const row = {
      id,
      type: kind.type,
      aggregate_id: cause.orderId,
      aggregate_version: version,
      occurred_at: new Date(),
      causation_id: cause.claim?.fact_id ?? cause.orderId,
      payload: `\\x${Buffer.from(payload).toString("hex")}`,
    };
    this.told.push({ id, type: kind.type, payload, row });
  }
}

/** Reads rows and locks them in the order of their keys; answers with them by key. */
export type Lock = (
  table: string,
  key: string,
  columns: string,
  keys: readonly string[],
  // biome-ignore lint/suspicious/noExplicitAny: rows are as the tables have them.
) => Promise<Map<string, any>>;

export interface Role {
  /** SQL by name; `$rows` stands for the rows as JSON. */
  readonly statements: Readonly<Record<string, string>>;
  decide(inputs: readonly Input[], lock: Lock): Promise<Decided>;
}

const inbox = `insert into inbox (fact_id, stream, seq)
  select fact_id, stream, seq from json_populate_recordset(null::inbox, $rows)`;
const outboxColumns = "id, type, aggregate_id, aggregate_version, occurred_at, causation_id, payload";
const outbox = `insert into outbox (${outboxColumns})
  select ${outboxColumns} from json_populate_recordset(null::outbox, $rows)`;

/** Resolves after the commit with what was told. */
export async function transact(
  client: pg.Client,
  role: Role,
  inputs: readonly Input[],
): Promise<readonly ToldFact[]> {
  await client.query("begin");
  const decided = await role.decide(inputs, async (table, key, columns, keys) => {
    if (keys.length === 0) return new Map();
    const text = `select ${key}, ${columns} from ${table} where ${key} = any($1) order by ${key} for update`;
    const { rows } = await client.query({ name: `lock ${table}`, text, values: [keys] });
    return new Map(rows.map((row) => [row[key], row]));
  });
  const statements = { ...role.statements, inbox, outbox };
  const rows = new Map(decided.rows);
  const claims = inputs.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));
  if (claims.length > 0) rows.set("inbox", claims);
  if (decided.told.length > 0)
    rows.set(
      "outbox",
      decided.told.map(({ row }) => row),
    );
  const names = [...rows.keys()].sort() as (keyof typeof statements)[];
  const parts = names.map(
    (name, index) => `${name} as (${statements[name]?.replace("$rows", `$${index + 1}`)})`,
  );
  await client.query({
    name: `write ${names}`,
    text: `with ${parts.join(", ")} select`,
    values: names.map((name) => JSON.stringify(rows.get(name))),
  });
  await client.query("commit");
  return decided.told;
}
