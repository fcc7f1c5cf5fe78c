import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { ClosedLoop } from "./closed-loop.ts";

const arrived = () => pause(600);
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
  await arrived();
  expect(await load.stop()).toBe(done);
  expect({ most, open }).toEqual({ most: 3, open: 0 });
  expect(done).toBeGreaterThan(6);
});

test("only what is finished after the mark is measured", async () => {
  const load = new ClosedLoop(turn);
  await load.start(1);
  await arrived();
  await load.mark();
  expect(await load.read()).toMatchObject({ count: 0, latencies: [], repeats: 0 });
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
  await arrived();
  await expect(load.stop()).rejects.toThrow("out of stock");
  expect(begun).toBeLessThan(8);
});

test("requests that were made again are counted", async () => {
  const load = new ClosedLoop(async (onRepeat) => {
    onRepeat();
    await turn();
  });
  await load.mark();
  await load.start(1);
  await arrived();
  const { count, repeats } = await load.read();
  expect(repeats).toBeGreaterThanOrEqual(count);
  await load.stop();
});
