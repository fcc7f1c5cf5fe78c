import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { v7 } from "uuid";
import { daysAhead } from "./schema.ts";
import { openTestStore } from "./testing/postgres-stock.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const day = 86_400_000;
const idAt = (msFromNow: number) => v7({ msecs: Date.now() + msFromNow });
const hear = (factId: string) =>
  bench.sql("insert into inbox (fact_id, stream, seq) values ($1, 's', 1)", [factId]);
const tell = (id: string, publishedAt: string | null) =>
  bench.sql(
    `insert into outbox
       (id, type, aggregate_id, aggregate_version, occurred_at, causation_id, payload, published_at, stream, seq)
     values ($1, 't', 'a', 1, now(), 'c', '', $2, $3, $4)`,
    publishedAt === null ? [id, null, null, null] : [id, publishedAt, "s", 1],
  );
const partitionOf = async (table: "inbox" | "outbox", key: string, id: string) => {
  const [row] = await bench.sql(`select tableoid::regclass::text as part from ${table} where ${key} = $1`, [
    id,
  ]);
  return row?.part as string | undefined;
};

describe("partitions", () => {
  test("stand for yesterday and every day ahead, and are made once", async () => {
    const [{ count } = {}] = await bench.sql(
      "select count(*)::int from pg_inherits where inhparent = 'outbox'::regclass",
    );
    expect(count).toBe(1 + daysAhead + 1 + 1); // Yesterday, today, those ahead, DEFAULT.
    const made = await Promise.all(
      [1, 2].map(() => bench.sql("select quadrille_make_partitions($1) as made", [daysAhead])),
    );
    expect(made.flat()).toEqual([{ made: 0 }, { made: 0 }]);
  });

  test.each([-1, 0, daysAhead])("take the ids of their day: %i days from now", async (days) => {
    const id = idAt(days * day);
    const date = new Date(Date.now() + days * day).toISOString().slice(0, 10).replaceAll("-", "");
    await hear(id);
    await tell(id, null);
    expect(await partitionOf("inbox", "fact_id", id)).toBe(`inbox_${date}`);
    expect(await partitionOf("outbox", "id", id)).toBe(`outbox_${date}`);
  });

  test("do not lose what came before they were made", async () => {
    const early = idAt((daysAhead + 2) * day);
    const foreign = "ffffffff-ffff-4fff-8fff-ffffffffffff";
    for (const id of [early, foreign]) {
      await hear(id);
      expect(await partitionOf("inbox", "fact_id", id)).toBe("inbox_default");
    }
    await tell(early, null);
    await bench.sql("select quadrille_make_partitions($1)", [daysAhead + 2]);
    expect(await partitionOf("inbox", "fact_id", early)).toMatch(/^inbox_\d{8}$/);
    expect(await partitionOf("outbox", "id", early)).toMatch(/^outbox_\d{8}$/);
    expect(await partitionOf("inbox", "fact_id", foreign)).toBe("inbox_default");
    await expect(hear(early)).rejects.toMatchObject({ kind: "data" });
  });

  test("are made once when two processes make them at once", async () => {
    const many = daysAhead + 6;
    const made = await Promise.all(
      [1, 2].map(() => bench.sql("select quadrille_make_partitions($1) as made", [many])),
    );
    const counts = made.flat().map((row) => row.made as number);
    expect(Math.min(...counts)).toBe(0);
    expect(Math.max(...counts)).toBeGreaterThan(0);
  });

  test("keep an id unique wherever it lies", async () => {
    const id = idAt(0);
    await hear(id);
    await expect(hear(id)).rejects.toMatchObject({ cause: { code: "23505" } });
  });

  test("are dropped whole when they are old, but never with a fact nobody published", async () => {
    const oldDay = (days: number) =>
      new Date(Date.now() - days * day).toISOString().slice(0, 10).replaceAll("-", "");
    for (const days of [40, 41]) {
      for (const table of ["inbox", "outbox"]) {
        await bench.sql(
          `create table ${table}_${oldDay(days)} partition of ${table}
           for values from ('${firstId(days)}') to ('${firstId(days - 1)}')`,
        );
      }
    }
    const [kept, gone] = [firstId(40), firstId(41)];
    await tell(kept, null);
    await tell(gone, "2020-01-01");
    const drop = async () => {
      const [row] = await bench.sql("select quadrille_drop_partitions('4 days', '7 days') as dropped");
      return row?.dropped;
    };
    expect(await drop()).toEqual([`inbox_${oldDay(41)}`, `inbox_${oldDay(40)}`, `outbox_${oldDay(41)}`]);
    expect(await partitionOf("outbox", "id", kept)).toBe(`outbox_${oldDay(40)}`);
    expect(await partitionOf("outbox", "id", gone)).toBeUndefined();
    await bench.sql("update outbox set published_at = now(), stream = 's', seq = 1 where id = $1", [kept]);
    expect(await drop()).toEqual([`outbox_${oldDay(40)}`]);
    expect(await drop()).toEqual([]);
  });
});

/** The first id of a day, so many days ago. */
function firstId(daysAgo: number): string {
  const start = Math.floor(Date.now() / day - daysAgo) * day;
  return `${start.toString(16).padStart(12, "0")}${"0".repeat(20)}`.replace(
    /^(.{8})(.{4})(.{4})(.{4})/,
    "$1-$2-$3-$4-",
  );
}

describe("the tables refuse", () => {
  test.each([
    ["a publication without its place", "update outbox set published_at = now()"],
    ["a place without a publication", "update outbox set stream = 's', seq = 1"],
    ["a fact before the first", "update outbox set aggregate_version = 0"],
    ["a parked fact in no known state", "update parked set state = 'LOST'"],
  ])("%s", async (_, statement) => {
    await bench.sql("delete from outbox");
    await tell(idAt(0), null);
    await bench.sql(
      `insert into parked (durable, fact_id, stream, seq, subject, headers, payload, error)
       values ('d', 'f', 's', 1, 's', '{}', '', 'e') on conflict do nothing`,
    );
    await expect(bench.sql(statement)).rejects.toMatchObject({ cause: { code: "23514" } });
  });
});
