// The small parts: pauses, derived ids, comparing, gathering, virtual time.
import { describe, expect, test } from "@jest/globals";
import { backoffMs } from "./backoff.ts";
import { compare } from "./difference.ts";
import { Gathered } from "./gather.ts";
import { derivedId } from "./message.ts";
import { VirtualClock } from "./virtual-clock.ts";

describe("backoff", () => {
  const limits = { firstMs: 100, mostMs: 60_000 };

  test("never more than the limit, however often it failed, and never nothing", () => {
    for (const tries of [0, 1, 10, 11, 1_000, 1e9]) {
      expect(backoffMs(tries, limits, () => 0.999)).toBeLessThanOrEqual(60_000);
      expect(backoffMs(tries, limits, () => 0)).toBeGreaterThanOrEqual(50);
    }
    expect(backoffMs(10, limits, () => 0)).toBe(25_600);
    expect(backoffMs(11, limits, () => 0)).toBe(30_000);
  });
});

describe("a derived id", () => {
  const place = { stream: "QUADRILLE_ORDER", seq: 7n, storedAt: Date.UTC(2026, 0, 2) };

  test("is the same for the same place, and starts with the time the broker stored it", () => {
    expect(derivedId(place)).toBe(derivedId({ ...place }));
    expect(Number.parseInt(derivedId(place).replaceAll("-", "").slice(0, 12), 16)).toBe(place.storedAt);
  });

  test("differs for another sequence, stream or time", () => {
    const others = [{ seq: 8n }, { stream: "QUADRILLE_PAYMENT" }, { storedAt: place.storedAt + 1 }];
    const ids = others.map((other) => derivedId({ ...place, ...other }));
    expect(new Set([derivedId(place), ...ids]).size).toBe(4);
  });
});

describe("compare", () => {
  const wanted = { max_age: 3, subjects: ["a"] };

  test("takes what a broker says about an unset field for unset", () => {
    const found = {
      ...wanted,
      sealed: false,
      mirror: null,
      sources: [],
      no_ack: 0,
      republish: "",
      more: "x",
    };
    compare("stream", wanted, ["sealed", "mirror", "sources", "no_ack", "republish", "placement"], found);
  });

  test("names every field that differs, is missing, or must not be there", () => {
    const found = { subjects: ["a", "b"], no_ack: true };
    expect(() => compare("stream X", wanted, ["no_ack"], found)).toThrow(
      'stream X: max_age is undefined, not 3; subjects is ["a","b"], not ["a"]; no_ack is true, not undefined',
    );
  });
});

describe("gathered sends", () => {
  test("leave together, in order, after everything that was computed in this turn", async () => {
    const gathered = new Gathered();
    const sent: string[] = [];
    gathered.add(() => sent.push("one"));
    await Promise.resolve();
    gathered.add(() => sent.push("two"));
    expect(sent).toEqual([]);
    await new Promise(setImmediate);
    expect(sent).toEqual(["one", "two"]);
  });

  test("leave at once when asked, and once only", async () => {
    const gathered = new Gathered();
    const sent: string[] = [];
    gathered.add(() => sent.push("one"));
    gathered.flush();
    expect(sent).toEqual(["one"]);
    await new Promise(setImmediate);
    expect(sent).toEqual(["one"]);
  });
});

describe("virtual time", () => {
  test("rings in the order of time, then of asking, also what was asked for on the way", async () => {
    const clock = new VirtualClock(1_000);
    const rung: string[] = [];
    const ring = (name: string) => () => rung.push(`${clock.now()} ${name}`);
    for (const ms of [30, 10, 20, 10, 40, 5, 25]) clock.after(ms, ring(String(ms)));
    const cancel = clock.after(15, ring("cancelled"));
    clock.after(10, () => {
      cancel();
      clock.after(2, ring("later"));
    });
    await clock.advance(30);
    expect(rung).toEqual(["1005 5", "1010 10", "1010 10", "1012 later", "1020 20", "1025 25", "1030 30"]);
    expect(clock.now()).toBe(1_030);
  });

  test("says so when a condition does not come true", async () => {
    const clock = new VirtualClock();
    clock.after(100, () => {});
    await expect(clock.until(() => false, 99)).rejects.toThrow("not within 99 ms of virtual time");
    expect(clock.now()).toBe(0);
  });
});
