import { expect, test } from "@jest/globals";
import { newId, systemClock } from "./clock.ts";

test("an id is a UUIDv7 of the moment it was made", () => {
  const before = systemClock.now().getTime();
  const ids = Array.from({ length: 100 }, newId);
  const after = systemClock.now().getTime();
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const madeAt = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    expect(madeAt).toBeGreaterThanOrEqual(before);
    expect(madeAt).toBeLessThanOrEqual(after);
  }
});
