import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { testDatabase } from "@quadrille/embedded/testing";
import pg from "pg";
import { chapter, readBooks } from "./books.ts";
import { migrate } from "./migrate.ts";
import { testId } from "./testing/bench.ts";
import { entriesOf } from "./testing/read-books.ts";

let database: Awaited<ReturnType<typeof testDatabase>>;
let client: pg.Client;

beforeAll(async () => {
  database = await testDatabase({ name: "books", build: (url) => migrate({ url }, []) });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

const books = (chapters: Parameters<typeof readBooks>[2] = []) =>
  readBooks("order", { url: database.url }, chapters);

async function tell(count: number, isPublished = false): Promise<string[]> {
  const ids = Array.from({ length: count }, testId).sort();
  const placed = isPublished ? "now(), 'QUADRILLE_ORDER', 7" : "null, null, null";
  await client.query(
    `insert into outbox (id, type, aggregate_id, aggregate_version, occurred_at, causation_id, payload, published_at, stream, seq)
     select id, 'order.placed', 'o-' || id, 1, '2026-01-01Z', 'a test', '', ${placed} from unnest($1::uuid[]) as id`,
    [ids],
  );
  return ids;
}

const connections = async () =>
  (await client.query("select from pg_stat_activity where application_name = 'order books'")).rowCount;

/** The server takes a moment to end what was hung up. */
async function untilClosed(): Promise<void> {
  const until = Date.now() + 5_000;
  while ((await connections()) !== 0) if (Date.now() > until) throw new Error("a connection was left open");
}

test("the first page names the snapshot and since when everything is kept", async () => {
  const reading = books();
  const { snapshot, ...rest } = (await reading.next()).value ?? {};
  await reading.return(undefined);
  expect(rest).toEqual({});
  expect(snapshot?.service).toBe("order");
  const [{ now }] = (await client.query("select clock_timestamp() as now")).rows;
  expect(Math.abs(now.getTime() - (snapshot?.takenAt?.getTime() ?? 0))).toBeLessThan(10_000);
  const yesterday = new Date(now.getTime() - 86_400_000).toISOString().slice(0, 10);
  const since = new Date(`${yesterday}T00:00:00Z`);
  expect([snapshot?.toldSince, snapshot?.heardSince]).toEqual([since, since]);
});

test("a day that stays because of an unpublished fact does not hide that later ones were dropped", async () => {
  const days = await client.query(
    `select to_char((clock_timestamp() at time zone 'utc')::date - ago, 'YYYYMMDD') as day, ago
     from unnest(array[2, 3, 9]) as ago order by ago`,
  );
  for (const { day } of days.rows)
    await client.query(
      `create table outbox_${day} partition of outbox
       for values from (quadrille_first_id('${day}'::timestamp at time zone 'utc'))
       to (quadrille_first_id(('${day}'::date + 1)::timestamp at time zone 'utc'))`,
    );
  const reading = books();
  const { snapshot } = (await reading.next()).value ?? {};
  await reading.return(undefined);
  for (const { day } of days.rows) await client.query(`drop table outbox_${day}`);
  const dayOf = (at: Date | undefined) => at?.toISOString().slice(0, 10).replaceAll("-", "");
  expect(dayOf(snapshot?.toldSince)).toBe(days.rows[1].day);
});

test("facts told, heard and parked are read in pages, however many there are", async () => {
  const told = await tell(1_203);
  const [published] = await tell(1, true);
  const heard = testId();
  await client.query("insert into inbox (fact_id, stream, seq) values ($1, 'QUADRILLE_PRODUCT', 3)", [heard]);
  await client.query(
    `insert into parked (durable, fact_id, stream, seq, subject, headers, payload, error)
     values ('d', 'f-1', 's', 1, 'x', '{}', '', 'no')`,
  );
  const pages = [];
  for await (const { told: page } of books()) if (page !== undefined) pages.push(page);
  expect(pages.map(({ length }) => length)).toEqual([500, 500, 204]);
  const entries = pages.flat();
  expect(entries.map(({ factId }) => factId)).toEqual([...told, published].sort());
  expect(entries.filter(({ isPublished }) => isPublished).map(({ factId }) => factId)).toEqual([published]);
  expect(entries[0]).toMatchObject({
    type: "order.placed",
    aggregateId: `o-${entries[0]?.factId}`,
    aggregateVersion: 1,
    occurredAt: new Date("2026-01-01Z"),
  });
  expect(await entriesOf(books(), "heard")).toEqual([{ factId: heard, stream: "QUADRILLE_PRODUCT" }]);
  expect(await entriesOf(books(), "parked")).toEqual([{ factId: "f-1", error: "no", state: "PARKED" }]);
});

test("a place that two told facts claim is told with both", async () => {
  const told = await tell(2, true);
  await client.query("update outbox set seq = 8 where id = any($1)", [told]);
  const toldAt = { stream: "QUADRILLE_ORDER", seq: 8n, factIds: told, claimedAt: expect.any(Date) };
  expect(await entriesOf(books(), "toldPlaces")).toEqual([toldAt]);
});

test("all of it is of one moment, whatever is committed while it is read", async () => {
  const before = (await client.query("select from outbox")).rowCount;
  let told = 0;
  for await (const { snapshot, told: page } of books()) {
    if (snapshot !== undefined) await tell(700);
    told += page?.length ?? 0;
  }
  expect(told).toBe(before);
  expect((await client.query("select from outbox")).rowCount).toBe((before ?? 0) + 700);
});

test("it can write nothing", async () => {
  const forbidden = chapter("heard", "delete from inbox returning fact_id, stream", () => ({
    factId: "",
    stream: "",
  }));
  await expect(entriesOf(books([forbidden]), "heard")).rejects.toThrow();
  expect((await client.query("select from inbox")).rowCount).toBe(1);
  const hidden = chapter("heard", "select quadrille_make_partitions(30)::text as fact_id", () => ({
    factId: "",
    stream: "",
  }));
  await expect(entriesOf(books([hidden]), "heard")).rejects.toThrow(/read-only/);
});

test("a reader who leaves early gives the connection back, and so does one who fails", async () => {
  for await (const { told } of books()) {
    if (told !== undefined) break;
    expect(await connections()).toBe(1);
  }
  await untilClosed();
  await expect(
    entriesOf(books([{ sql: "select * from nowhere", page: () => ({}) }]), "told"),
  ).rejects.toThrow("nowhere");
  await untilClosed();
});

test("a database that cannot be asked is UNAVAILABLE, before the first page and after it", async () => {
  const gone = readBooks("order", { url: "postgres://nobody@127.0.0.1:1/none" }, []);
  await expect(gone.next()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const read = async () => {
    for await (const { snapshot } of books())
      if (snapshot !== undefined)
        await client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'order books'",
        );
  };
  await expect(read()).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
