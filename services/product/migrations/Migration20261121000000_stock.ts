// Holds, variants, and the ledger of their movements.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121000000_stock extends Migration {
  override up(): void {
    this.addSql(`create table holds (
      order_id text primary key,
      status text not null,
      lines jsonb not null,
      hold_until timestamptz,
      revision integer not null default 0,
      version integer not null default 0,
      constraint holds_status check (status in
        ('absent', 'held', 'committed', 'returned', 'released', 'expired', 'rejected', 'lost', 'tombstone'))
    )`);
    // Read by the sweep that lets go what nobody asked about.
    this.addSql("create index holds_expiring on holds (hold_until) where status = 'held'");
    this.addSql(`create table variants (
      variant_id text collate "C" primary key,
      status text not null check (status in ('absent', 'listed')),
      title text not null,
      price bigint not null check (price >= 0),
      on_sale boolean not null,
      available integer not null check (available >= 0),
      held integer not null check (held >= 0),
      sold integer not null check (sold >= 0),
      revision integer not null default 0
    )`);
    this.addSql(`create table movements (
      movement_id bigint generated always as identity primary key,
      variant_id text not null,
      quantity integer not null check (quantity > 0),
      origin text not null check (origin in ('outside', 'available', 'held', 'sold')),
      destination text not null check (destination in ('outside', 'available', 'held', 'sold')),
      order_id text,
      at timestamptz not null,
      constraint movements_move check (origin <> destination)
    )`);
  }

  override down(): void {
    this.addSql("drop table movements, variants, holds");
  }
}
