import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { type WakeUp, WakeUps } from "./wake-ups.ts";

/** Long enough never to be what ends a wait here. */
const longMs = 60_000;

/** Whether a wait ends within a moment. */
async function endsNow(waiting: Promise<void>): Promise<boolean> {
  return await Promise.race([waiting.then(() => true), sleep(15).then(() => false)]);
}

describe("a wait", () => {
  test("ends at the next wake-up of its key, and of no other", async () => {
    const wakeUps = new WakeUps();
    using ear = wakeUps.on("a");
    const waiting = ear.next(longMs);
    wakeUps.wake("b");
    expect(await endsNow(waiting)).toBe(false);
    wakeUps.wake("a");
    expect(await endsNow(waiting)).toBe(true);
  });

  test("ends at once when it was woken since the last one, however often, and the one after that waits", async () => {
    const wakeUps = new WakeUps();
    using ear = wakeUps.on("a");
    wakeUps.wake("a");
    wakeUps.wake("a");
    expect(await endsNow(ear.next(longMs))).toBe(true);
    const waiting = ear.next(longMs);
    expect(await endsNow(waiting)).toBe(false);
    wakeUps.wake("a");
    await waiting;
  });

  test("ends by itself when its time is over, and then waits anew", async () => {
    using ear = new WakeUps().on("a");
    const startedAt = performance.now();
    await ear.next(20);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(18);
    await ear.next(1);
  });

  test("waits by the clock it is given", async () => {
    const alarms: { ms: number; wake: () => void }[] = [];
    const clock = {
      now: () => 0,
      after: (ms: number, wake: () => void) => {
        alarms.push({ ms, wake });
        return () => {};
      },
    };
    using ear = new WakeUps(clock).on("a");
    const waiting = ear.next(longMs);
    expect(alarms.map(({ ms }) => ms)).toEqual([longMs]);
    alarms[0]?.wake();
    await waiting;
  });

  test("is told to everyone who listens", async () => {
    const wakeUps = new WakeUps();
    using one = wakeUps.on("a");
    using two = wakeUps.on("a");
    const waits = [one.next(longMs), two.next(longMs)];
    wakeUps.wake("a");
    expect(await endsNow(Promise.all(waits).then(() => undefined))).toBe(true);
  });
});

describe("a signal", () => {
  test("ends a wait with its reason, before and during it", async () => {
    using ear = new WakeUps().on("a");
    const ending = new AbortController();
    const waiting = ear.next(longMs, ending.signal);
    ending.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(ear.next(longMs, ending.signal)).rejects.toThrow("enough");
  });

  test("that never comes leaves nothing behind on it", async () => {
    const wakeUps = new WakeUps();
    using ear = wakeUps.on("a");
    let listening = 0;
    const signal = {
      throwIfAborted() {},
      addEventListener: () => (listening += 1),
      removeEventListener: () => (listening -= 1),
    } as unknown as AbortSignal;
    for (let times = 0; times < 3; times += 1) await ear.next(1, signal);
    expect(listening).toBe(0);
  });
});

describe("listening", () => {
  test("is by key, until the last one who listens is gone", () => {
    const wakeUps = new WakeUps();
    const [one, two, other] = [wakeUps.on("a"), wakeUps.on("a"), wakeUps.on("b")];
    expect(wakeUps.keys).toEqual(["a", "b"]);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(wakeUps.keys).toEqual(["a", "b"]);
    two[Symbol.dispose]();
    expect(wakeUps.keys).toEqual(["b"]);
    other[Symbol.dispose]();
    expect(wakeUps.keys).toEqual([]);
    wakeUps.wake("a"); // Nobody hears it, and nothing breaks.
  });

  test("that began before an older one of the same key ended is not ended with it", async () => {
    const wakeUps = new WakeUps();
    const old = wakeUps.on("a");
    old[Symbol.dispose]();
    using fresh: WakeUp = wakeUps.on("a");
    old[Symbol.dispose]();
    wakeUps.wake("a");
    expect(await endsNow(fresh.next(longMs))).toBe(true);
  });

  test("that ends frees whoever still waits", async () => {
    const ear = new WakeUps().on("a");
    const waiting = ear.next(longMs);
    ear[Symbol.dispose]();
    expect(await endsNow(waiting)).toBe(true);
  });
});
