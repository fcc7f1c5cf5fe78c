import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "@jest/globals";
import { openDepartures } from "./departures.ts";

const response = (writableFinished = false) =>
  Object.assign(new EventEmitter(), { writableFinished }) as unknown as ServerResponse & EventEmitter;

test("a call ends when its reader is gone, and not when it was answered", () => {
  const departures = openDepartures({ perSecondMax: 20, nowMs: () => 0 });
  const [gone, answered] = [response(), response(true)];
  const signals = [departures.signalOf(gone), departures.signalOf(answered)];
  gone.emit("close");
  answered.emit("close");
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
});

test("a flood hangs up no more than its share, and the next second has a share of its own", () => {
  let nowMs = 0;
  const departures = openDepartures({ perSecondMax: 20, nowMs: () => nowMs });
  const leave = (count: number) => {
    const signals = Array.from({ length: count }, () => {
      const one = response();
      const signal = departures.signalOf(one);
      one.emit("close");
      return signal;
    });
    return signals.filter(({ aborted }) => aborted).length;
  };
  expect(leave(1_000)).toBe(20);
  nowMs += 500;
  expect(leave(1_000)).toBe(10);
  nowMs += 60_000; // However long it was quiet, no more than one second's share is saved up.
  expect(leave(1_000)).toBe(20);
});
