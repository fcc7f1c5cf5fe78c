// The provider takes money and says nothing for longer than anyone may pay, or nobody is there to hear that it was taken.
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import type { Clients } from "@quadrille/stack/clients";
import { accountOf, addFaults, clearFaults, expire } from "@quadrille/stack/provider-control";
import { audit } from "./audit.ts";
import { codeOf, confirm, confirmPatiently, enrolMember, newRequestId, stockVariant } from "./buying.ts";
import {
  type Doubtful,
  endsWithMoneyOf,
  endWithMoneyOf,
  idsOf,
  placeDoubtful,
  untilPastPayBy,
  watchDoubts,
} from "./doubting.ts";
import { statusesOf } from "./statuses.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(60_000);
const sku = "lamp";
/** Time to have it paid on a busy machine, and less than any outage below. */
const payWithinSeconds = 7;
const units = 1_000;
const points = 100_000n;

let system: System;
let ann: Clients;

beforeAll(async () => {
  // Doubts are shown to operators at once, so that one of them can decide too early.
  system = await openSystem({ env: { TOSS_TIMEOUT: "1500ms", UNKNOWN_LIMIT: "1s" } });
  await stockVariant(system.operator, sku, { price: 1_000n, units });
  await enrolMember(system.operator, "ann", points);
  ann = await system.as("ann");
});
afterEach(async () => system && (await clearFaults(system.stack.providerUrl))); // One failure should not make the next test fail.
afterAll(async () => await system?.[Symbol.asyncDispose]());

const place = (count: number, window: { readonly payWithinSeconds?: number } = {}) =>
  placeDoubtful(system, ann, count, { sku, ...window });
const cancel = ({ orderId }: Doubtful) =>
  ann.orders.cancelOrder({ requestId: newRequestId(), orderId, memberId: "" });
const stuck = async () =>
  (await system.operator.payments.listStuckPayments({ pageSize: 100, pageToken: "" })).payments;

/** The breaker opens again after each test of the provider; from then on it is shut for two seconds. */
async function untilBreakerOpens(): Promise<void> {
  const before = system.log.length;
  await until("the breaker before the provider opens", async () =>
    system.log
      .slice(before)
      .some(({ process, text }) => process === "payment" && text.includes('"state":"open"')),
  );
}

/** Everything that can be in doubt when the provider falls silent. */
async function placeAll() {
  const short = { payWithinSeconds };
  const [taken, takenThenUnwanted, lost, tooLate, patient, patientThenUnwanted] = await Promise.all([
    place(8, short),
    place(2, short),
    place(6, short),
    place(2, short),
    place(3), // Not past pay_by when the provider is back: they are confirmed again, with the same key.
    place(2), // The same, were they not unwanted.
  ]);
  const moneyGone = [...taken, ...takenThenUnwanted];
  return {
    taken,
    takenThenUnwanted,
    lost,
    patient,
    lingering: [...tooLate, ...patientThenUnwanted],
    moneyGone,
    unwanted: [...takenThenUnwanted, ...patientThenUnwanted],
    short: [...moneyGone, ...lost, ...tooLate],
    all: [...moneyGone, ...lost, ...tooLate, ...patient, ...patientThenUnwanted],
  };
}

