// The SQL of a decider's tables: lock, change, delete, append; made once from the entities.
import type { MikroORM } from "@mikro-orm/postgresql";
import { type Columns, columnsOf, decodeRow, encodeRow, quoted } from "./columns.ts";
import type { Ledger, Row, Table, TablesOf } from "./tables.ts";

/** One table of the decider, with its statements. */
export interface TableSql<State> {
  readonly about: Table<State>;
  readonly columns: Columns;
  readonly keyColumn: string;
  /** Whether its rows count the facts they told. */
  readonly counts: boolean;
  /** Inserts rows that are not there, in the order of their keys; waits for transactions that insert the same. */
  readonly born: string;
  /** Reads and locks rows in the order of their keys. */
  readonly lock: string;
  change(parameter: string): string;
  remove(parameter: string): string;
}

export interface Layout<Tables, Entry> {
  /** In the order in which they are locked. */
  readonly tables: readonly (readonly [keyof Tables & string, TableSql<Tables[keyof Tables]>])[];
  readonly aggregates: keyof Tables & string;
  append(parameter: string, entries: readonly Record<string, unknown>[]): string;
  encodeEntry(entry: Entry, now: Date): Record<string, unknown>;
  /** Constraints over keys that transactions race for. */
  readonly keys: ReadonlySet<string>;
}

export interface LayoutOptions<Tables, Entry> {
  readonly aggregates: keyof Tables & string;
  readonly tables: TablesOf<Tables>;
  readonly ledger?: Ledger<Entry> | undefined;
}

export function layoutOf<Tables, Entry>(
  orm: MikroORM,
  options: LayoutOptions<Tables, Entry>,
): Layout<Tables, Entry> {
  const names = Object.keys(options.tables) as (keyof Tables & string)[];
  const tables = names.map(
    (name) => [name, tableSql(orm, options.tables[name], name === options.aggregates)] as const,
  );
  const { ledger } = options;
  const lines = ledger && columnsOf(orm, ledger.entity);
  const defect = () => {
    throw new Error("the decider made ledger entries, but the store was given no ledger");
  };
  return {
    tables,
    aggregates: options.aggregates,
    append: (parameter, entries) => (lines ? append(lines, parameter, entries) : defect()),
    encodeEntry: (entry, now) => (ledger && lines ? encodeRow(lines, ledger.toRow(entry, now)) : defect()),
    keys: new Set(["requests_pkey", ...tables.map(([, { columns }]) => `${columns.tableName}_pkey`)]),
  };
}

function tableSql<State>(orm: MikroORM, about: Table<State>, counts: boolean): TableSql<State> {
  const columns = columnsOf(orm, about.entity);
  const column = (property: string) => {
    const found = columns.list.find((candidate) => candidate.property === property);
    if (found === undefined) throw new Error(`table ${columns.tableName} has no property ${property}`);
    return quoted(found.name);
  };
  column("revision");
  if (counts) column("version");
  const key = column(about.key);
  const names = columns.list.map(({ name }) => quoted(name));
  const changed = names.filter((name) => name !== key && name !== `"revision"`);
  const { table } = columns;
  return {
    about,
    columns,
    keyColumn: columns.list.find(({ property }) => property === about.key)?.name as string,
    counts,
    born: `
      insert into ${table} (${names.join(", ")})
      select ${names.join(", ")} from json_populate_recordset(null::${table}, $1) order by ${key}
      on conflict (${key}) do nothing
      returning ${key}`,
    lock: `select * from ${table} where ${key} = any($1) order by ${key} for update`,
    change: (parameter) => `
      update ${table} as kept
      set ${changed.map((name) => `${name} = made.${name}`).join(", ")}, revision = kept.revision + 1
      from json_populate_recordset(null::${table}, ${parameter}) as made
      where kept.${key} = made.${key} and kept.revision = made.revision
      returning 1`,
    remove: (parameter) => `
      delete from ${table} as kept
      using json_populate_recordset(null::${table}, ${parameter}) as seen
      where kept.${key} = seen.${key} and kept.revision = seen.revision
      returning 1`,
  };
}

function append(lines: Columns, parameter: string, entries: readonly Record<string, unknown>[]): string {
  const given = lines.list.filter(({ name }) => entries.some((entry) => entry[name] !== undefined));
  const names = given.map(({ name }) => quoted(name)).join(", ");
  return `
    insert into ${lines.table} (${names})
    select ${names} from json_populate_recordset(null::${lines.table}, ${parameter})
    returning 1`;
}

/** A row as it is stored, with the store's own columns. */
export function encodeState<State>(
  sql: TableSql<State>,
  key: string,
  state: State,
  guard: { readonly revision: number; readonly version: number },
): Record<string, unknown> {
  const encoded = encodeRow(sql.columns, sql.about.toRow(state, key));
  encoded.revision = guard.revision;
  if (sql.counts) encoded.version = guard.version;
  return encoded;
}

export interface Kept<State> {
  readonly key: string;
  readonly state: State;
  readonly revision: number;
  readonly version: number;
}

export function decodeState<State>(sql: TableSql<State>, stored: Row): Kept<State> {
  const row = decodeRow(sql.columns, stored);
  return {
    key: String(row[sql.about.key]),
    state: sql.about.fromRow(row),
    revision: stored.revision as number,
    version: sql.counts ? (stored.version as number) : 0,
  };
}
