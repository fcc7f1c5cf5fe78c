import { describe, expect, test } from "@jest/globals";
import { MemoryDatabase } from "./memory.ts";
import { storeOn } from "./store.ts";
import { leasesContract } from "./testing/leases.contract.ts";
import { openStock, TestClock } from "./testing/memory-stock.ts";
import { type Movement, type Stock, stock } from "./testing/stock.ts";
import { TransactionFailed } from "./transaction.ts";

function openDatabase() {
  const clock = new TestClock();
  const isAbsent = { holds: () => false, variants: () => false };
  const database = new MemoryDatabase<Stock, Movement>({
    ...{ initial: stock.initial, aggregates: "holds", isAbsent, clock },
  });
  return { clock, database };
}

describe("leases in memory", () =>
  leasesContract(async () => {
    const { clock, database } = openDatabase();
    return {
      leases: database.connect("one").leases,
      pass: (ms) => clock.advance(ms),
      async [Symbol.asyncDispose]() {},
    };
  }));

test("a replica that crashes keeps its lease until the time is over, and never hears of it", async () => {
  const { clock, database } = openDatabase();
  const [one, other] = [database.connect("one"), database.connect("other")];
  expect(await one.leases.take("work", "one", 1_000)).toBe(true);
  one.crash();
  let isAnswered = false;
  void one.leases.take("work", "one", 1_000).then(() => {
    isAnswered = true;
  });
  expect(await other.leases.take("work", "other", 1_000)).toBe(false);
  await clock.advance(1_000);
  expect(await other.leases.take("work", "other", 1_000)).toBe(true);
  expect(isAnswered).toBe(false);
});

test("a store that is disposed gives up its leases; one that took none asks for nothing", async () => {
  const { store, replica } = openStock();
  const other = replica("other");
  expect(await store.lease("work", 60_000)).toBe(true);
  expect(await other.lease("work", 60_000)).toBe(false);
  await store[Symbol.asyncDispose]();
  expect(await other.lease("work", 60_000)).toBe(true);
});

test.each([
  ["lost with its database", new TransactionFailed("lost", new Error("gone")), undefined],
  ["broken", new Error("a defect"), "a defect"],
])("a store whose giving up is %s is closed all the same", async (_, failure, told) => {
  const { database } = openDatabase();
  const ground = database.connect("one");
  let isClosed = false;
  const store = storeOn(
    {
      transactions: ground,
      outbox: ground.outbox,
      parked: ground.parked,
      places: ground.places,
      leases: { take: async () => true, release: () => Promise.reject(failure) },
      isReady: async () => true,
      async close() {
        isClosed = true;
      },
    },
    { decider: stock, aggregates: "holds" },
  );
  await store.lease("work", 1);
  const disposed = store[Symbol.asyncDispose]();
  if (told === undefined) await disposed;
  else await expect(disposed).rejects.toThrow(told);
  expect(isClosed).toBe(true);
});
