// Leases on the calls to the provider, what was last heard of it, and what people decided where it left a doubt.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121120000_leases extends Migration {
  override up(): void {
    this.addSql(`alter table payments
      add intent text not null default 'pay' check (intent in ('pay', 'cancel', 'giveBack')),
      add due_at timestamptz,
      add leased_until timestamptz,
      add lease integer not null default 0,
      add tries integer not null default 0,
      add why text not null default ''`);
    this.addSql(`update payments set intent = 'giveBack' where is_unwanted`);
    this.addSql(`update payments set due_at = clock_timestamp()
      where status in ('confirming', 'unknown', 'refunding')`);
    this.addSql(`update payments set refunds = (
        select jsonb_agg(jsonb_build_object(
          'number', refund->'number',
          'amount', refund->'amount',
          'state', case when (refund->>'isDone')::boolean then 'done' else 'started' end,
          'startedAt', clock_timestamp()
        )) from jsonb_array_elements(refunds) as refund
      ) where refunds <> '[]'`);
    this.addSql("alter table payments drop is_unwanted");
    this.addSql("drop index payments_in_doubt");
    // Read by the worker that asks the provider, every second.
    this.addSql("create index payments_due on payments (due_at) where due_at is not null");
    // Read by operators.
    this.addSql(
      "create index payments_in_doubt on payments (attempt_started_at) where status in ('unknown', 'refunding')",
    );
    this.addSql(`create table resolutions (
      number bigint generated always as identity primary key,
      order_id text not null,
      resolution text not null,
      decided_by text not null,
      note text not null,
      at timestamptz not null
    )`);
    this.addSql("create index resolutions_of_payment on resolutions (order_id)");
  }

  override down(): void {
    this.addSql("drop table resolutions");
    this.addSql("drop index payments_in_doubt");
    this.addSql("drop index payments_due");
    this.addSql(`update payments set refunds = (
        select jsonb_agg(jsonb_build_object(
          'number', refund->'number', 'amount', refund->'amount', 'isDone', refund->>'state' = 'done'
        )) from jsonb_array_elements(refunds) as refund
      ) where refunds <> '[]'`);
    this.addSql("alter table payments add is_unwanted boolean not null default false");
    this.addSql("update payments set is_unwanted = intent = 'giveBack'");
    this.addSql(
      "create index payments_in_doubt on payments (attempt_started_at) where status in ('confirming', 'unknown')",
    );
    this.addSql(
      "alter table payments drop intent, drop due_at, drop leased_until, drop lease, drop tries, drop why",
    );
  }
}
