// Carts and orders.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121000000_orders extends Migration {
  override up(): void {
    this.addSql(`create table carts (
      member_id text primary key,
      lines jsonb not null,
      cart_version integer not null check (cart_version >= 0),
      revision integer not null default 0
    )`);
    this.addSql(`create table orders (
      order_id text primary key,
      status text not null check (status in ('absent', 'pending', 'payable', 'cancelling', 'confirmed', 'cancelled')),
      member_id text not null,
      request_hash text not null,
      lines jsonb not null,
      subtotal bigint not null,
      points bigint not null check (points >= 0),
      amount_due bigint not null check (amount_due >= 0),
      currency text not null,
      method text not null,
      placed_at timestamptz not null,
      pending_until timestamptz not null,
      hold_until timestamptz not null,
      pay_within_seconds integer not null,
      pay_by timestamptz,
      stock text not null check (stock in ('wanted', 'held', 'rejected', 'committed', 'commitFailed', 'released')),
      benefits text not null
        check (benefits in ('unwanted', 'wanted', 'held', 'rejected', 'spent', 'spendFailed', 'released')),
      payment text not null
        check (payment in ('unasked', 'asked', 'approved', 'declined', 'voided', 'refunded')),
      reason text,
      was_confirmed boolean not null,
      due_at timestamptz,
      asked integer not null,
      history jsonb not null,
      revision integer not null default 0,
      version integer not null default 0,
      constraint orders_sum check (subtotal = points + amount_due)
    )`);
    // A member's own list, newest first.
    this.addSql("create index orders_of_member on orders (member_id, placed_at desc, order_id desc)");
    // Read by the sweep that looks at orders whose time has come.
    this.addSql("create index orders_due on orders (due_at) where due_at is not null");
  }

  override down(): void {
    this.addSql("drop table orders, carts");
  }
}
