import { expect, test } from "@jest/globals";
import { holdOf, holdStates, holdUntil } from "./benefits.examples.ts";
import { waitsOf } from "./benefits.waits.ts";

test("only a hold waits: for the order's end, until it expires", () => {
  const waiting = Object.entries(holdStates).filter(([, past]) => waitsOf(holdOf(past)).length > 0);
  expect(waiting.map(([state]) => state)).toEqual(["held", "held, past hold_until"]);
  expect(waitsOf(holdOf(holdStates.held))).toEqual([
    {
      what: "order.confirmed or order.cancelled",
      who: "order",
      because: expect.stringMatching(/^\d+ points are held$/),
      until: holdUntil,
      instead: "member.benefits_released (EXPIRED)",
    },
  ]);
});
