import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { every } from "./schedule.ts";

function openLog() {
  const lines: unknown[] = [];
  return { lines, error: (about: object, message: string) => void lines.push([about, message]) };
}

async function until(holds: () => boolean): Promise<void> {
  const endsAt = Date.now() + 3_000;
  while (!holds()) {
    if (Date.now() > endsAt) throw new Error(`it did not become true: ${holds}`);
    await sleep(2);
  }
}

describe("every", () => {
  test("does the work again and again, never twice at once", async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await sleep(10);
      inside -= 1;
    };
    await using schedule = every(1, work, { name: "sweep", log: openLog() });
    await until(() => schedule.runs >= 4);
    expect(most).toBe(1);
    expect(schedule.failures).toBe(0);
  });

  test("waits before the first run", async () => {
    const schedule = every(50, () => {}, { name: "sweep", log: openLog() });
    await sleep(10);
    expect(schedule.runs).toBe(0);
    await schedule[Symbol.asyncDispose]();
  });

  test("logs and counts what fails, and goes on", async () => {
    const log = openLog();
    const error = new Error("x");
    const work = () => {
      if (schedule.runs === 0) throw error;
    };
    await using schedule = every(1, work, { name: "sweep", log });
    await until(() => schedule.runs >= 3);
    expect(schedule.failures).toBe(1);
    expect(log.lines).toEqual([[{ err: error, work: "sweep", failures: 1 }, "scheduled work failed"]]);
  });

  test("disposing tells the running work, waits for it, and starts no other", async () => {
    const log = openLog();
    let finished = false;
    let aborted = false;
    const schedule = every(
      1,
      async (signal) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        await sleep(40);
        finished = true;
        signal.throwIfAborted();
      },
      { name: "sweep", log },
    );
    await sleep(20);
    expect(schedule.runs).toBe(0);
    await schedule[Symbol.asyncDispose]();
    expect([aborted, finished, schedule.runs]).toEqual([true, true, 1]);
    await sleep(20);
    expect(schedule.runs).toBe(1);
    expect(log.lines).toEqual([]); // Told to stop, it stopped: no failure.
  });

  test("a signal ends it too", async () => {
    const ending = new AbortController();
    const schedule = every(5, () => {}, { name: "sweep", log: openLog(), signal: ending.signal });
    ending.abort();
    await sleep(20);
    expect(schedule.runs).toBe(0);
    await schedule[Symbol.asyncDispose]();
    const late = every(1, () => {}, { name: "sweep", log: openLog(), signal: ending.signal });
    await sleep(10);
    expect(late.runs).toBe(0);
  });
});
