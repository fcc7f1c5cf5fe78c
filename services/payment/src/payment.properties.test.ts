// Whatever comes to a payment, in whatever sequence and however often, money is taken once and never given back twice.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Input, State } from "./payment.decisions.ts";
import { inputs, type Past, paymentOf, states, wrongAmount } from "./payment.examples.ts";
import type { LivePayment, Payment, PaymentFact, Refund } from "./payment.ts";

/** Where a payment may go from each status; staying is always possible. */
const ways: Record<Payment["status"], readonly Payment["status"][]> = {
  absent: ["ready", "approved", "voided"],
  ready: ["confirming", "voided"],
  confirming: ["unknown", "approved", "declined", "refunding"],
  unknown: ["approved", "declined", "refunding"],
  approved: ["refunding"],
  declined: ["refunding"],
  voided: [],
  refunding: ["refunded"],
  refunded: [],
};

const story = fc.record({
  from: fc.constantFrom(...(Object.keys(states) as State[])),
  steps: fc.array(
    fc.record({
      name: fc.constantFrom(...(Object.keys(inputs) as Input[])),
      waitSeconds: fc.constantFrom(0, 0, 0, 1, 600),
    }),
    { maxLength: 40 },
  ),
});

interface Step {
  readonly before: Payment;
  readonly after: Payment;
  readonly facts: readonly PaymentFact[];
}

function tell({ from, steps }: typeof story extends fc.Arbitrary<infer Story> ? Story : never): Step[] {
  let past: Past = states[from];
  return steps.map(({ name, waitSeconds }) => {
    const before = paymentOf(past);
    const outcome = past.when(inputs[name], new Date(past.now.getTime() + waitSeconds * 1000));
    past = outcome.after;
    return { before, after: paymentOf(past), facts: outcome.facts };
  });
}

const promisedOf = (refunds: readonly Refund[]) =>
  refunds.reduce((sum, { state, amount }) => (state === "refused" ? sum : sum + amount), 0n);
const isVerdict = ({ type }: PaymentFact) =>
  type === "payment.approved" || type === "payment.declined" || type === "payment.voided";
const isLive = (payment: Payment): payment is LivePayment => payment.status !== "absent";

test("goes only along the table", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after } of tell(told)) {
        if (after.status !== before.status) expect(ways[before.status]).toContain(after.status);
      }
    }),
  );
});

test("has one verdict for ever, and tells the very same again", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after, facts } of tell(told)) {
        const known = isLive(before) ? before.verdict : undefined;
        for (const verdict of facts.filter(isVerdict)) expect(verdict).toEqual(known ?? verdict);
        if (known !== undefined) expect(after).toMatchObject({ verdict: known });
      }
    }),
  );
});

test("makes one attempt, whose key never changes", () => {
  fc.assert(
    fc.property(story, (told) => {
      for (const { before, after, facts } of tell(told)) {
        const attempt = isLive(before) ? before.attempt : undefined;
        if (attempt === undefined) continue;
        expect(facts.some(({ type }) => type === "attemptStarted")).toBe(false);
        expect(after).toMatchObject({ attempt });
      }
    }),
  );
});

test("gives back no more than was taken, numbers every refund, and tells of each once", () => {
  fc.assert(
    fc.property(story, (told) => {
      const refunded = new Set<number>();
      for (const { after, facts } of tell(told)) {
        for (const fact of facts) {
          if (fact.type !== "payment.refunded") continue;
          expect(refunded.has(fact.data.refundNumber)).toBe(false);
          refunded.add(fact.data.refundNumber);
        }
        if (!isLive(after)) continue;
        const { refunds, captured, amountDue } = after;
        expect(refunds.map((refund) => refund.number)).toEqual(refunds.map((_, index) => index + 1));
        expect(promisedOf(refunds)).toBeLessThanOrEqual(captured);
        expect([0n, wrongAmount, amountDue]).toContain(captured);
      }
    }),
  );
});

test("leaves no money with an order that ended: it is given back as soon as it is known to be there", () => {
  fc.assert(
    fc.property(story, (told) => {
      let isEnded = told.from.startsWith("refund");
      for (const [index, { after }] of tell(told).entries()) {
        const name = told.steps[index]?.name;
        if (name === "OrderCancelled" || name === "OrderConfirmationFailed") isEnded = true;
        if (!isEnded || !isLive(after)) continue;
        const isRefused = after.refunds.at(-1)?.state === "refused"; // A person has to look.
        if (!isRefused) expect(promisedOf(after.refunds)).toBe(after.captured);
      }
    }),
  );
});
