import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { testDatabase } from "@quadrille/embedded/testing";
import { openStore } from "./outbox.ts";
import { testId } from "./testing/bench.ts";
import { deliveries, factCause, hear, hold, linesHeld, own, request } from "./testing/memory-stock.ts";
import { stockTemplate } from "./testing/postgres-bench.ts";
import { openStockStore, openTestStore } from "./testing/postgres-stock.ts";
import { stock } from "./testing/stock.ts";
import { HoldRow, MovementRow, movements, stockTables, VariantRow } from "./testing/stock-tables.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const receive = (variantId: string, quantity: number) =>
  bench.store.handle({ type: "Receive", variantId, quantity }, own());
const available = async (variantId: string) =>
  (await bench.store.read((em) => em.findOneOrFail(VariantRow, { variantId }))).available;

describe("a store on PostgreSQL", () => {
  test("acts, refuses and stays quiet, and shows it to ordinary reads", async () => {
    const { store } = bench;
    await receive("a", 5);
    const orderId = testId();
    await hear(store, hold(orderId, "a", 5));
    await hear(store, hold(orderId, "a", 5));
    await expect(store.handle(hold(testId(), "a"), own())).rejects.toEqual(new Refusal("OUT_OF_STOCK"));
    const found = await store.read((em) => em.findOneOrFail(HoldRow, { orderId }));
    expect(found).toMatchObject({
      status: "HELD",
      lines: [{ variantId: "a", quantity: 5 }],
      holdUntil: expect.any(Date),
      version: 1,
    });
    expect(await available("a")).toBe(0n);
    const ledger = await store.read((em) =>
      em.find(MovementRow, { variantId: "a" }, { orderBy: { id: "asc" } }),
    );
    expect(ledger.map(({ quantity }) => quantity)).toEqual([5, -5]);
    expect(store.queued).toBe(0);
  });

  test("answers a request once, also after a restart", async () => {
    await receive("b", 5);
    const cause = request(testId());
    const orderId = testId();
    const [first, second] = await Promise.all(
      [1, 2].map(() => bench.store.handle(hold(orderId, "b"), cause, linesHeld)),
    );
    await using restarted = await openStockStore({ url: bench.url });
    const third = await restarted.handle(hold(testId(), "b"), cause, linesHeld);
    expect([second, third]).toEqual([first, first]);
    await expect(
      restarted.handle(hold(testId(), "b"), { ...cause, hash: "another" }, linesHeld),
    ).rejects.toEqual(new Refusal("REQUEST_ID_REUSED"));
    expect(await available("b")).toBe(4n);
    expect(restarted.duplicates).toBe(2);
  });

  test("sells no more than there is, whoever asks at once, and loses no count", async () => {
    await receive("c", 60);
    await using other = await openStockStore({ url: bench.url }, { most: 7 });
    const requests = Array.from({ length: 100 }, (_, index) => {
      const store = index % 2 ? bench.store : other;
      return hear(store, hold(testId(), "c")).then(
        () => true,
        () => false,
      );
    });
    const sold = (await Promise.all(requests)).filter(Boolean).length;
    expect(sold).toBe(60);
    expect(await available("c")).toBe(0n);
    const [row] = await bench.sql(
      "select coalesce(sum(quantity), 0)::int as sum from movements where variant_id = 'c'",
    );
    expect(row?.sum).toBe(0);
  });

  test("handles a fact once that reaches two replicas at once", async () => {
    await receive("d", 100);
    await using other = await openStockStore({ url: bench.url });
    const causes = Array.from({ length: 30 }, () => factCause());
    await Promise.all(
      causes.flatMap((cause) =>
        [bench.store, other, bench.store].map((store) => store.handle(hold(cause.id, "d"), cause)),
      ),
    );
    expect(await available("d")).toBe(70n);
  });

  test("stores a poisoned input's neighbours", async () => {
    await receive("e", 100);
    const poison = { type: "Fail", orderId: testId(), variantId: "e", where: "nul" } as const;
    const inputs: Promise<unknown>[] = Array.from({ length: 40 }, () =>
      hear(bench.store, hold(testId(), "e")),
    );
    inputs.push(
      bench.store.handle(poison, factCause()),
      bench.store.handle({ type: "Look", orderId: "no uuid" }, own()),
      bench.store.handle({ type: "Look", orderId: testId().toUpperCase() }, own()),
    );
    const results = await Promise.allSettled(inputs);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(3);
    expect(results.at(-1)).toMatchObject({
      reason: { cause: { message: expect.stringContaining("another spelling of its key") } },
    });
    expect(await available("e")).toBe(60n);
  });

  test("goes on after its connections were ended, and handles nothing twice", async () => {
    await receive("f", 100);
    const causes = Array.from({ length: 200 }, () => factCause());
    const killer = (async () => {
      for (let round = 0; round < 20; round += 1)
        await bench.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
        );
    })();
    const untilHandled = async (cause: ReturnType<typeof factCause>) => {
      for (;;) {
        try {
          return await bench.store.handle(hold(cause.id, "f"), cause);
        } catch (error) {
          if (!(error instanceof Refusal && ["UNAVAILABLE", "OUT_OF_STOCK"].includes(error.code)))
            throw error;
          if (error.code === "OUT_OF_STOCK") return;
        }
      }
    };
    await Promise.all([...causes.map(untilHandled), killer]);
    expect(await available("f")).toBe(0n);
    expect(await bench.store.isReady()).toBe(true);
  });

  test("counts what was recognised as repeated", async () => {
    const cause = factCause();
    const before = bench.store.duplicates;
    await hear(bench.store, { type: "Release", orderId: testId() }, cause);
    await hear(bench.store, { type: "Release", orderId: testId() }, cause);
    expect(bench.store.duplicates - before).toBe(2 * deliveries - 1);
  });
});

