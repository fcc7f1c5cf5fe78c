// What the decision table does not show: amounts, keys, verdicts, and when time is up.
import { describe, expect, test } from "@jest/globals";
import { evolvePayment } from "./payment.evolve.ts";
import {
  amountDue,
  inputs,
  memberId,
  orderId,
  payBy,
  paymentOf,
  policy,
  start,
  states,
  told,
  wrongAmount,
} from "./payment.examples.ts";
import {
  decidePayment,
  type LivePayment,
  type PaymentFact,
  type ProviderAnswered,
  payments,
  type Refund,
} from "./payment.ts";

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

describe("money that was given up", () => {
  const dayLater = new Date(start.getTime() + 86_400_000);
  const absent = inputs["ProviderAnswered, absent"];
  const asked = states["declined, given up"];
  const { lease } = live(asked);

  test("is looked for until the provider denies it when asked a day after the attempt", () => {
    const { after } = asked.when({ ...absent, lease, askedAt: dayLater }, dayLater);
    expect(live(after).dueAt).toBeUndefined();
  });

  test("is looked for once more when that was asked before and is heard only now", () => {
    const { after } = asked.when({ ...absent, lease, askedAt: payBy }, dayLater);
    expect(live(after).dueAt).toBeDefined();
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
    const voided = { type: "payment.voided", data: { orderId, reason: "EXPIRED" } } as const;
    expect(evolvePayment(approved, declined, start)).toEqual(approved);
    expect(evolvePayment(approved, voided, start)).toEqual(approved);
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
    const refund = { number: 1, amount: amountDue, state: "started", startedAt: start };
    expect(live(both).refunds).toEqual([refund]);
    both
      .when(inputs.RefundAnswered)
      .thenFacts([
        { type: "payment.refunded", data: { orderId, amount: amountDue, currency: "KRW", refundNumber: 1 } },
      ]);
  });

  const refund = (number: number, amount: bigint, state: Refund["state"] = "started"): Refund => {
    return { number, amount, state, startedAt: start };
  };

  test("is what is left when part of it went back before; a refusal has promised nothing", () => {
    const refunds = [refund(1, 400n, "done"), refund(2, 2000n, "refused")];
    const partly = { ...live(states.approved), refunds };
    const facts = decidePayment(partly, inputs.OrderCancelled, start);
    expect(facts).toEqual([{ type: "refundStarted", orderId, refund: refund(3, amountDue - 400n) }]);
  });

  test("is not finished while one of several is on its way", () => {
    const two = { ...live(states.refunding), refunds: [refund(1, 1200n), refund(2, 1200n)] };
    const [first] = decidePayment(two, inputs.RefundAnswered, start);
    const after = evolvePayment(two, first as never, start);
    expect(after).toMatchObject({ status: "refunding", dueAt: start });
    expect(decidePayment(after, inputs.RefundAnswered, start)).toEqual([]); // The same one is told once.
    const [second] = decidePayment(after, { ...inputs.RefundAnswered, number: 2 }, start);
    expect(evolvePayment(after, second as never, start)).toMatchObject({
      status: "refunded",
      dueAt: undefined,
    });
  });

  test("comes without being asked for when it turns out to have been taken after a decline", () => {
    expect(live(states["refunding, declined"])).toMatchObject({
      verdict: { type: "payment.declined" },
      captured: amountDue,
      refunds: [refund(1, amountDue)],
    });
  });

  test("is what was really taken, when that is not what was due", () => {
    const wrong = states["refunding, wrong amount"];
    expect(live(wrong)).toMatchObject({ captured: wrongAmount, verdict: undefined });
    const [refunded, declined] = wrong.when(inputs.RefundAnswered).facts;
    expect(refunded).toMatchObject({ data: { amount: wrongAmount } });
    expect(declined).toEqual({ type: "payment.declined", data: { orderId, reason: "AMOUNT_MISMATCH" } });
  });

  test("gets a new number when a person has it tried again after a refusal", () => {
    const { facts, after } = states["refunding, refused"].when(inputs["ResolvePayment, retry"]);
    expect(facts.at(-1)).toEqual({ type: "refundStarted", orderId, refund: refund(2, amountDue) });
    expect(live(after)).toMatchObject({ dueAt: start, tries: 0 });
  });
});