test("an outage longer than every pay window loses no hold and charges nobody twice, and every order ends right after it", async () => {
  const regretted = await place(2);
  await Promise.all(regretted.map((order) => confirm(ann, order)));
  expect(await endsWithMoneyOf(system, ann, regretted)).toEqual({
    "CONFIRMED, 1 captures, 0 refunds, 900 kept": 2,
  });
  const newcomers = await place(2);
  const { providerUrl } = system.stack;
  const orders = await placeAll();
  const { all, lost, lingering, moneyGone, unwanted } = orders;

  await addFaults(providerUrl, [
    ...moneyGone.map(({ orderId }) => ({ fault: "timeout_after_effect", on: ["confirm"], orderId })),
    { fault: "timeout_after_effect", on: ["cancel"], orderId: regretted[0]?.orderId },
    { fault: "outage" },
  ]);
  const watch = watchDoubts(system, idsOf(all));
  const first = Promise.all(all.map((order) => confirm(ann, order)));
  first.catch(() => {}); // Awaited below, once it is known that they are in doubt.
  const regretting = await Promise.all(regretted.map(cancel));
  expect(regretting.map(({ order }) => order?.status)).toEqual(regretted.map(() => "ORDER_STATUS_CANCELLED"));
  const inDoubt = () => statusesOf(system, "payment", idsOf(all));
  await until("all of them are in doubt", inDoubt, ({ unknown }) => unknown === all.length);

  const cancelling = await Promise.all(unwanted.map(cancel));
  expect(cancelling.map(({ order }) => order?.status)).toEqual(unwanted.map(() => "ORDER_STATUS_CANCELLING"));
  const withAnotherKey = all.map((order) => codeOf(confirm(ann, { ...order, paymentKey: order.otherKey })));
  expect(await Promise.all(withAnotherKey)).toEqual(all.map(() => "PAYMENT_IN_DOUBT"));
  const again = await Promise.all(all.map((order) => confirm(ann, order)));
  for (const answers of [await first, again])
    expect(answers.map(({ status }) => status)).toEqual(all.map(() => "PAYMENT_STATUS_UNKNOWN"));
  await expectNewcomersRefused(newcomers);

  await untilPastPayBy(system, idsOf(orders.short));
  await Promise.all(lost.map(({ paymentKey }) => expire(providerUrl, paymentKey)));
  const { losses, looks } = await watch.stop();
  expect(losses).toEqual([]);
  expect(looks).toBeGreaterThan(10);
  for (const order of all)
    expect((await accountOf(providerUrl, order.orderId)).captures).toBe(moneyGone.includes(order) ? 1 : 0);

  await clearFaults(providerUrl);
  const backAt = Date.now();
  await expectEnds(orders);
  console.info(
    `${all.length - lingering.length} orders in doubt had ended ${Date.now() - backAt} ms after the outage`,
  );
  expect(await endsWithMoneyOf(system, ann, regretted)).toEqual({
    "CANCELLED BY_MEMBER, 1 captures, 1 refunds, 0 kept": 2,
  });
  await Promise.all(newcomers.map((order) => confirmPatiently(ann, order)));
  expect(await endsWithMoneyOf(system, ann, newcomers)).toEqual({
    "CONFIRMED, 1 captures, 0 refunds, 900 kept": 2,
  });
  await expectLingeringEnds(lingering);
});

/** Whoever comes when the provider is known to be silent is sent away, and no attempt is kept to be in doubt about. */
async function expectNewcomersRefused(newcomers: readonly Doubtful[]): Promise<void> {
  const kept = () =>
    system.query("payment", "select * from payments where order_id = any($1) order by order_id", [
      idsOf(newcomers),
    ]);
  const before = await kept();
  await untilBreakerOpens();
  const said = await Promise.all(newcomers.map((order) => codeOf(confirm(ann, order))));
  expect(said).toEqual(newcomers.map(() => "PROVIDER_UNAVAILABLE"));
  expect(await kept()).toEqual(before);
}

async function expectEnds(orders: Awaited<ReturnType<typeof placeAll>>): Promise<void> {
  const paid = "CONFIRMED, 1 captures, 0 refunds, 900 kept";
  const groups = ["taken", "takenThenUnwanted", "patient", "lost"] as const;
  const ends = groups.map(
    async (group) => [group, await endsWithMoneyOf(system, ann, orders[group])] as const,
  );
  expect(Object.fromEntries(await Promise.all(ends))).toEqual({
    taken: { [paid]: 8 },
    takenThenUnwanted: { [paid]: 2 }, // The money came first.
    patient: { [paid]: 3 },
    lost: { "CANCELLED PAYMENT_DECLINED, 0 captures, 0 refunds, 0 kept": 6 },
  });
}

/** What is too late or unwanted is not paid any more, and asked about until the provider gives it up; a person may ask sooner. */
async function expectLingeringEnds(lingering: readonly Doubtful[]): Promise<void> {
  await until("they were asked about and left alone", async () => {
    const heard = new Map((await stuck()).map(({ payment, why }) => [payment?.orderId, why]));
    return lingering.every(({ orderId }) => heard.get(orderId) === "IN_PROGRESS");
  });
  expect(await statusesOf(system, "order", idsOf(lingering))).toEqual({ payable: 2, cancelling: 2 });
  for (const { orderId, paymentKey } of lingering) {
    await expire(system.stack.providerUrl, paymentKey);
    const resolution = "RESOLUTION_RETRY" as const;
    const asked = { requestId: newRequestId(), orderId, resolution, transactionKey: "", note: "it expired" };
    await system.operator.payments.resolvePayment(asked);
  }
  expect(await endsWithMoneyOf(system, ann, lingering)).toEqual({
    "CANCELLED PAYMENT_DECLINED, 0 captures, 0 refunds, 0 kept": lingering.length,
  });
}

