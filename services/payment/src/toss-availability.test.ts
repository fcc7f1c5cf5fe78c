import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { openTossRig, SECRET_KEY, type TossRig, unknown } from "./testing/toss-rig.ts";

const approved = expect.objectContaining({ kind: "approved", paidWith: "카드 신용" });

let rig: TossRig;

beforeAll(async () => {
  rig = await openTossRig();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});
afterEach(async () => {
  await rig.control("DELETE", "/control/faults");
  for (const secret of rig.secrets()) expect(rig.told()).not.toContain(secret);
});

describe("availability", () => {
  test("an outage closes the door before new attempts; one that was written down is asked about later", async () => {
    await using toss = rig.open({ retestMs: 40 });
    const payments = await Promise.all(Array.from({ length: 12 }, rig.newPayment));
    await rig.control("POST", "/control/faults", { fault: "reset_before_effect", on: ["confirm"] });
    expect(toss.isAvailable).toBe(true);
    for (const payment of payments) await rig.heard(toss.confirm(payment.attempt));
    expect(toss.isAvailable).toBe(false);
    expect(rig.lines.join("")).toContain('"state":"open"');

    await rig.control("DELETE", "/control/faults");
    const [straggler, tester] = payments as [(typeof payments)[0], (typeof payments)[0]];
    expect(await rig.heard(toss.confirm(straggler.attempt))).toEqual(unknown("NOT_ASKED"));
    expect([toss.isAvailable, toss.isAnswering]).toEqual([false, false]);
    while (!toss.isAvailable) await sleep(10);
    const tested = toss.confirm(tester.attempt);
    expect([toss.isAvailable, toss.isAnswering]).toEqual([false, false]); // One at a time, until one was answered.
    expect(await rig.heard(tested)).toEqual(approved);
    expect([toss.isAvailable, toss.isAnswering]).toEqual([true, true]);
    expect(await rig.heard(toss.query(straggler.due))).toMatchObject({ kind: "running" });
  });

  test("questions that go without an answer close the door too, and one that is answered opens it", async () => {
    await using toss = rig.open({ retestMs: 40 });
    const payments = await Promise.all(Array.from({ length: 12 }, rig.newPayment));
    await rig.control("POST", "/control/faults", { fault: "reset_before_effect", on: ["query"] });
    for (const payment of payments) await rig.heard(toss.query(payment.due));
    expect(toss.isAnswering).toBe(false);
    await rig.control("DELETE", "/control/faults");
    while (!toss.isAvailable) await sleep(10);
    await rig.heard(toss.query((payments[0] as (typeof payments)[0]).due));
    expect(toss.isAnswering).toBe(true);
  });

  test("declines are answers", async () => {
    await using toss = rig.open();
    await rig.control("POST", "/control/faults", { fault: "decline", code: "REJECT_CARD_COMPANY" });
    for (let count = 0; count < 15; count += 1) {
      expect(await rig.heard(toss.confirm((await rig.newPayment()).attempt))).toMatchObject({
        kind: "declined",
      });
    }
    expect(toss.isAvailable).toBe(true);
  });

  test("too many calls before it close the door too", async () => {
    await using toss = rig.open({ connectionsMost: 1 });
    const payments = await Promise.all(Array.from({ length: 8 }, rig.newPayment));
    const calls = payments.map((payment) => toss.confirm(payment.attempt));
    expect(toss.isAvailable).toBe(false);
    expect(await rig.heard(Promise.all(calls))).toEqual(Array(8).fill(approved));
    expect(toss.isAvailable).toBe(true);
  });

  test("a wrong key of ours proves nothing about the payment and is written to the log", async () => {
    await using toss = rig.open({ secretKey: `${SECRET_KEY}_mistyped` });
    const payment = await rig.newPayment();
    rig.lines.length = 0;
    expect(await rig.heard(toss.confirm(payment.attempt))).toEqual(unknown("HTTP_401 UNAUTHORIZED_KEY"));
    expect(JSON.parse(rig.lines.join(""))).toMatchObject({
      level: "error",
      status: 401,
      code: "UNAUTHORIZED_KEY",
    });
    rig.lines.length = 0;
    await using ours = rig.open();
    await rig.control("POST", "/control/faults", {
      fault: "refuse",
      code: "FORBIDDEN_REQUEST",
      on: ["query"],
    });
    expect(await rig.heard(ours.query(payment.due))).toEqual(unknown("HTTP_403 FORBIDDEN_REQUEST"));
    expect(JSON.parse(rig.lines.join(""))).toMatchObject({
      level: "error",
      status: 403,
      code: "FORBIDDEN_REQUEST",
    });
  });
});
