import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parkedContract } from "./testing/parked.contract.ts";
import { openTestStore } from "./testing/postgres-stock.ts";

let bench: Awaited<ReturnType<typeof openTestStore>>;
beforeAll(async () => {
  bench = await openTestStore();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

describe("parked facts on PostgreSQL", () => {
  parkedContract(async () => ({ parked: bench.store.parked, async [Symbol.asyncDispose]() {} }));

  test("take what no column of text can hold", async () => {
    const fact = {
      factId: "nul \0 and half a pair \ud800",
      durable: "order_hears_product",
      stream: "QUADRILLE_PRODUCT",
      seq: 1n,
      subject: "quadrille.\0",
      headers: { "a\0": "b\0\udc00" },
      payload: new Uint8Array(),
      error: `\0${"long ".repeat(10_000)}`,
    };
    await bench.store.park(fact);
    const [row] = await bench.sql("select * from parked where subject = $1", ["quadrille.\uFFFD"]);
    expect(row?.headers).toEqual({ "a\uFFFD": "b\uFFFD\uFFFD" });
    expect(row?.error).toHaveLength(8_000);
    expect(await bench.store.parked.discard(fact)).toBe(true);
  });
});
