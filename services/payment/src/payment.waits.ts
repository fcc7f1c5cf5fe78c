// What a payment waits for, from whom, until when, and what happens then. Pure: the same payment gives the same answer.
import { type Instant, later } from "@quadrille/decider";
import type { Waiting } from "@quadrille/outbox/explain";
import { isLeased } from "./payment.answers.ts";
import { refusedRefund } from "./payment.resolve.ts";
import type { LivePayment, Payment, Policy, Refund } from "./payment.ts";

type Limits = Pick<Policy, "unknownSeconds">;
const provider = "the payment provider";
const operator = "an operator";

export function waitsOf(payment: Payment, now: Instant, policy: Limits): readonly Waiting[] {
  switch (payment.status) {
    case "absent":
    case "approved":
    case "voided":
    case "refunded":
      return [];
    case "ready":
      return [buyer(payment)];
    case "confirming":
      return [call(payment, `whether ${money(payment)} were taken`, "payment doubts: it is UNKNOWN")];
    case "unknown":
      return [...doubt(payment, now), person(payment, policy)];
    case "declined":
      return payment.dueAt === undefined ? [] : doubt(payment, now);
    case "refunding":
      return refunding(payment, now, policy);
  }
}

function buyer({ memberId, payBy, amountDue, currency }: LivePayment): Waiting {
  const what = `ConfirmPayment for ${amountDue} ${currency}`;
  return { what, who: `the buyer, member ${memberId}`, until: payBy, instead: "payment.voided (EXPIRED)" };
}

/** Somebody is on the line to the provider. */
function call({ leasedUntil }: LivePayment, what: string, instead: string): Waiting {
  return { what, who: provider, because: "it was called", until: leasedUntil, instead };
}

/** Nobody knows whether the money was taken; or it was called not taken without proof. */
function doubt(payment: LivePayment, now: Instant): Waiting[] {
  const { status, attempt, dueAt, intent } = payment;
  const what = `whether ${money(payment)} were taken`;
  if (isLeased(payment, now)) return [call(payment, what, "payment asks it again")];
  const since = status === "unknown" ? `UNKNOWN since ${iso(attempt?.startedAt)}` : "DECLINED without proof";
  const wish = { pay: "", cancel: "; the order wants out", giveBack: "; the order wants it back" }[intent];
  const because = `payment is ${since} (${inVain(payment)})${wish}`;
  return [{ what, who: provider, because, until: dueAt, instead: "payment asks it again" }];
}

/** Nobody may decide what the provider may still say. */
function person({ attempt }: LivePayment, { unknownSeconds }: Limits): Waiting {
  const notBefore = attempt === undefined ? undefined : later(attempt.startedAt, unknownSeconds);
  const what = "a decision (npm run ops -- resolve): captured or not-captured, if the provider stays silent";
  return { what, who: operator, notBefore };
}

function refunding(payment: LivePayment, now: Instant, { unknownSeconds }: Limits): Waiting[] {
  const refused = refusedRefund(payment);
  if (refused !== undefined) {
    const because = `the provider refused ${nameOf(refused, payment)} (${payment.why})`;
    return [{ what: "a decision (npm run ops -- resolve): refunded or retry", who: operator, because }];
  }
  const refund = payment.refunds.find(({ state }) => state === "started");
  if (refund === undefined) return [];
  const what = `an answer to ${nameOf(refund, payment)}`;
  if (isLeased(payment, now)) return [call(payment, what, "payment asks for it again")];
  const because = payment.tries === 0 ? "it was promised" : inVain(payment);
  const again = { what, who: provider, because, until: payment.dueAt, instead: "payment asks for it again" };
  const notBefore = later(refund.startedAt, unknownSeconds);
  return [again, { what: "a look at it, if the provider stays silent", who: operator, notBefore }];
}

const iso = (at: Instant | undefined) => at?.toISOString() ?? "";
const money = ({ amountDue, currency }: LivePayment) => `${amountDue} ${currency}`;
const nameOf = ({ number, amount }: Refund, { currency }: LivePayment) =>
  `refund ${number} of ${amount} ${currency}`;
const inVain = ({ why, tries }: LivePayment) =>
  `${why}, asked in vain ${tries === 1 ? "once" : `${tries} times`}`;