test("money taken in another amount goes back whole, and the order is cancelled", async () => {
  const [order] = (await place(1)) as [Doubtful];
  await addFaults(system.stack.providerUrl, [{ fault: "wrong_amount", orderId: order.orderId, amount: 800 }]);
  const said = await codeOf(confirm(ann, order), ({ status }) => status);
  expect(["PAYMENT_DECLINED", "PAYMENT_STATUS_REFUNDING", "PAYMENT_STATUS_REFUNDED"]).toContain(said);
  expect(await endWithMoneyOf(system, ann, order.orderId)).toBe(
    "CANCELLED PAYMENT_DECLINED, 1 captures, 1 refunds, 0 kept",
  );
  expect(await accountOf(system.stack.providerUrl, order.orderId)).toMatchObject({
    captured: 800,
    refunded: 800,
  });
});

test("an approval that comes after an operator ended the order goes back", async () => {
  const [order] = (await place(1)) as [Doubtful];
  const { orderId } = order;
  await addFaults(system.stack.providerUrl, [
    { fault: "timeout_after_effect", on: ["confirm"], orderId },
    { fault: "delay_answer", on: ["query"], orderId, ms: 800, times: 10 },
  ]);
  const confirming = codeOf(confirm(ann, order));
  confirming.catch(() => {}); // Awaited below, after what it waits for.
  await until("the provider is being asked what became of it", async () => {
    const [row] = await system.query<{ lease: number }>(
      "payment",
      "select lease from payments where order_id = $1",
      [orderId],
    );
    return (row?.lease ?? 0) >= 2;
  });
  const resolution = "RESOLUTION_NOT_CAPTURED" as const;
  const decided = { requestId: newRequestId(), orderId, resolution, transactionKey: "", note: "a mistake" };
  await system.operator.payments.resolvePayment(decided);
  expect(await endWithMoneyOf(system, ann, orderId)).toMatch(/^CANCELLED PAYMENT_DECLINED, 1 captures/);
  expect(await confirming).toBe("PAYMENT_DECLINED");
  await until(
    "the money went back",
    async () => (await accountOf(system.stack.providerUrl, orderId)).refunds === 1,
  );
  expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
    captured: 900,
    refunded: 900,
    captures: 1,
  });
});

test("orders whose approval waits while order is down longer than every pay window are all confirmed", async () => {
  const orders = await place(20, { payWithinSeconds });
  const ids = idsOf(orders);
  await system.stack.kill("order");
  const confirmed = await Promise.all(orders.map((order) => confirm(ann, order)));
  expect(confirmed.map(({ status }) => status)).toEqual(orders.map(() => "PAYMENT_STATUS_APPROVED"));
  await untilPastPayBy(system, ids);
  expect(await statusesOf(system, "order", ids)).toEqual({ payable: orders.length });
  // For half of them it was down even longer: it wakes up with its own question about them overdue.
  await system.query("order", "update orders set due_at = pay_by where order_id = any($1)", [ids.slice(10)]);

  await system.stack.restart("order");
  const upAt = Date.now();
  expect(await endsWithMoneyOf(system, ann, orders)).toEqual({
    "CONFIRMED, 1 captures, 0 refunds, 900 kept": 20,
  });
  console.info(
    `${orders.length} orders paid while order was down were settled ${Date.now() - upAt} ms after it was ready`,
  );
});

test("after all that, everything was given back or sold, and every party remembers the same", async () => {
  expect(await audit(system)).toEqual([]);
  const [stock] = await system.query<Record<string, unknown>>(
    "product",
    "select held, available + sold as units from variants where variant_id = $1",
    [sku],
  );
  expect(stock).toEqual({ held: 0, units });
  const { member } = await ann.members.getMember({ memberId: "" });
  expect(member?.points).toMatchObject({ held: 0n });
  expect((member?.points?.available ?? 0n) + (member?.points?.spent ?? 0n)).toBe(points);
  expect(await stuck()).toEqual([]);
});
