import { expect, test } from "@jest/globals";
import { VirtualClock } from "@quadrille/bus/virtual-clock";
import { alarmsMost, Bound, Endless, Steps, stepsMost } from "./endless.ts";

/** Rings again as soon as it has rung. */
function ringForEver(clock: VirtualClock, everyMs: number): void {
  clock.after(everyMs, () => ringForEver(clock, everyMs));
}

test.each([0, 1])(
  "alarms that are set anew every %i ms are too many at last, however time is moved",
  async (everyMs) => {
    for (const move of [
      (clock: VirtualClock) => clock.advance(2 * alarmsMost),
      (clock: VirtualClock) => clock.until(() => false, 2 * alarmsMost),
    ]) {
      const bound = new Bound();
      const clock = new VirtualClock(0, bound.onRing);
      ringForEver(clock, everyMs);
      await expect(move(clock)).rejects.toThrow(Endless);
      expect(bound.reason?.message).toContain("always another alarm");
    }
  },
);

test("steps are counted for each moment, and the first that is too many ends the run at the next alarm", async () => {
  const bound = new Bound();
  const clock = new VirtualClock(0, bound.onRing);
  const steps = new Steps("order-1.1", clock, bound);
  const isTooMany = () => Array.from({ length: stepsMost }, () => steps.isTooMany()).includes(true);
  expect(isTooMany()).toBe(false);
  await clock.advance(1);
  expect(isTooMany()).toBe(false);
  expect(bound.reason).toBeUndefined();
  expect(isTooMany()).toBe(true);
  clock.after(5, () => undefined);
  await expect(clock.advance(10)).rejects.toThrow("order-1.1 makes more than 20000 steps at one moment");
});
