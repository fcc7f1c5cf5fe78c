// The tests' decider as rows of PostgreSQL.

import { Migration } from "@mikro-orm/migrations";
import { defineEntity, p } from "@mikro-orm/postgresql";
import { aggregate, guarded, ledger, table } from "../tables.ts";
import type { Hold, Line, Movement, Variant } from "./stock.ts";

const HoldSchema = defineEntity({
  name: "Hold",
  tableName: "holds",
  properties: {
    orderId: p.uuid().primary(),
    status: p.string().$type<Hold["status"]>(),
    lines: p.json<readonly Line[]>(),
    holdUntil: p.datetime().nullable(),
    ...aggregate,
  },
});
export class HoldRow extends HoldSchema.class {}
HoldSchema.setClass(HoldRow);

const VariantSchema = defineEntity({
  name: "Variant",
  tableName: "variants",
  properties: {
    variantId: p.string().primary(),
    status: p.string().$type<Variant["status"]>(),
    available: p.bigint("bigint"),
    note: p.string(),
    ...guarded,
  },
});
export class VariantRow extends VariantSchema.class {}
VariantSchema.setClass(VariantRow);

const MovementSchema = defineEntity({
  name: "Movement",
  tableName: "movements",
  properties: {
    id: p.bigint("bigint").primary().autoincrement(),
    variantId: p.string(),
    quantity: p.integer(),
    at: p.datetime(),
  },
});
export class MovementRow extends MovementSchema.class {}
MovementSchema.setClass(MovementRow);

export const stockTables = {
  holds: table(HoldRow, {
    key: "orderId",
    toRow: (hold: Hold, orderId) => ({ orderId, ...hold }),
    fromRow: ({ status, lines, holdUntil }): Hold => ({ status, lines, holdUntil: holdUntil ?? null }),
    isAbsent: (hold) => hold.status === "ABSENT",
  }),
  variants: table(VariantRow, {
    key: "variantId",
    toRow: (variant: Variant, variantId) => ({ variantId, ...variant }),
    fromRow: ({ status, available, note }): Variant => ({ status, available, note }),
    isAbsent: (variant) => variant.status === "ABSENT",
  }),
};

export const movements = ledger(MovementRow, (movement: Movement, at) => ({ ...movement, at }));

export class StockMigration extends Migration {
  override up(): void {
    this.addSql(`create table holds (
      order_id uuid primary key,
      status text not null,
      lines jsonb not null,
      hold_until timestamptz,
      revision integer not null default 0,
      version integer not null default 0
    )`);
    this.addSql(`create table variants (
      variant_id text primary key,
      status text not null,
      available bigint not null check (available >= 0),
      note text not null,
      revision integer not null default 0
    )`);
    this.addSql(`create table movements (
      id bigint generated always as identity primary key,
      variant_id text not null,
      quantity integer not null,
      at timestamptz not null
    )`);
  }
}

export const stockMigrations = [{ name: "Migration20250101000000_stock", class: StockMigration }];
