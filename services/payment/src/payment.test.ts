// What the decision table does not show: amounts, keys, verdicts, and when time is up.
import { describe, expect, test } from "@jest/globals";
import {
  amountDue,
  inputs,
  memberId,
  orderId,
  payBy,
  paymentOf,
  start,
  states,
  told,
} from "./payment.examples.ts";
import { decidePayment, evolvePayment, type LivePayment, payments } from "./payment.ts";

const live = (past: typeof states.ready) => paymentOf(past) as LivePayment;
const justBefore = new Date(payBy.getTime() - 1);

test("an attempt keeps the key it was made with, which is also the provider's", () => {
  expect(live(states.confirming).attempt).toEqual({
    attemptId: "attempt",
    paymentKey: "key",
    startedAt: start,
  });
});

test("what was taken is told with the provider's transaction and never with the payment key", () => {
  const [fact] = states.confirming.when(inputs.ProviderAnswered).facts;
  expect(fact).toEqual({
    type: "payment.approved",
    data: {
      ...{ orderId, memberId, amount: amountDue, currency: "KRW" },
      ...{ transactionKey: "transaction", paidWith: "CARD", approvedAt: start },
    },
  });
  expect(live(states.approved)).toMatchObject({ captured: amountDue, refunds: [] });
});

test("when nothing is due nothing is taken, also after pay_by, and there is nothing to confirm", () => {
  const late = states.absent.when({ ...inputs["OrderPayable, nothing due"], payBy: start }).after;
  expect(live(late)).toMatchObject({ status: "approved", captured: 0n, attempt: undefined });
  late.when({ ...inputs.ConfirmPayment, amount: 0n }).thenRefuses("PAYMENT_ENDED");
});

describe("a payment may be tried until pay_by, and not a moment longer", () => {
  test("confirmed just before", () => {
    expect(live(states.ready.when(inputs.ConfirmPayment, justBefore).after).status).toBe("confirming");
    states.ready.when(inputs.DeadlinePassed, justBefore).thenNothing();
  });

  test("confirmed then", () => {
    const voided = { type: "payment.voided", data: { orderId, reason: "EXPIRED" } } as const;
    states.ready.when(inputs.ConfirmPayment, payBy).thenFacts([voided]);
    states.ready.when(inputs.DeadlinePassed, payBy).thenFacts([voided]);
  });

  test("what is with the provider by then is not given up", () => {
    states.unknown.when(inputs.DeadlinePassed, payBy).thenNothing();
    expect(live(states.unknown.when(inputs.ProviderAnswered, payBy).after).status).toBe("approved");
  });
});

describe("a verdict", () => {
  test.each(["approved", "declined", "voided", "refunding", "refunded"] as const)(
    "is told again when it is asked for in %s, and changes nothing",
    (state) => {
      const { facts, after } = states[state].when(inputs.OrderCancelRequested);
      expect(facts).toEqual([live(states[state]).verdict]);
      expect(live(after)).toEqual(live(states[state]));
    },
  );

  test("stands, even if a second one came", () => {
    const declined = { type: "payment.declined", data: { orderId, reason: "late" } } as const;
    const approved = live(states.approved);
    expect(evolvePayment(approved, declined)).toEqual(approved);
    expect(evolvePayment(approved, { type: "payment.voided", data: { orderId, reason: "EXPIRED" } })).toEqual(
      approved,
    );
  });

  test("that was lost is not made up", () => {
    const { verdict: _, ...rest } = live(states.approved);
    expect(decidePayment({ ...rest, verdict: undefined }, inputs.OrderCancelRequested, start)).toEqual([]);
  });
});

describe("what goes back", () => {
  test("is everything that was taken, once, whoever asks first and however often", () => {
    const both = told(
      states.approved,
      "OrderConfirmationFailed",
      "OrderCancelled",
      "OrderConfirmationFailed",
    );
    expect(live(both).refunds).toEqual([{ number: 1, amount: amountDue, isDone: false }]);
    both
      .when(inputs.ProviderRefunded)
      .thenFacts([
        { type: "payment.refunded", data: { orderId, amount: amountDue, currency: "KRW", refundNumber: 1 } },
      ]);
  });

  test("is what is left when part of it went back before", () => {
    const partly = { ...live(states.approved), refunds: [{ number: 1, amount: 400n, isDone: true }] };
    const facts = decidePayment(partly, inputs.OrderCancelled, start);
    expect(facts).toEqual([
      { type: "refundStarted", orderId, refund: { number: 2, amount: amountDue - 400n, isDone: false } },
    ]);
    const both = evolvePayment(partly, facts[0] as never);
    const [refunded] = decidePayment(both, inputs["ProviderRefunded, other number"], start);
    expect(evolvePayment(both, refunded as never).status).toBe("refunded");
  });

  test("is not finished while one of several is on its way", () => {
    const refunds = [1, 2].map((number) => ({ number, amount: 1200n, isDone: false }));
    const two = { ...live(states.refunding), refunds };
    const [first] = decidePayment(two, inputs.ProviderRefunded, start);
    const after = evolvePayment(two, first as never);
    expect(after.status).toBe("refunding");
    expect(decidePayment(after, inputs.ProviderRefunded, start)).toEqual([]); // The same one is told once.
  });

  test("comes without being asked for when it turns out to have been taken after a decline", () => {
    expect(live(states["refunding, declined"])).toMatchObject({
      verdict: { type: "payment.declined" },
      captured: amountDue,
      refunds: [{ number: 1, amount: amountDue, isDone: false }],
    });
  });
});

test("it knows its inputs, its states and its facts", () => {
  const odd = { ...live(states.confirming), status: "odd" } as never;
  const nonsense = { type: "Nonsense", orderId } as never;
  expect(() => decidePayment(odd, nonsense, start)).toThrow("unreachable");
  for (const name of [
    "ConfirmPayment",
    "ProviderAnswered",
    "OrderCancelRequested",
    "OrderCancelled",
  ] as const)
    expect(() => decidePayment(odd, inputs[name], start)).toThrow("unreachable");
  expect(() => evolvePayment(odd, nonsense)).toThrow("unreachable");
  expect(payments.keys(inputs.DeadlinePassed)).toEqual({ payments: [orderId] });
});
