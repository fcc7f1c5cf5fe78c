import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { type Postgres, type PostgresOptions, startPostgres } from "./postgres.ts";
import { lifeOf } from "./process-table.ts";

const settings = { fsync: "off", shared_buffers: "16MB" };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quadrille-embedded-"));
  chmodSync(folder, 0o755); // Within reach of the account PostgreSQL runs as.
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (name: string, more: Partial<PostgresOptions> = {}) =>
  startPostgres({ dataDir: join(folder, name), settings, keep: false, ...more });

async function query(server: Postgres, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: `${server.url}postgres` });
  client.on("error", () => {}); // Some of these tests take the server away.
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("data is kept between runs, durable unless told otherwise, reachable over loopback alone", async () => {
  const dataDir = join(folder, "kept");
  const lines: string[] = [];
  {
    await using first = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    await query(first, "create table kept as select 42 as answer");
    const sql =
      "select name, setting from pg_settings where name in ('fsync', 'listen_addresses') order by name";
    expect(first.pgData).toBe(join(dataDir, "data"));
    expect(await query(first, sql)).toEqual([
      { name: "fsync", setting: "on" },
      { name: "listen_addresses", setting: "127.0.0.1" },
    ]);
    expect(await first.createDatabase("a b")).toBe(await first.createDatabase("a b"));
  }
  await using second = await start("kept");
  expect(await query(second, "select answer from kept")).toEqual([{ answer: 42 }]);
  expect(lines.join()).toContain("ready to accept connections");
});

test("a server that was killed starts again with the same port and data", async () => {
  const port = await (async () => {
    await using killed = await start("killed", { keep: true });
    await query(killed, "create table survived (id int)");
    killed.kill("SIGKILL");
    expect(await killed.exited).toBe("signal SIGKILL");
    await using again = await start("killed", { port: killed.port, keep: true });
    expect(await query(again, "select from survived")).toEqual([]);
    expect(again.port).toBe(killed.port);
    return again.port;
  })();
  await using last = await start("killed", { port });
  expect(await query(last, "select from survived")).toEqual([]);
});

test("a stopped server is ended as well, and nothing of it is left", async () => {
  const server = await start("frozen");
  server.kill("SIGSTOP");
  await server.stop();
  expect(lifeOf(server.pid)).toBeUndefined();
  expect(existsSync(join(folder, "frozen"))).toBe(false);
});

test("a folder in use is refused", async () => {
  await using first = await start("twice");
  await expect(start("twice")).rejects.toThrow(`already runs, started by process ${process.pid}`);
  expect(await query(first, "select 1 as one")).toEqual([{ one: 1 }]);
});

test("a taken port is refused", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  await using _ = {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void other.close(() => resolve())),
  };
  const { port } = other.address() as { port: number };
  await expect(start("port", { port })).rejects.toThrow(
    `Port ${port} on 127.0.0.1, wanted for PostgreSQL, is taken`,
  );
});

test("a server that cannot start says why", async () => {
  const wrong = { ...settings, max_connections: "many" };
  await expect(start("wrong", { settings: wrong })).rejects.toThrow(
    'invalid value for parameter "max_connections"',
  );
});

test("a pid that now belongs to another program does not keep the server from starting", async () => {
  const { pgData, stop } = await start("reused", { keep: true });
  await stop();
  writeFileSync(join(pgData, "postmaster.pid"), `${process.pid}\n${pgData}\n`);
  await using server = await start("reused");
  expect(await query(server, "select 1 as one")).toEqual([{ one: 1 }]);
});

// Root lends PostgreSQL another account; anybody else passes wherever they put the folder.
const movesAside = process.getuid?.() === 0;

test("below a folder that only root may pass, the data moves to one within reach", async () => {
  const closed = join(folder, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const server = await start("closed/server", { keep: true });
  expect(server.pgData.startsWith(closed)).toBe(!movesAside);
  expect(statSync(join(server.pgData, "..")).mode & 0o022).toBe(0);
  await query(server, "create table moved (id int)");
  await server.stop();

  const again = await start("closed/server", { keep: true });
  expect(await query(again, "select from moved")).toEqual([]);
  await again.stop();

  rmSync(closed, { recursive: true }); // And with it, what it pointed to is forgotten.
  mkdirSync(closed, { mode: 0o700 });
  const other = await start("closed/other");
  expect(existsSync(server.pgData)).toBe(false);
  await other.stop();
  const fresh = await start("closed/server");
  await expect(query(fresh, "select from moved")).rejects.toThrow("does not exist");
  await fresh.stop();
  expect(existsSync(server.pgData)).toBe(false);
});
