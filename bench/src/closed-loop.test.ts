import { expect, test } from "@jest/globals";
import { ClosedLoop } from "./closed-loop.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("as many checkouts are open as there are buyers, and each that was begun is finished", async () => {
  let open = 0;
  let most = 0;
  let done = 0;
  const load = new ClosedLoop(async () => {
    open += 1;
    most = Math.max(most, open);
    await turn();
    open -= 1;
    done += 1;
  });
  await load.start(3);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  expect(await load.stop()).toBe(done);
  expect({ most, open }).toEqual({ most: 3, open: 0 });
  expect(done).toBeGreaterThan(6);
});

test("only what is finished after the mark is measured", async () => {
  const load = new ClosedLoop(turn);
  await load.start(1);
  for (let turns = 0; turns < 5; turns += 1) await turn();
  await load.mark();
  expect(await load.read()).toMatchObject({ count: 0, latencies: [] });
  await turn();
  await turn();
  const { count, latencies, seconds } = await load.read();
  expect(count).toBe(latencies.length);
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(await load.stop());
  expect(seconds).toBeGreaterThan(0);
});

test("a checkout that fails ends the load and is told", async () => {
  let begun = 0;
  const load = new ClosedLoop(async () => {
    begun += 1;
    await turn();
    if (begun === 4) throw new Error("out of stock");
  });
  await load.start(2);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  await expect(load.stop()).rejects.toThrow("out of stock");
  expect(begun).toBeLessThan(8);
});
