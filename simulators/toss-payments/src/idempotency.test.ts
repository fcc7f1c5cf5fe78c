import { describe, expect, test } from "@jest/globals";
import { Idempotency, scopeOf } from "./idempotency.ts";

const DAY_MS = 24 * 3_600_000;
const answer = { status: 200, body: "{}" };
const PROCESSING = expect.objectContaining({ status: 409 });

describe("an idempotency key", () => {
  test("is one for each method, address and API key", () => {
    const scopes = [
      scopeOf("POST", "/a", "k", "1"),
      scopeOf("POST", "/b", "k", "1"),
      scopeOf("POST", "/a", "l", "1"),
      scopeOf("PUT", "/a", "k", "1"),
      scopeOf("POST", "/a", "k", "2"),
    ];
    expect(new Set(scopes).size).toBe(5);
  });

  test("is busy until its first request is over, then gives that answer", () => {
    const kept = new Idempotency(10);
    expect(kept.begin("s", 0)).toBeUndefined();
    expect(kept.begin("s", 1)).toEqual(PROCESSING);
    kept.finish("s", answer, 1);
    expect(kept.begin("s", 1)).toEqual(PROCESSING);
    kept.release("s");
    expect(kept.begin("s", 2)).toBe(answer);
  });

  test("is free again when its request ended without an answer", () => {
    const kept = new Idempotency(10);
    kept.begin("s", 0);
    kept.release("s");
    kept.release("never begun");
    expect([kept.size, kept.begin("s", 1)]).toEqual([0, undefined]);
  });

  test("is forgotten after fifteen days", () => {
    const kept = new Idempotency(10);
    kept.finish("s", answer, 0);
    expect(kept.begin("s", 15 * DAY_MS - 1)).toBe(answer);
    expect(kept.begin("s", 15 * DAY_MS)).toBeUndefined();
  });

  test("finds room among forgotten ones only", () => {
    const kept = new Idempotency(2);
    kept.finish("old", answer, 0);
    kept.finish("young", answer, 10 * DAY_MS);
    expect(kept.begin("next", 14 * DAY_MS)).toMatchObject({ status: 503 });
    expect(kept.begin("next", 15 * DAY_MS)).toBeUndefined();
    expect([kept.size, kept.begin("young", 15 * DAY_MS)]).toEqual([2, answer]);
  });
});
