import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import type { FastifyReply } from "fastify";
import { Held } from "./delivery.ts";

/** A caller's connection that only knows whether it was cut. */
function caller() {
  const raw = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy() {
      raw.destroyed = true;
      raw.emit("close");
    },
  });
  return { raw, reply: { raw, hijack() {} } as unknown as FastifyReply };
}

describe("callers who are never answered", () => {
  test("are cut off after their time, or gone before it", async () => {
    using held = new Held();
    const [patient, impatient] = [caller(), caller()];
    const both = [held.hang(patient.reply, 20), held.hang(impatient.reply, 60_000)];
    expect(held.size).toBe(2);
    impatient.raw.emit("close");
    await Promise.all(both);
    expect([patient.raw.destroyed, impatient.raw.destroyed, held.size]).toEqual([true, false, 0]);
  });

  test("are at most two thousand: the next one is cut off at once", async () => {
    const callers = Array.from({ length: 2_001 }, caller);
    const held = new Held();
    const waits = callers.map(({ reply }) => held.hang(reply, 60_000));
    expect(callers.filter(({ raw }) => raw.destroyed)).toEqual([callers.at(-1)]);
    held[Symbol.dispose]();
    await Promise.all(waits);
    expect([callers.every(({ raw }) => raw.destroyed), held.size]).toEqual([true, 0]);
  });

  test("who have gone already are not waited for", async () => {
    using held = new Held();
    const gone = caller();
    gone.raw.destroy();
    await held.hang(gone.reply, 60_000);
    expect(held.size).toBe(0);
  });
});
