import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { openLeaseTable } from "./leases.ts";
import { leasesContract } from "./testing/leases.contract.ts";
import { openTransactions } from "./testing/postgres-bench.ts";
import { openStockStore, openTestStore } from "./testing/postgres-stock.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

describe("leases on PostgreSQL", () =>
  leasesContract(async () => {
    const beside = await openTransactions({ url: bench.url, poolMost: 4 });
    return {
      leases: openLeaseTable(beside.sessions),
      pass: (ms) => sleep(ms),
      [Symbol.asyncDispose]: () => beside[Symbol.asyncDispose](),
    };
  }));

describe("a store's lease", () => {
  test("outlives its holder's connections for as long as it lasts, and is another's then", async () => {
    await using one = await openStockStore({ url: bench.url, name: "one" });
    expect(await one.lease("dying", 600)).toBe(true);
    const ended = await bench.sql(
      "select pg_terminate_backend(pid) as ended from pg_stat_activity where application_name = 'one'",
    );
    expect(ended).not.toEqual([]);
    expect(await bench.store.lease("dying", 60_000)).toBe(false);
    await sleep(700);
    expect(await bench.store.lease("dying", 60_000)).toBe(true);
    expect(await one.lease("dying", 600).catch(() => one.lease("dying", 600))).toBe(false); // On a new connection.
  });

  test("is another's at once when its holder closes in order", async () => {
    await using other = await openStockStore({ url: bench.url });
    const leaving = await openStockStore({ url: bench.url });
    expect(await leaving.lease("leaving", 60_000)).toBe(true);
    expect(await other.lease("leaving", 60_000)).toBe(false);
    await leaving[Symbol.asyncDispose]();
    expect(await other.lease("leaving", 60_000)).toBe(true);
    expect(await bench.store.lease("leaving", 60_000)).toBe(false);
  });

  test("is judged by the database's clock, whatever a process believes", async () => {
    await using other = await openStockStore({ url: bench.url });
    const ahead = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
    try {
      expect(await bench.store.lease("skewed", 60_000)).toBe(true);
      expect(await other.lease("skewed", 60_000)).toBe(false);
      const [row] = await bench.sql(
        "select until between now() and now() + interval '1 minute' as is_real from leases where name = 'skewed'",
      );
      expect(row?.is_real).toBe(true);
      await bench.sql("update leases set until = clock_timestamp() where name = 'skewed'");
      ahead.mockReturnValue(0);
      expect(await other.lease("skewed", 60_000)).toBe(true);
    } finally {
      ahead.mockRestore();
    }
  });
});
