// The store's own tables: inbox, outbox, requests, parked facts, leases; and the functions that keep the first two in day partitions.
import { Migration } from "@mikro-orm/migrations";

/**
 * Inbox and outbox are partitioned by fact id. A UUIDv7 begins with its milliseconds, so a range of ids is a range of
 * time, and the primary key alone keeps an id unique across days. Ids of another kind go to the DEFAULT partition.
 */
const tables = [
  `create table inbox (
     fact_id uuid primary key,
     stream text not null,
     seq bigint not null check (seq >= 0),
     handled_at timestamptz not null default clock_timestamp()
   ) partition by range (fact_id)`,
  "create table inbox_default partition of inbox default",
  `create table outbox (
     id uuid primary key,
     type text not null,
     aggregate_id text not null,
     aggregate_version integer not null check (aggregate_version > 0),
     occurred_at timestamptz not null,
     causation_id text not null,
     traceparent text,
     payload bytea not null,
     claimed_until timestamptz,
     published_at timestamptz,
     stream text,
     seq bigint check (seq > 0),
     constraint outbox_published check (num_nonnulls(published_at, stream, seq) in (0, 3))
   ) partition by range (id)`,
  "create table outbox_default partition of outbox default",
  // Read by the sweep and by the backlog figure; it holds only what is on its way.
  "create index outbox_unpublished on outbox (id) where published_at is null",
  `create table requests (
     caller text not null,
     method text not null,
     request_id text not null,
     hash text not null,
     answer bytea not null,
     answered_at timestamptz not null default clock_timestamp(),
     primary key (caller, method, request_id)
   )`,
  // The fact id is text: what cannot be decoded may carry an id that is no UUID, and must be parked all the same.
  `create table parked (
     durable text not null,
     fact_id text not null,
     stream text not null,
     seq bigint not null,
     subject text not null,
     headers jsonb not null,
     payload bytea not null,
     error text not null,
     parked_at timestamptz not null default clock_timestamp(),
     state text not null default 'PARKED' check (state in ('PARKED', 'REPLAYED', 'DISCARDED')),
     primary key (durable, fact_id)
   )`,
];

/** The functions run as the tables' owner, so that the service's own role needs no right to create or drop. */
const functions = [
  `create function quadrille_first_id(moment timestamptz) returns uuid
   language sql immutable strict as $$
     select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
   $$`,
  `create function quadrille_make_partitions(days_ahead integer) returns integer
   language plpgsql security definer set search_path from current as $$
   declare
     parent text;
     key text;
     day date;
     part text;
     low uuid;
     high uuid;
     made integer := 0;
   begin
     perform pg_advisory_xact_lock(hashtextextended('quadrille_partitions', 0));
     for parent, key in values ('inbox', 'fact_id'), ('outbox', 'id') loop
       -- Yesterday too: a fact may be heard, or told by a slow clock, after midnight.
       for offset_days in -1 .. days_ahead loop
         day := (clock_timestamp() at time zone 'utc')::date + offset_days;
         part := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
         continue when to_regclass(part) is not null;
         low := quadrille_first_id(day::timestamp at time zone 'utc');
         high := quadrille_first_id((day + 1)::timestamp at time zone 'utc');
         execute format('create table %I (like %I including all)', part, parent);
         -- Rows that came before their partition move to it; nobody may add more meanwhile.
         execute format('lock table %I in access exclusive mode', parent || '_default');
         execute format(
           'with moved as (delete from %I where %I >= %L and %I < %L returning *) insert into %I select * from moved',
           parent || '_default', key, low, key, high, part);
         -- Attaching lets others go on reading and writing; creating in place would not.
         execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, low, high);
         made := made + 1;
       end loop;
     end loop;
     return made;
   end $$`,
  `create function quadrille_drop_partitions(outbox_kept interval, inbox_kept interval) returns text[]
   language plpgsql security definer set search_path from current as $$
   declare
     parent text;
     kept interval;
     part text;
     waiting boolean;
     dropped text[] := '{}';
   begin
     perform pg_advisory_xact_lock(hashtextextended('quadrille_partitions', 0));
     for parent, kept in values ('inbox', inbox_kept), ('outbox', outbox_kept) loop
       for part in
         select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
         where inhparent = to_regclass(parent) and relname ~ '_[0-9]{8}$'
           and (to_date(right(relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' <= clock_timestamp() - kept
         order by relname
       loop
         waiting := false;
         if parent = 'outbox' then
           execute format('select exists (select from %I where published_at is null)', part) into waiting;
         end if;
         continue when waiting; -- A fact nobody has heard is kept for ever.
         execute format('drop table %I', part);
         dropped := dropped || part;
       end loop;
     end loop;
     return dropped;
   end $$`,
];

/** Days for which partitions are made ahead. */
export const daysAhead = 7;

/** The first migration of every service. */
export class StoreTables extends Migration {
  override up(): void {
    for (const sql of [...tables, ...functions]) this.addSql(sql);
    this.addSql(`select quadrille_make_partitions(${daysAhead})`);
  }

  override down(): void {
    this.addSql("drop function quadrille_drop_partitions, quadrille_make_partitions, quadrille_first_id");
    this.addSql("drop table parked, requests, outbox, inbox");
  }
}

/** These came after the first databases were made, so each is a migration of its own. */
export class Leases extends Migration {
  override up(): void {
    this.addSql(`create table leases (
      name text primary key,
      holder text not null,
      until timestamptz not null
    )`);
  }

  override down(): void {
    this.addSql("drop table leases");
  }
}

/** What an operator asks about one aggregate: what was told of it, and how long a fact took to be heard. */
export class Trails extends Migration {
  override up(): void {
    this.addSql("create index outbox_of_aggregate on outbox (aggregate_id)");
    this.addSql("alter table inbox add column deliveries integer not null default 1 check (deliveries > 0)");
  }

  override down(): void {
    this.addSql("alter table inbox drop column deliveries");
    this.addSql("drop index outbox_of_aggregate");
  }
}

/** What is remembered of the broker's streams, so that one that lost its store is recognised. */
export class Streams extends Migration {
  override up(): void {
    this.addSql(`create table streams (
      name text primary key,
      created text,
      epoch integer not null default 0,
      ends_by timestamptz
    )`);
    this.addSql("alter table inbox add column stored_at timestamptz");
    // The highest places are asked for, whatever the day.
    this.addSql("create index outbox_placed on outbox (stream, seq) where seq is not null");
    this.addSql("create index inbox_placed on inbox (stream, seq) where seq > 0");
  }

  override down(): void {
    this.addSql("drop index inbox_placed, outbox_placed");
    this.addSql("alter table inbox drop column stored_at");
    this.addSql("drop table streams");
  }
}

/** Which start of the broker a stream was compared in, and its highest message that left no row in the inbox. */
export class Sightings extends Migration {
  override up(): void {
    this.addSql("alter table streams add column server text not null default ''");
    this.addSql(
      "alter table streams add column seen_seq bigint, add column seen_id uuid, add column seen_at timestamptz",
    );
  }

  override down(): void {
    this.addSql("alter table streams drop column seen_seq, drop column seen_id, drop column seen_at");
    this.addSql("alter table streams drop column server");
  }
}
