// What an operator types about payments that nobody else can settle, and what becomes of them.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { startChild } from "@quadrille/embedded/child";
import { payInWindow } from "@quadrille/stack/provider-window";
import { audit } from "./audit.ts";
import { accountOf } from "./audit-money.ts";
import { enrolMember, newRequestId, patiently, place, stockVariant, watchToEnd } from "./buying.ts";
import { repository } from "./start-script.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(120_000);
let system: System;

beforeAll(async () => {
  // A doubt that lasts a second is long here. The provider's breaker is another test's matter.
  system = await openSystem({ env: { TOSS_TIMEOUT: "500ms", UNKNOWN_LIMIT: "1s" } });
  await stockVariant(system.operator, "sku", { price: 1_000n, units: 100 });
  await enrolMember(system.operator, "ann", 1_000n);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

/** Runs `npm run ops -- …` and answers with what it printed and whether it went well. */
async function ops(...args: string[]): Promise<{ text: string; isWell: boolean }> {
  const lines: string[] = [];
  await using child = await startChild({
    name: "ops",
    command: process.execPath,
    args: [join(repository, "scripts/ops.ts"), ...args],
    cwd: repository,
    env: { ...process.env, PAYMENT_ADDRESS: system.stack.addresses.payment, DATA_DIR: system.folder },
    log: (line) => lines.push(line),
  });
  const how = await child.exited;
  return { text: lines.join("\n"), isWell: how === "exit code 0" };
}

async function fault(rule: object): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(rule) };
  const response = await fetch(`${system.stack.providerUrl}/control/faults`, request);
  if (response.status !== 201) throw new Error(await response.text());
}
const noFaults = () => fetch(`${system.stack.providerUrl}/control/faults`, { method: "DELETE" });

/** An order whose payment got no answer, nor will any question about it. */
async function doubted(): Promise<string> {
  const ann = await system.as("ann");
  const { orderId, amountDue: amount } = await place(ann, { lines: { sku: 1 }, points: 100n, due: 900n });
  const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount);
  await fault({ fault: "timeout_after_effect", on: ["confirm"], orderId });
  await fault({ fault: "server_error_before_effect", on: ["query"], orderId, times: 1_000 });
  const { payment } = await patiently(() =>
    ann.payments.confirmPayment({ requestId: newRequestId(), orderId, paymentKey, amount }),
  );
  expect(payment?.status).toBe("PAYMENT_STATUS_UNKNOWN");
  return orderId;
}

async function endOf(orderId: string): Promise<string | undefined> {
  const ann = await system.as("ann");
  await watchToEnd(ann, orderId);
  const { order } = await ann.orders.getOrder({ orderId, memberId: "" });
  return `${order?.status} ${order?.reason}`;
}

test("a doubt that lasts too long is listed, and ends as the provider's desk says", async () => {
  const [taken, notTaken] = [await doubted(), await doubted()];
  const text = await stuckOnce(2);
  expect(text).toMatch(new RegExp(`^${taken}  UNKNOWN  900 KRW  member ann  since .+Z  \\S+`, "m"));
  expect(await ops("resolve", taken, "captured", "t-desk", "--note", "they said so on the phone")).toEqual({
    text: `payment ${taken} is APPROVED`,
    isWell: true,
  });
  expect(await endOf(taken)).toBe("ORDER_STATUS_CONFIRMED ");
  expect((await ops("resolve", notTaken, "not-captured", "--note", "they said so")).text).toBe(
    `payment ${notTaken} is DECLINED`,
  );
  expect(await endOf(notTaken)).toBe("ORDER_STATUS_CANCELLED PAYMENT_DECLINED");
  expect((await ops("stuck")).text).toBe("no payment waits for a person");
});

test("what is asked wrongly is answered with what is right, and changes nothing", async () => {
  const orderId = await doubted();
  const { text, isWell } = await ops();
  expect([text.startsWith("usage: npm run ops -- stuck"), isWell]).toEqual([true, false]);
  expect((await ops("resolve", orderId, "maybe")).isWell).toBe(false);
  expect((await ops("resolve", orderId, "not-captured")).text).toContain("INVALID_REQUEST");
  expect((await ops("resolve", orderId, "refunded", "--note", "n")).text).toContain("PAYMENT_NOT_STUCK");
  expect((await ops("resolve", "nobody", "retry", "--note", "n")).text).toContain("PAYMENT_UNKNOWN");
  await noFaults();
  expect(await ops("resolve", orderId, "retry", "--note", "they are up again")).toMatchObject({
    isWell: true,
  });
  expect(await endOf(orderId)).toBe("ORDER_STATUS_CONFIRMED ");
  expect((await accountOf(system, orderId)).captures).toBe(1);
});

/** The list once it names so many. */
async function stuckOnce(count: number): Promise<string> {
  const endsAt = Date.now() + 30_000;
  for (;;) {
    const { text } = await ops("stuck");
    if (text.endsWith(`\n${count} waiting`)) return text;
    if (Date.now() > endsAt) throw new Error(`there are not ${count} waiting:\n${text}`);
    await pause(300);
  }
}

test("what the operator was told wrongly is found by whoever compares with the provider", async () => {
  // The provider took the money of the second order; an operator called it not captured.
  const findings = await audit(system);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatch(/says 0, the provider took 900$/);
});
