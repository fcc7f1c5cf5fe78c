// Payments, one row an order.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121000000_payments extends Migration {
  override up(): void {
    this.addSql(`create table payments (
      order_id text primary key,
      status text not null,
      member_id text not null,
      amount_due bigint not null check (amount_due >= 0),
      currency text not null,
      method text not null,
      pay_by timestamptz,
      attempt_id text,
      payment_key text,
      attempt_started_at timestamptz,
      is_unwanted boolean not null,
      verdict jsonb,
      captured bigint not null check (captured >= 0),
      refunds jsonb not null,
      revision integer not null default 0,
      version integer not null default 0,
      constraint payments_status check (status in
        ('absent', 'ready', 'confirming', 'unknown', 'approved', 'declined', 'voided', 'refunding', 'refunded')),
      constraint payments_attempt check (num_nonnulls(attempt_id, payment_key, attempt_started_at) in (0, 3))
    )`);
    // Read by the sweep that ends what nobody paid in time.
    this.addSql("create index payments_ready on payments (pay_by) where status = 'ready'");
    // Read by the worker that asks the provider about attempts without an answer.
    this.addSql(
      "create index payments_in_doubt on payments (attempt_started_at) where status in ('confirming', 'unknown')",
    );
  }

  override down(): void {
    this.addSql("drop table payments");
  }
}
