import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { probe } from "./probe.ts";

const log = { error() {} };

/** Answers one after the other; the last one again and again. */
function answers(...given: (boolean | Error)[]) {
  let asked = 0;
  const ask = async () => {
    const answer = given[Math.min(asked++, given.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer === true;
  };
  return { ask, asked: () => asked };
}

test("has asked once before anyone can ask it", async () => {
  for (const [answer, holds] of [
    [true, true],
    [false, false],
    [new Error("gone"), false],
  ] as const) {
    const { ask, asked } = answers(answer);
    await using it = await probe("x", ask, log);
    expect([it.holds(), asked()]).toEqual([holds, 1]);
  }
});

test("changes its mind with the answers, errors being a no", async () => {
  const { ask, asked } = answers(true, false, true, new Error("gone"), true);
  await using it = await probe("x", ask, log, 20);
  const seen: boolean[] = [it.holds()];
  const endsAt = Date.now() + 3_000;
  while (seen.length < 5 && Date.now() < endsAt) {
    const last = asked();
    while (asked() === last && Date.now() < endsAt) await sleep(1);
    await sleep(1);
    seen.push(it.holds());
  }
  expect(seen).toEqual([true, false, true, false, true]);
});

test("asks nobody once it is disposed, and waits for the answer that is on its way", async () => {
  let inside = 0;
  const ask = async () => {
    inside += 1;
    await sleep(30);
    inside -= 1;
    return true;
  };
  const it = await probe("x", ask, log, 1);
  await sleep(10);
  await it[Symbol.asyncDispose]();
  expect(inside).toBe(0);
  await sleep(20);
  expect(inside).toBe(0);
});
