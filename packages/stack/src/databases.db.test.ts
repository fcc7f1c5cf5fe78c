import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { services } from "@quadrille/contracts/events";
import { testDatabase } from "@quadrille/embedded/testing";
import pg from "pg";
import { createDatabases } from "./databases.ts";

// The databases have the names they have everywhere: this file is the only one that makes them on the tests' server.
let serverUrl: string;
let outside: Awaited<ReturnType<typeof testDatabase>>;
beforeAll(async () => {
  outside = await testDatabase();
  serverUrl = outside.url;
});
afterAll(async () => {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  for (const service of services) await admin.query(`drop database if exists quadrille_${service}`);
  await admin.end();
  await outside[Symbol.asyncDispose]();
});

const ask = async (url: string, text: string) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

test("every service gets a database of its own, and keeps it", async () => {
  const urls = await createDatabases(serverUrl);
  expect(Object.keys(urls).toSorted()).toEqual(services.toSorted());
  for (const service of services) {
    expect(await ask(urls[service], "select current_database() as name")).toEqual([
      { name: `quadrille_${service}` },
    ]);
    await ask(urls[service], "create table kept (id int)");
  }
  expect(await createDatabases(serverUrl)).toEqual(urls);
  for (const service of services) expect(await ask(urls[service], "select * from kept")).toEqual([]);
});

test("how the server is reached is left as it was told", async () => {
  const url = new URL(serverUrl);
  url.searchParams.set("application_name", "seen");
  const { order } = await createDatabases(url.href);
  expect(await ask(order, "select current_setting('application_name') as name")).toEqual([{ name: "seen" }]);
});
