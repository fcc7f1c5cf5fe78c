// What an operator reads about one order in each phase of its life: all that happened, and what it waits for.
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import type { Clients } from "@quadrille/stack/clients";
import { addFaults, clearFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { audit, withOpenOrders } from "./audit.ts";
import { auditCommand } from "./auditing.ts";
import {
  buy,
  confirmPatiently,
  endOf,
  enrolMember,
  newRequestId,
  pay,
  place,
  stockVariant,
} from "./buying.ts";
import { ops } from "./operating.ts";
import { untilOpened } from "./statuses.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(120_000);
let system: System;
let ann: Clients;

beforeAll(async () => {
  // A busy machine must not end an order by its deadline. The provider's breaker is another test's matter.
  system = await openSystem({ env: { TOSS_TIMEOUT: "500ms", PENDING_DEADLINE: "10m" } });
  await stockVariant(system.operator, "sku", { price: 1_000n, units: 100 });
  await enrolMember(system.operator, "ann", 1_000n);
  ann = await system.as("ann");
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const wish = { lines: { sku: 1 }, points: 100n, due: 900n };
const why = async (orderId: string) => (await ops(system, "why", orderId)).text;
/** A moment as it is printed. */
const iso = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
/** Asks until it says all of this. */
const untilSays = (orderId: string, ...lines: readonly string[]) =>
  until(
    `it says ${lines.join(" and ")}`,
    () => why(orderId),
    (text) => lines.every((line) => new RegExp(line, "m").test(text)),
  );
const cancel = (orderId: string) =>
  ann.orders.cancelOrder({ requestId: newRequestId(), orderId, memberId: "" });

test("a settled order waits for nothing, and everything that led there can be read", async () => {
  const { orderId } = await buy(system, ann, wish);
  const text = await untilSays(orderId, "^waits for nothing$");
  expect(text).toMatch(
    `order ${orderId}: order CONFIRMED, product COMMITTED, member SPENT, payment APPROVED\n`,
  );
  const lines = [
    "order +asked +PlaceOrder by member:ann",
    "order +told +order.placed \\(900 KRW due, 100 points, .*\\) ← PlaceOrder",
    "order +published +order.placed \\(QUADRILLE_ORDER \\d+\\)",
    "product +heard +order.placed after \\d+ ms",
    "product +told +product.stock_held \\(hold until .*\\) ← order.placed",
    "member +told +member.benefits_held \\(100 points, hold until .*\\) ← order.placed",
    "order +told +order.payable \\(900 KRW due, to be paid by .*\\) ← (product.stock|member.benefits)_held",
    "payment +asked +ConfirmPayment by member:ann, 900 KRW",
    "payment +called +the payment provider: confirm \\(call 1\\) ← ConfirmPayment",
    "payment +answered +by the payment provider: approved \\w+",
    "payment +told +payment.approved \\(900 KRW\\) ← the provider's answer",
    "order +told +order.confirmed \\(900 KRW due, 100 points\\) ← payment.approved",
    "product +told +product.stock_committed ← order.confirmed",
    "member +told +member.benefits_spent \\(100 points\\) ← order.confirmed",
    "order +heard +product.stock_committed after \\d+ ms",
  ];
  for (const line of lines) expect(text).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3}  ${line}`, "m"));
  const key = "select payment_key from payments where order_id = $1";
  const [row] = await system.query<{ payment_key: string }>("payment", key, [orderId]);
  expect(row?.payment_key).toMatch(/./);
  expect(text).not.toContain(row?.payment_key);
});

test("a pending order waits for the holds that are missing; a service that is down is named", async () => {
  const { orderId } = await (async () => {
    await using blocked = await system.transaction("product");
    await blocked.query("lock table holds in exclusive mode"); // Prices are still read, but nothing is held.
    const order = await place(ann, wish);
    await untilSays(
      order.orderId,
      "^order .*: order PENDING, member HELD$",
      `^ {2}order: order.confirmed or order.cancelled\n {4}100 points are held\n {4}until ${iso}, then member.benefits_released \\(EXPIRED\\)$`,
      `^ {2}product: product.stock_held or product.stock_rejected\n {4}until ${iso}, then order.cancelled \\(SAGA_TIMEOUT\\)$`,
      `^ {2}product: to hear order.placed\n {4}order told it at ${iso}$`,
    );
    await system.stack.processes.get("product")?.stop(); // It gives back what it could not hold.
    return order;
  })();
  const { text, isWell } = await ops(system, "why", orderId);
  expect(isWell).toBe(true);
  expect(text).toMatch(/^product could not be asked: .*$/m);
  expect(text).toMatch(/^ {2}product: product.stock_held or product.stock_rejected$/m);
  expect(text).not.toContain("member: member.benefits_held");
  await system.stack.restart("product");
  await untilSays(
    orderId,
    "product +heard +order.placed after .*, at delivery \\d",
    "payment +told +payment.opened",
  );
});

test("a payable order waits for its buyer; cancelled, for everything to come back, and then for nothing", async () => {
  const { orderId } = await place(ann, wish);
  await untilOpened(system, orderId);
  await untilSays(
    orderId,
    "order PAYABLE, product HELD, member HELD, payment READY$",
    `^ {2}payment: payment.approved, payment.declined or payment.voided\n {4}until ${iso}, then order.cancel_requested asks payment which came first \\(PAYMENT_EXPIRED\\)$`,
    `^ {2}the buyer, member ann: ConfirmPayment for 900 KRW\n {4}until ${iso}, then payment.voided \\(EXPIRED\\)$`,
  );
  await cancel(orderId);
  expect(await endOf(ann, orderId)).toBe("CANCELLED BY_MEMBER");
  const text = await untilSays(orderId, "^waits for nothing$");
  expect(text).toMatch(/order CANCELLED, product RELEASED, member RELEASED, payment VOIDED$/m);
  expect(text).toMatch(/^.{12} {2}order {4}asked {6}CancelOrder by member:ann$/m);
  expect(text).toMatch(/order +told +order.cancel_requested \(BY_MEMBER\) ← CancelOrder$/m);
  expect(text).toMatch(/payment +told +payment.voided \(CANCELLED\) ← order.cancel_requested$/m);
  expect(text).toMatch(/order +told +order.cancelled \(BY_MEMBER, .*\) ← payment.voided$/m);
});

test("a payment in doubt is the provider's to end, and nobody else's before its time", async () => {
  const { orderId, amountDue: amount } = await place(ann, wish);
  const { providerUrl } = system.stack;
  const { paymentKey } = await payInWindow(providerUrl, orderId, amount);
  await addFaults(providerUrl, [
    { fault: "timeout_after_effect", on: ["confirm"], orderId },
    { fault: "server_error_before_effect", on: ["query"], orderId, times: 1_000 },
  ]);
  await confirmPatiently(ann, { orderId, amount, paymentKey });
  const text = await untilSays(
    orderId,
    "order PAYABLE, product HELD, member HELD, payment UNKNOWN$",
    "payment +called +the payment provider: confirm \\(call 1\\) ← ConfirmPayment$",
    "payment +answered +by the payment provider: unknown \\w+",
    "payment +called +the payment provider: query \\(call 2\\) ← the provider's answer$",
    `^ {2}the payment provider: whether 900 KRW were taken\n {4}payment is UNKNOWN since ${iso} \\(.*, asked in vain .*\\)\n {4}until ${iso}, then payment asks it again$`,
    `^ {2}an operator: a decision \\(npm run ops -- resolve\\): .*\n {4}not before ${iso}$`,
  );
  expect(text).not.toContain(paymentKey);
  await ops(system, "resolve", orderId, "retry", "--note", "they will be back");
  await clearFaults(providerUrl);
  expect(await endOf(ann, orderId)).toBe("CONFIRMED");
  const after = await untilSays(orderId, "^waits for nothing$");
  expect(after).toMatch(/payment +resolved +RETRY by operator:operator: they will be back$/m);
  expect(after).toMatch(/payment +answered +by the payment provider: approved \w+$/m);
});

test("a refund the provider refuses waits for a person", async () => {
  const order = await place(ann, wish);
  const { orderId } = order;
  await pay(system, ann, order);
  await endOf(ann, orderId);
  const code = "NOT_CANCELABLE_PAYMENT";
  await addFaults(system.stack.providerUrl, [{ fault: "refuse", on: ["cancel"], orderId, code }]);
  await cancel(orderId);
  await untilSays(
    orderId,
    "order CANCELLED, product RETURNED, member RETURNED, payment REFUNDING$",
    "payment +called +the payment provider: refund \\(call 2\\) ← order.cancelled$",
    `payment +answered +by the payment provider: refused ${code}$`,
    "^ {2}payment: payment.refunded\n {4}the order is cancelled \\(BY_MEMBER\\)$",
    `^ {2}an operator: a decision \\(npm run ops -- resolve\\): refunded or retry\n {4}the provider refused refund 1 of 900 KRW \\(${code}\\)$`,
  );
  await ops(system, "resolve", orderId, "refunded", "--note", "by bank transfer");
  const text = await untilSays(orderId, "^waits for nothing$");
  expect(text).toMatch(/payment +asked +ResolvePayment by operator:operator$/m);
  expect(text).toMatch(/payment +resolved +REFUNDED by operator:operator: by bank transfer$/m);
  expect(text).toMatch(/payment +told +payment.refunded \(900 KRW, refund 1\) ← ResolvePayment$/m);
});

test("what nobody knows, and who may not ask", async () => {
  const unknown = crypto.randomUUID();
  expect(await ops(system, "why", unknown)).toEqual({
    text: `no service knows of order ${unknown}`,
    isWell: false,
  });
  expect((await ops(system, "why", "no id at all")).text).toContain("INVALID_REQUEST");
  expect((await ops(system, "why")).text).toContain("usage: npm run ops -- why <order id>");
  const asked = ann.ops.order.explainOrder({ orderId: unknown, factIds: [] });
  await expect(asked).rejects.toMatchObject({ constructor: Refusal, code: "FORBIDDEN" });
});

test("another service's address is said to be wrong, by the audit too", async () => {
  const { orderId } = await place(ann, wish);
  const { order } = system.stack.addresses;
  const wrong = `PRODUCT_ADDRESS: expected the product service at ${order}, but order answers`;
  const misled = {
    ...system,
    stack: { ...system.stack, addresses: { ...system.stack.addresses, product: order } },
  };
  expect(await ops(misled, "why", orderId)).toEqual({ text: wrong, isWell: false });
  const { addresses } = misled.stack;
  expect(await auditCommand({ addresses, dataDir: system.folder })).toEqual({
    text: wrong,
    ended: "exit code 2",
  });
});

test("after all that, every party remembers the same, the money given back by hand included", async () => {
  expect(await audit(system, withOpenOrders)).toEqual([]);
});
