// Members, holds on their points, and the ledger of transfers.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121000000_benefits extends Migration {
  override up(): void {
    this.addSql(`create table holds (
      order_id text primary key,
      status text not null,
      member_id text not null,
      points bigint not null check (points >= 0),
      hold_until timestamptz,
      revision integer not null default 0,
      version integer not null default 0,
      constraint holds_status check (status in
        ('absent', 'held', 'spent', 'returned', 'released', 'expired', 'rejected', 'lost', 'tombstone'))
    )`);
    // Read by the sweep that lets go what nobody asked about.
    this.addSql("create index holds_expiring on holds (hold_until) where status = 'held'");
    this.addSql(`create table members (
      member_id text primary key,
      status text not null check (status in ('absent', 'known')),
      name text not null,
      available bigint not null check (available >= 0),
      held bigint not null check (held >= 0),
      spent bigint not null check (spent >= 0),
      revision integer not null default 0
    )`);
    this.addSql(`create table transfers (
      transfer_id bigint generated always as identity primary key,
      member_id text not null,
      points bigint not null check (points > 0),
      debited text not null check (debited in ('issued', 'available', 'held', 'spent')),
      credited text not null check (credited in ('issued', 'available', 'held', 'spent')),
      order_id text,
      note text not null,
      at timestamptz not null,
      constraint transfers_move check (debited <> credited)
    )`);
    // A member's own list, newest first.
    this.addSql("create index transfers_of_member on transfers (member_id, transfer_id desc)");
  }

  override down(): void {
    this.addSql("drop table transfers, members, holds");
  }
}
