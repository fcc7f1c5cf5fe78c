// Which replica sweeps, and what one input's failure means to the others.
import { expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { storeOn } from "./store.ts";
import { sweepDue } from "./sweep.ts";
import { testId } from "./testing/bench.ts";
import { openStock } from "./testing/memory-stock.ts";
import { type StockInput, stock } from "./testing/stock.ts";

const receive = (variantId: string): StockInput => ({ type: "Receive", variantId, quantity: 1 });

/** A sweep that counts how often it looked, and keeps what it said. */
function sweepOf(...inputs: readonly StockInput[]) {
  const lines: { about: object; message: string }[] = [];
  const looked = { times: 0, most: 0 };
  return {
    looked,
    lines,
    name: "deadlines",
    async due(most: number) {
      looked.times += 1;
      looked.most = most;
      return inputs;
    },
    log: { error: (about: object, message: string) => void lines.push({ about, message }) },
  };
}

test("of two replicas exactly one sweeps, the other once the first is gone for as long as its lease lasts", async () => {
  const { clock, database, replica } = openStock();
  const connection = database.connect("first");
  const one = storeOn(connection, { decider: stock, aggregates: "holds" });
  const other = replica("second");
  const [first, second] = [sweepOf(receive("a")), sweepOf(receive("b"))];
  for (let times = 0; times < 3; times += 1)
    await Promise.all([sweepDue(one, first), sweepDue(other, second)]);
  expect([first.looked.times, second.looked.times]).toEqual([3, 0]);
  connection.crash();
  await clock.advance(4_999);
  await sweepDue(other, second);
  expect(second.looked.times).toBe(0);
  await clock.advance(1);
  await sweepDue(other, second);
  expect([first.looked.times, second.looked.times]).toEqual([3, 1]);
  expect(database.read("variants", "a").available).toBe(3n);
  expect(database.read("variants", "b").available).toBe(1n);
  expect(second.looked.most).toBe(500);
});

test("an input that fails is logged with what it was, and keeps no other from being decided", async () => {
  const { database, store } = openStock();
  const failing: StockInput = { type: "Fail", orderId: testId(), variantId: "bad", where: "decide" };
  const sweep = sweepOf(receive("a"), failing, receive("b"));
  await sweepDue(store, sweep);
  expect(["a", "b"].map((id) => database.read("variants", id).available)).toEqual([1n, 1n]);
  expect(sweep.lines).toEqual([
    {
      about: { sweep: "deadlines", err: new Error("failed in decide"), input: failing },
      message: "not swept",
    },
  ]);
});

test("a database that is gone is told once, however many inputs were due", async () => {
  const { store } = openStock({ fault: (point) => (point === "commit" ? "lost" : undefined) });
  const sweep = sweepOf(receive("a"), receive("b"), receive("c"));
  await expect(sweepDue(store, sweep)).rejects.toEqual(new Refusal("UNAVAILABLE"));
  expect(sweep.lines).toEqual([]);
});
