// Turns: a bound on what works at once, a bound on what waits, and nobody forgotten.
import { expect, test } from "@jest/globals";
import { Turns } from "./turns.ts";

test("works on so many at once, in the order they came, and refuses whoever finds no place to wait", async () => {
  const turns = new Turns(2, 3);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const started: number[] = [];
  const all = gates.map((gate, index) =>
    turns.take(async () => {
      started.push(index);
      await gate.promise;
      return index;
    }),
  );
  await expect(turns.take(async () => "no place")).rejects.toMatchObject({ code: "OVERLOADED" });
  expect(started).toEqual([0, 1]);
  gates[1]?.resolve();
  expect(await all[1]).toBe(1);
  expect(started).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4]);
  expect(await turns.take(async () => "free again")).toBe("free again");
});

test("a failing work gives its turn on", async () => {
  const turns = new Turns(1, 10);
  const failing = turns.take(() => Promise.reject(new Error("its own")));
  const next = turns.take(async () => "next");
  await expect(failing).rejects.toThrow("its own");
  expect(await next).toBe("next");
});
