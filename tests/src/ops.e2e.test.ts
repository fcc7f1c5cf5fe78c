// What an operator types about payments that nobody else can settle, and what becomes of them.
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { accountOf, addFaults, clearFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { audit } from "./audit.ts";
import { confirmPatiently, endOf, enrolMember, place, stockVariant } from "./buying.ts";
import { ops as opsOn } from "./operating.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(120_000);
let system: System;

beforeAll(async () => {
  // A doubt that lasts a second is long here. The provider's breaker is another test's matter.
  system = await openSystem({ env: { TOSS_TIMEOUT: "500ms", UNKNOWN_LIMIT: "1s" } });
  await stockVariant(system.operator, "sku", { price: 1_000n, units: 100 });
  await enrolMember(system.operator, "ann", 1_000n);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const ops = (...args: string[]) => opsOn(system, ...args);

/** An order whose payment got no answer, nor will any question about it. */
async function doubted(): Promise<string> {
  const ann = await system.as("ann");
  const { orderId, amountDue: amount } = await place(ann, { lines: { sku: 1 }, points: 100n, due: 900n });
  const { providerUrl } = system.stack;
  const { paymentKey } = await payInWindow(providerUrl, orderId, amount);
  await addFaults(providerUrl, [
    { fault: "timeout_after_effect", on: ["confirm"], orderId },
    { fault: "server_error_before_effect", on: ["query"], orderId, times: 1_000 },
  ]);
  const { status } = await confirmPatiently(ann, { orderId, amount, paymentKey });
  expect(status).toBe("PAYMENT_STATUS_UNKNOWN");
  return orderId;
}

const endOfAnns = async (orderId: string) => await endOf(await system.as("ann"), orderId);

test("a doubt that lasts too long is listed, and ends as the provider's desk says", async () => {
  const [taken, notTaken] = [await doubted(), await doubted()];
  const list = () => ops("stuck");
  const { text } = await until("two are listed", list, (seen) => seen.text.endsWith("\n2 waiting"));
  expect(text).toMatch(new RegExp(`^${taken}  UNKNOWN  900 KRW  member ann  since .+Z  \\S+`, "m"));
  expect(await ops("resolve", taken, "captured", "t-desk", "--note", "they said so on the phone")).toEqual({
    text: `payment ${taken} is APPROVED`,
    isWell: true,
  });
  expect(await endOfAnns(taken)).toBe("CONFIRMED");
  expect((await ops("resolve", notTaken, "not-captured", "--note", "they said so")).text).toBe(
    `payment ${notTaken} is DECLINED`,
  );
  expect(await endOfAnns(notTaken)).toBe("CANCELLED PAYMENT_DECLINED");
  expect((await ops("stuck")).text).toBe("no payment waits for a person");
});

test("what is asked wrongly is answered with what is right, and changes nothing", async () => {
  const orderId = await doubted();
  const { text, isWell } = await ops();
  expect([text.startsWith("usage: npm run ops -- why"), isWell]).toEqual([true, false]);
  expect((await ops("resolve", orderId, "maybe")).isWell).toBe(false);
  expect((await ops("resolve", orderId, "not-captured")).text).toContain("INVALID_REQUEST");
  expect((await ops("resolve", orderId, "refunded", "--note", "n")).text).toContain("PAYMENT_NOT_STUCK");
  expect((await ops("resolve", "nobody", "retry", "--note", "n")).text).toContain("PAYMENT_UNKNOWN");
  await clearFaults(system.stack.providerUrl);
  expect(await ops("resolve", orderId, "retry", "--note", "they are up again")).toMatchObject({
    isWell: true,
  });
  expect(await endOfAnns(orderId)).toBe("CONFIRMED");
  expect((await accountOf(system.stack.providerUrl, orderId)).captures).toBe(1);
});

test("money that an operator called not captured goes back as soon as it is found", async () => {
  const orderId = await doubted();
  const decide = () => ops("resolve", orderId, "not-captured", "--note", "so they said");
  await until("the doubt has lasted too long", decide, ({ isWell }) => isWell);
  expect(await endOfAnns(orderId)).toBe("CANCELLED PAYMENT_DECLINED");
  const { providerUrl } = system.stack;
  expect(await accountOf(providerUrl, orderId)).toMatchObject({ captured: 900, refunded: 0 });
  await clearFaults(providerUrl);
  await ops("resolve", orderId, "retry", "--note", "the ledger shows it after all");
  await until(
    "it went back",
    () => accountOf(providerUrl, orderId),
    ({ refunded }) => refunded === 900,
  );
  expect(
    await until(
      "all adds up",
      () => audit(system),
      (findings) => findings.length === 0,
    ),
  ).toEqual([]);
});
