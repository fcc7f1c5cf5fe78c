// In every state an order that is not settled waits for somebody, and a settled one for nobody.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Input, State } from "./order.decisions.ts";
import { after, inputs, orderOf, states, told } from "./order.examples.ts";
import { isSettled } from "./order.ts";
import { waitsOf } from "./order.waits.ts";

const stockHeld = "product: product.stock_held or product.stock_rejected";
const benefitsHeld = "member: member.benefits_held or member.benefits_rejected";
const sold = "product: product.stock_committed or product.stock_commit_failed";
const spent = "member: member.benefits_spent or member.benefits_spend_failed";
const verdict = "payment: payment.approved, payment.declined or payment.voided";
const stockBack = "product: product.stock_released";
const benefitsBack = "member: member.benefits_released";
const end = "payment: payment.voided, payment.declined or payment.refunded";
const refunded = "payment: payment.refunded";

const table = {
  absent: [],
  pending: [stockHeld, benefitsHeld],
  "pending, stock held": [benefitsHeld],
  "pending, benefits held": [stockHeld],
  "pending, no points": [stockHeld],
  "pending, stock held, too short by now": [benefitsHeld],
  "pending, stock held, late": [benefitsHeld],
  payable: [verdict],
  "payable, overdue": [verdict],
  "payable, refunded": [verdict],
  cancelling: [verdict],
  "cancelling, overdue": [verdict],
  "cancelling, refunded": [verdict],
  "cancelling, holds gone": [verdict],
  confirmed: [sold, spent],
  "confirmed, stock committed": [spent],
  "confirmed, no points": [sold],
  "confirmed, settled": [],
  cancelled: [stockBack, benefitsBack, end],
  "cancelled, no points": [stockBack, end],
  "cancelled, given back": [],
  "cancelled, declined and refunded": [stockBack, benefitsBack],
  "cancelled, refunded and declined": [stockBack, benefitsBack],
  "cancelled, sale taken back": [stockBack, benefitsBack, refunded],
} satisfies Record<State, readonly string[]>;

test.each(Object.entries(table))("%s", (state, expected) => {
  const waits = waitsOf(orderOf(states[state as State]));
  expect(waits.map(({ who, what }) => `${who}: ${what}`)).toEqual(expected);
});

test("says until when, and what happens then", () => {
  const [pending] = waitsOf(orderOf(states.pending));
  expect(pending).toMatchObject({ until: after(60), instead: "order.cancelled (SAGA_TIMEOUT)" });
  const [payable] = waitsOf(orderOf(states.payable));
  expect(payable).toMatchObject({ until: after(660), instead: expect.stringContaining("PAYMENT_EXPIRED") });
  const [cancelling] = waitsOf(orderOf(states.cancelling));
  expect(cancelling).toMatchObject({
    until: after(60),
    instead: "order.cancel_requested asks payment again",
    because: "BY_MEMBER: payment was asked once which came first",
  });
  const [again] = waitsOf(orderOf(told(states["cancelling, overdue"], "DeadlinePassed")));
  expect(again).toMatchObject({ until: after(180), because: expect.stringContaining("asked 2 times") });
});

test("whatever comes to an order, it waits exactly as long as it is not settled", () => {
  const story = fc.record({
    from: fc.constantFrom(...(Object.keys(states) as State[])),
    names: fc.array(fc.constantFrom(...(Object.keys(inputs) as Input[])), { maxLength: 30 }),
  });
  fc.assert(
    fc.property(story, ({ from, names }) => {
      const order = orderOf(told(states[from], ...names));
      const isOver = order.status === "absent" || isSettled(order);
      expect(waitsOf(order).length === 0).toBe(isOver);
    }),
  );
});