describe("an ordinary read", () => {
  test("passes on what is wrong with the read itself", async () => {
    const missing = bench.store.read((em) => em.findOneOrFail(HoldRow, { orderId: testId() }));
    await expect(missing).rejects.toThrow("Hold");
    const own = new TypeError("a defect");
    await expect(bench.store.read(() => Promise.reject(own))).rejects.toBe(own);
    await expect(bench.store.read((em) => em.find(HoldRow, { orderId: "no uuid" }))).rejects.toMatchObject({
      code: "22P02",
    });
  });
});

describe("closing a store", () => {
  test("leaves no connection behind", async () => {
    const opened = await openStockStore({ url: bench.url, name: "closing" });
    await opened.handle({ type: "Look", orderId: testId() }, own());
    const connections = () =>
      bench
        .sql("select from pg_stat_activity where application_name = 'closing'")
        .then(({ length }) => length);
    expect(await connections()).toBe(1);
    await opened[Symbol.asyncDispose]();
    for (let look = 0; look < 100 && (await connections()) > 0; look += 1) await setTimeout(20);
    expect(await connections()).toBe(0);
    expect(await opened.isReady()).toBe(false);
  });
});

describe("opening a store", () => {
  test("fails on a database without tables, and leaves no connection behind", async () => {
    await using database = await testDatabase();
    await expect(openStockStore(database)).rejects.toThrow();
    const connections = async () => {
      const sql = "select count(*)::int from pg_stat_activity where datname = $1";
      return (await bench.sql(sql, [database.name]))[0]?.count;
    };
    // The server takes a moment to let go of one that was closed.
    for (let look = 0; look < 100 && (await connections()) !== 0; look += 1) await setTimeout(20);
    expect(await connections()).toBe(0);
  });

  test("fails on tables that cannot guard their rows", async () => {
    const unguarded = {
      ...stockTables,
      holds: { ...stockTables.holds, entity: VariantRow, key: "variantId" },
    };
    const opening = openStore({
      database: { url: bench.url },
      decider: stock,
      aggregates: "holds",
      tables: unguarded,
      ledger: movements,
    });
    await expect(opening).rejects.toThrow("table variants has no property version");
  });

  test("without a ledger refuses the entries its decider makes", async () => {
    const { ledger: _, ...options } = {
      database: { url: bench.url },
      decider: stock,
      aggregates: "holds" as const,
      tables: stockTables,
      ledger: movements,
    };
    await using store = await openStore(options);
    await expect(store.handle({ type: "Receive", variantId: "z", quantity: 1 }, own())).rejects.toMatchObject(
      {
        cause: { message: expect.stringContaining("given no ledger") },
      },
    );
  });

  test("says that it is not ready when the database is gone", async () => {
    const database = await testDatabase(stockTemplate);
    await using store = await openStockStore({ url: database.url });
    const look = () => store.read((em) => em.find(HoldRow, {}));
    expect(await store.isReady()).toBe(true);
    expect(await look()).toEqual([]);
    await database[Symbol.asyncDispose]();
    expect(await store.isReady()).toBe(false);
    await expect(look()).rejects.toEqual(new Refusal("UNAVAILABLE"));
    await expect(store.handle({ type: "Look", orderId: testId() }, own())).rejects.toEqual(
      new Refusal("UNAVAILABLE"),
    );
  });
});
