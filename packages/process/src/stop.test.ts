import { afterEach, expect, test } from "@jest/globals";
import { openStop } from "./stop.ts";

const before = process.exitCode;
afterEach(() => {
  process.exitCode = before; // It is this very process that would exit with 1.
});

test("the first reason ends the process with 1 and is logged, later ones change nothing", () => {
  const lines: unknown[] = [];
  const at = (level: string) => (about: object, message: string) => void lines.push([level, about, message]);
  const stop = openStop({ info: at("info"), error: at("error"), fatal: at("fatal") });
  expect(stop.signal.aborted).toBe(false);
  const reason = new Error("the stream differs");
  const { now } = stop; // Handed on alone, as main files do.
  now(reason);
  now(new Error("again"));
  expect(stop.signal.reason).toBe(reason);
  expect(process.exitCode).toBe(1);
  expect(lines).toEqual([["fatal", { err: reason }, "this process cannot go on"]]);
});
