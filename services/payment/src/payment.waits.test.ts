// In every state that is not an end a payment waits for the buyer, the provider or a person, and says until when.
import { expect, test } from "@jest/globals";
import type { State } from "./payment.decisions.ts";
import { payBy, paymentOf, policy, start, states, told } from "./payment.examples.ts";
import { waitsOf } from "./payment.waits.ts";

const buyer = "the buyer, member member: ConfirmPayment for 2400 KRW";
const provider = "the payment provider: whether 2400 KRW were taken";
const person =
  "an operator: a decision (npm run ops -- resolve): captured or not-captured, if the provider stays silent";
const refund = "the payment provider: an answer to refund 1 of 2400 KRW";
const look = "an operator: a look at it, if the provider stays silent";

const table = {
  absent: [],
  ready: [buyer],
  "ready, overdue": [buyer],
  confirming: [provider],
  "confirming, lease over": [provider],
  "confirming, cancel asked": [provider],
  "confirming, unwanted": [provider],
  unknown: [provider, person],
  "unknown, due": [provider, person],
  "unknown, asked by another": [provider, person],
  "unknown, past pay_by": [provider, person],
  "unknown, cancel asked": [provider, person],
  "unknown, unwanted": [provider, person],
  "unknown, for too long": [provider, person],
  approved: [],
  "approved, nothing due": [],
  declined: [],
  "declined, given up": [provider],
  voided: [],
  "voided, tombstone": [],
  refunding: [refund],
  "refunding, lease over": [refund, look],
  "refunding, declined": [refund],
  "refunding, wrong amount": ["the payment provider: an answer to refund 1 of 2300 KRW"],
  "refunding, refused": ["an operator: a decision (npm run ops -- resolve): refunded or retry"],
  refunded: [],
  "refunded, declined": [],
} satisfies Record<State, readonly string[]>;

const waitsIn = (past: (typeof states)[State]) => waitsOf(paymentOf(past), past.now, policy);
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);

test.each(Object.entries(table))("%s", (state, expected) => {
  expect(waitsIn(states[state as State]).map(({ who, what }) => `${who}: ${what}`)).toEqual(expected);
});

test("says until when the buyer may pay, and what happens then", () => {
  expect(waitsIn(states.ready)).toMatchObject([{ until: payBy, instead: "payment.voided (EXPIRED)" }]);
});

test("says for how long a call is waited for", () => {
  expect(waitsIn(states.confirming)).toMatchObject([
    { because: "it was called", until: later(12), instead: "payment doubts: it is UNKNOWN" },
  ]);
  expect(waitsIn(states["unknown, asked by another"])[0]).toMatchObject({
    because: "it was called",
    until: later(12),
    instead: "payment asks it again",
  });
});

test("says since when it doubts and why, when the provider is asked next, and from when on a person may decide", () => {
  expect(waitsIn(states.unknown)).toMatchObject([
    {
      because: "payment is UNKNOWN since 2026-01-01T00:00:00.000Z (timeout, asked in vain once)",
      until: later(1),
      instead: "payment asks it again",
    },
    { notBefore: later(3600) },
  ]);
  const twice = told(states["unknown, asked by another"], "ProviderAnswered, unknown");
  expect(waitsIn(twice)).toMatchObject([{ because: "it was called" }, { notBefore: later(3600) }]); // Another's answer.
  const wish = (state: State) => waitsIn(states[state])[0]?.because;
  expect(wish("unknown, cancel asked")).toMatch(/; the order wants out$/);
  expect(wish("unknown, unwanted")).toMatch(/; the order wants it back$/);
  expect(wish("declined, given up")).toMatch(
    /^payment is DECLINED without proof \(EXPIRED, asked in vain once\)/,
  );
});

test("says what became of a refund", () => {
  const promised = told(states.approved, "OrderCancelled");
  expect(waitsIn(promised)).toMatchObject([{ because: "it was promised" }, { notBefore: later(3600) }]);
  const silent = told(states.refunding, "RefundAnswered, unknown");
  expect(waitsIn(silent)).toMatchObject([
    { because: "timeout, asked in vain once", until: later(1), instead: "payment asks for it again" },
    { notBefore: later(3600) },
  ]);
  expect(waitsIn(states["refunding, refused"])).toMatchObject([
    { because: "the provider refused refund 1 of 2400 KRW (NOT_CANCELABLE_PAYMENT)" },
  ]);
});
