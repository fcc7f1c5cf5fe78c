// Between an entity's properties and its columns, both ways, by what MikroORM knows of the entity.
import type { EntityName, MikroORM } from "@mikro-orm/postgresql";
import type { Row } from "./tables.ts";

interface Column {
  readonly property: string;
  readonly name: string;
  readonly type: string;
  decode(value: unknown): unknown;
}

/** A table as SQL sees it. Names are quoted already. */
export interface Columns {
  readonly table: string;
  /** As it stands in the catalogue, without quotes. */
  readonly tableName: string;
  readonly list: readonly Column[];
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** What MikroORM found out about an entity. */
export function columnsOf(orm: MikroORM, entity: EntityName): Columns {
  const meta = orm.getMetadata().get(entity as never);
  const list = meta.props
    .filter((prop) => prop.persist !== false && prop.fieldNames?.length === 1)
    .map((prop): Column => {
      const [name, type] = [prop.fieldNames[0] as string, prop.columnTypes[0] as string];
      return { property: prop.name, name, type, decode: decoder(type, prop.runtimeType) };
    });
  const schema = meta.schema === undefined ? "" : `${quoted(meta.schema)}.`;
  return { table: schema + quoted(meta.tableName), tableName: meta.tableName, list };
}

function decoder(type: string, runtimeType: string): (value: unknown) => unknown {
  const decode = decoders(type, runtimeType);
  return decode === undefined
    ? (value) => value
    : (value) => (value === null ? null : decode(value as string));
}

function decoders(type: string, runtimeType: string): ((value: string) => unknown) | undefined {
  if (type.startsWith("timestamp")) return (value) => new Date(value);
  if (type !== "bigint") return undefined;
  return runtimeType === "bigint" ? BigInt : Number;
}

/** A row's columns as JSON that `json_populate_recordset` reads back into the table's own types. */
export function encodeRow(columns: Columns, row: Row): Record<string, unknown> {
  const encoded: Record<string, unknown> = {};
  for (const { property, name, type } of columns.list) {
    if (property in row) encoded[name] = type.startsWith("json") ? row[property] : encode(row[property]);
  }
  return encoded;
}

export function encode(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return value; // JSON writes dates as ISO 8601 and leaves out what is undefined.
}

export function decodeRow(columns: Columns, stored: Row): Row {
  const row: Record<string, unknown> = {};
  for (const { property, name, decode } of columns.list) row[property] = decode(stored[name]);
  return row;
}
