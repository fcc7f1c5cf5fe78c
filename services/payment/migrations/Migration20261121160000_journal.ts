// A journal of every call to the provider, its answer, and what people decided, in place of the last alone.
import { Migration } from "@mikro-orm/migrations";

export class Migration20261121160000_journal extends Migration {
  override up(): void {
    this.addSql(`create table journal (
      number bigint generated always as identity primary key,
      order_id text not null,
      kind text not null,
      lease integer,
      what text not null,
      detail text not null,
      decided_by text,
      at timestamptz not null,
      constraint journal_kind check (case kind
        when 'called' then lease is not null and decided_by is null
        when 'answered' then lease is not null and decided_by is null
        when 'resolved' then lease is null and decided_by is not null
        else false end)
    )`);
    this.addSql("create index journal_of_payment on journal (order_id)");
    this.addSql(`insert into journal (order_id, kind, what, detail, decided_by, at)
      select order_id, 'resolved', resolution, note, decided_by, at from resolutions order by number`);
    this.addSql("drop table resolutions");
  }

  override down(): void {
    this.addSql(`create table resolutions (
      number bigint generated always as identity primary key,
      order_id text not null,
      resolution text not null,
      decided_by text not null,
      note text not null,
      at timestamptz not null
    )`);
    this.addSql("create index resolutions_of_payment on resolutions (order_id)");
    this.addSql(`insert into resolutions (order_id, resolution, decided_by, note, at)
      select order_id, what, decided_by, detail, at from journal where kind = 'resolved' order by number`);
    this.addSql("drop table journal");
  }
}
