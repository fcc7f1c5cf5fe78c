import { describe, expect, test } from "@jest/globals";
import { WakeUps } from "./wake-ups.ts";

const never = 60_000;

describe("a wake-up", () => {
  test("ends the wait of everyone who waits for its key, and of nobody else", async () => {
    const wakeUps = new WakeUps();
    using one = wakeUps.on("a");
    using two = wakeUps.on("a");
    using other = wakeUps.on("b");
    expect(wakeUps.keys).toEqual(["a", "b"]);
    const waits = Promise.all([one.next(never), two.next(never)]);
    let isOtherWoken = false;
    void other.next(never).then(() => {
      isOtherWoken = true;
    });
    wakeUps.wake("a");
    wakeUps.wake("nobody waits for this");
    await waits;
    expect(isOtherWoken).toBe(false);
  });

  test("that came before the wait ends it at once, but only that one", async () => {
    const wakeUps = new WakeUps();
    using wakeUp = wakeUps.on("a");
    wakeUps.wake("a");
    wakeUps.wake("a");
    await wakeUp.next(never);
    const start = performance.now();
    await wakeUp.next(20);
    expect(performance.now() - start).toBeGreaterThan(15);
  });

  test("is given up when the signal says so", async () => {
    const wakeUps = new WakeUps();
    using wakeUp = wakeUps.on("a");
    const ending = new AbortController();
    const wait = wakeUp.next(never, ending.signal);
    ending.abort(new Error("the caller left"));
    await expect(wait).rejects.toThrow("the caller left");
    await expect(wakeUp.next(never, ending.signal)).rejects.toThrow("the caller left");
  });

  test("of nobody is forgotten", async () => {
    const wakeUps = new WakeUps();
    const [one, two] = [wakeUps.on("a"), wakeUps.on("a")];
    const wait = one.next(never);
    one[Symbol.dispose]();
    await wait;
    expect(wakeUps.keys).toEqual(["a"]);
    two[Symbol.dispose]();
    expect(wakeUps.keys).toEqual([]);
  });
});