describe("a doubt", () => {
  const secondsOf = (past: typeof states.ready) =>
    ((live(past).dueAt?.getTime() ?? Number.NaN) - past.now.getTime()) / 1000;

  test("is asked about after 1, 5, 15 and 60 seconds, after five minutes, and then every five", () => {
    const waits: number[] = [];
    let past = told(states["confirming, cancel asked"], "ProviderAnswered, unknown");
    for (let tries = 0; tries < 7; tries += 1) {
      waits.push(secondsOf(past));
      past = told(past.at(live(past).dueAt ?? start), "TakeLease");
      const { lease } = live(past);
      past = past.when({ ...inputs["ProviderAnswered, unknown"], lease }).after;
    }
    expect(waits).toEqual([1, 4, 10, 45, 240, 300, 300]);
    expect(live(past).tries).toBe(8);
  });

  test("is asked about in the moment the key's life ends, whatever its turn would be", () => {
    const running = { ...inputs["ProviderAnswered, running"], policy: { ...policy, keySeconds: 500 } };
    let past = states["unknown, cancel asked"];
    const asked: number[] = [];
    for (let times = 0; times < 6; times += 1) {
      past = told(past.at(live(past).dueAt ?? start), "TakeLease");
      past = past.when({ ...running, lease: live(past).lease }).after;
      asked.push(((live(past).dueAt?.getTime() ?? 0) - start.getTime()) / 1000);
    }
    expect(asked).toEqual([5, 15, 60, 300, 500, 800]);
  });

  test("asked about early begins to count again", () => {
    const tired = { ...live(states["unknown, due"]), tries: 5 };
    const [leased] = decidePayment(tired, inputs["TakeLease, early"], start);
    expect(evolvePayment(tired, leased as never, start)).toMatchObject({ tries: 0 });
    const [onTime] = decidePayment({ ...tired, dueAt: start }, inputs.TakeLease, start);
    expect(evolvePayment(tired, onTime as never, start)).toMatchObject({ tries: 5 });
  });

  test("belongs to whoever took the lease last, for as long as a call may take", () => {
    const leased = states["unknown, asked by another"];
    expect([live(leased).lease, secondsOf(leased)]).toEqual([2, policy.callSeconds]);
    expect(secondsOf(told(states["refunding, lease over"], "TakeLease"))).toBe(2 * policy.callSeconds);
    const zombie = { ...inputs["ProviderAnswered, declined"], lease: 1 };
    expect(live(leased.when(zombie).after).status).toBe("declined"); // What is final stays true.
  });

  test.each([
    ["an hour less a moment", policy.unknownSeconds * 1000 - 1, "PAYMENT_NOT_STUCK"],
    ["an hour", policy.unknownSeconds * 1000, "approved"],
  ])("is a person's after %s", (_name, ms, end) => {
    const outcome = states.unknown.when(inputs.ResolvePayment, new Date(start.getTime() + ms));
    if (end === "approved") expect(live(outcome.after).verdict).toMatchObject({ type: "payment.approved" });
    else outcome.thenRefuses(end);
  });

  test("ended by a person leaves a line that says who and why", () => {
    const [resolved] = states["unknown, for too long"].when(inputs.ResolvePayment).facts;
    expect(payments.entries?.(resolved as never)).toEqual([
      { type: "resolved", orderId, resolution: "CAPTURED", by: "operator:ann", note: "called them" },
    ]);
    expect(payments.entries?.({ type: "intended", orderId, intent: "cancel" })).toEqual([]);
  });

  test("declared over by a person, the money that comes all the same goes back", () => {
    const over = told(states["unknown, for too long"], "ResolvePayment, not captured");
    expect(live(told(over, "ProviderAnswered")).refunds).toHaveLength(1);
  });
});

describe("the journal", () => {
  test("has a line for each call before it is made, with the lease it is made under", () => {
    const entries = (facts: readonly PaymentFact[]) =>
      facts.flatMap((fact) => payments.entries?.(fact) ?? []);
    const confirmed = states.ready.when(inputs.ConfirmPayment);
    expect(entries(confirmed.facts)).toEqual([{ type: "called", orderId, lease: 1, errand: "confirm" }]);
    const asked = told(states.approved, "OrderCancelled").when(inputs.TakeLease);
    expect(entries(asked.facts)).toEqual([{ type: "called", orderId, lease: 2, errand: "refund" }]);
  });

  const answer = (said: ProviderAnswered["answer"]) =>
    payments.notes?.({ ...inputs.ProviderAnswered, answer: said }) ?? [];
  test.each([
    [answer({ kind: "unknown", why: "TIMEOUT" }), 1, "unknown", "TIMEOUT"],
    [answer({ kind: "declined", code: "REJECTED" }), 1, "declined", "REJECTED"],
    [answer({ kind: "running", status: "READY" }), 1, "running", "READY"],
    [answer({ kind: "mismatch", amount: 7n }), 1, "mismatch", "7"],
    [answer({ kind: "absent" }), 1, "absent", ""],
    [answer({ kind: "foreign" }), 1, "foreign", ""],
    [payments.notes?.(inputs.ProviderAnswered), 1, "approved", "transaction"],
    [payments.notes?.(inputs.RefundAnswered), 2, "refunded", "given back"],
    [payments.notes?.(inputs["RefundAnswered, refused"]), 2, "refused", "NOT_CANCELABLE_PAYMENT"],
  ])(
    "has a line for what the provider said, whether it changes anything or not: %j",
    (lines, lease, said, detail) => {
      expect(lines).toEqual([{ type: "answered", orderId, lease, answer: said, detail }]);
    },
  );

  test("has none for anything else, and none of them knows the payment key", () => {
    expect(payments.notes?.(inputs.OrderPayable)).toEqual([]);
    const all = Object.values(inputs).flatMap((input) => payments.notes?.(input) ?? []);
    expect(JSON.stringify(all)).not.toContain("key");
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
  expect(() => evolvePayment(odd, nonsense, start)).toThrow("unreachable");
  expect(payments.keys(inputs.DeadlinePassed)).toEqual({ payments: [orderId] });
});
