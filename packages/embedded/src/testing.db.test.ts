import { expect, test } from "@jest/globals";
import pg from "pg";
import { type Template, testDatabase } from "./testing.ts";

async function query<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

test("databases do not see each other and are gone afterwards", async () => {
  let url: string;
  {
    await using one = await testDatabase();
    await using two = await testDatabase();
    url = one.url;
    await query(one.url, "create table only_here (id int)");
    await expect(query(two.url, "select from only_here")).rejects.toThrow("does not exist");
  }
  await expect(query(url, "select 1")).rejects.toThrow("does not exist");
});

test("a template is built once, however many ask for it at once", async () => {
  let built = 0;
  const template: Template = {
    name: "embedded_once",
    build: async (url) => {
      built += 1;
      await query(url, "create table seeded as select 7 as id");
    },
  };
  await using open = new AsyncDisposableStack();
  const databases = await Promise.all(Array.from({ length: 4 }, () => testDatabase(template)));
  for (const database of databases) open.use(database);
  expect(built).toBe(1);
  await query(databases[0]?.url as string, "delete from seeded");
  expect(await query(databases[1]?.url as string, "select id from seeded")).toEqual([{ id: 7 }]);
});

test("a template whose building failed is built again", async () => {
  let tries = 0;
  const template: Template = {
    name: "embedded_again",
    build: async () => {
      tries += 1;
      if (tries === 1) throw new Error("the first migration is wrong");
    },
  };
  await expect(testDatabase(template)).rejects.toThrow("the first migration is wrong");
  await using _ = await testDatabase(template);
  expect(tries).toBe(2);
});

test("text sorts by code point and folds like Unicode, alike on every system", async () => {
  await using database = await testDatabase();
  const sql =
    "select upper('é') as upper, 'a' > 'B' as ordered, current_setting('server_encoding') as encoding";
  expect(await query(database.url, sql)).toEqual([{ upper: "É", ordered: true, encoding: "UTF8" }]);
});
