import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { openHangUps } from "./hang-ups.ts";

const calls = (count: number) => Array.from({ length: count }, () => new AbortController());
const aborted = (all: readonly AbortController[]) => all.filter(({ signal }) => signal.aborted).length;

test("the first is hung up at once, the others one by one in their order", async () => {
  using hangUps = openHangUps({ perSecondMax: 50 });
  const all = calls(11);
  for (const call of all) hangUps.add(call);
  expect(aborted(all)).toBe(1);
  expect(hangUps.waiting).toBe(10);
  await pause(110);
  const soFar = aborted(all);
  expect(soFar).toBeGreaterThan(1);
  expect(soFar).toBeLessThanOrEqual(7);
  expect(all.slice(0, soFar).every(({ signal }) => signal.aborted)).toBe(true);
});

test("those that come one after the other are kept apart like those that come together", async () => {
  using hangUps = openHangUps({ perSecondMax: 20 });
  const [first, second] = calls(2) as [AbortController, AbortController];
  hangUps.add(first);
  await pause(5); // The queue is empty, and its next turn still to come.
  hangUps.add(second);
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
  await pause(80);
  expect(second.signal.aborted).toBe(true);
});

test("a call that ended by itself takes no turn", async () => {
  using hangUps = openHangUps({ perSecondMax: 20 });
  const [first, second, third] = calls(3) as [AbortController, AbortController, AbortController];
  for (const call of [first, second, third]) hangUps.add(call);
  hangUps.delete(second);
  await pause(80);
  expect([second.signal.aborted, third.signal.aborted]).toEqual([false, true]);
});

test("closing hangs up all that wait", () => {
  const all = calls(5);
  {
    using hangUps = openHangUps({ perSecondMax: 1 });
    for (const call of all) hangUps.add(call);
    expect(aborted(all)).toBe(1);
  }
  expect(aborted(all)).toBe(5);
});
