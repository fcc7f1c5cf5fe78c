// Rules taken out one by one, each around the real decider: a search that does not find their absence proves nothing.
import { type Decider, type Fact, type Instant, type Rows, row } from "@quadrille/decider";
import type { Errand } from "@quadrille/payment/lease-worker";
import type { Rules, Spoil } from "./shop.ts";
import { orderId } from "./terms.ts";

type Asked<Tables, Input> = [rows: Rows<Tables>, input: Input, now: Instant];

/** The same decider, but for its answer. */
function deciding<Tables, Input, F extends Fact, Entry>(
  decider: Decider<Tables, Input, F, Entry>,
  decide: (
    original: (...asked: Asked<Tables, Input>) => readonly F[],
  ) => (...asked: Asked<Tables, Input>) => readonly F[],
): Decider<Tables, Input, F, Entry> {
  return { ...decider, decide: decide((...asked) => decider.decide(...asked)) };
}

const product = (rules: Rules, changed: Partial<Rules["product"]>): Rules => ({
  ...rules,
  product: { ...rules.product, ...changed },
});
const order = (rules: Rules, changed: Partial<Rules["order"]>): Rules => ({
  ...rules,
  order: { ...rules.order, ...changed },
});
const payment = (rules: Rules, changed: Partial<Rules["payment"]>): Rules => ({
  ...rules,
  payment: { ...rules.payment, ...changed },
});

/** A cancel that comes before its hold is answered and forgotten. */
export const noTombstone: Spoil = (rules) =>
  product(rules, {
    decider: deciding(
      rules.product.decider,
      (decide) => (rows, input, now) =>
        decide(rows, input, now).map((fact) =>
          "becomes" in fact && fact.becomes === "tombstone" ? { ...fact, becomes: "absent" } : fact,
        ),
    ),
  });

/** What was heard is heard again. */
export const noInbox: Spoil = (rules) => payment(rules, { hasInbox: false });

/** No answer is taken for a no. */
export const doubtIsDecline: Spoil = (rules) =>
  payment(rules, {
    decider: deciding(rules.payment.decider, (decide) => (rows, input, now) => {
      const isDoubt = input.type === "ProviderAnswered" && input.answer.kind === "unknown";
      return decide(rows, isDoubt ? { ...input, answer: { kind: "declined", code: "" } } : input, now);
    }),
  });

/** No answer is ever enough. */
export const disbelief: Spoil = (rules) =>
  payment(rules, {
    decider: deciding(rules.payment.decider, (decide) => (rows, input, now) => {
      const doubted =
        input.type === "ProviderAnswered"
          ? { ...input, answer: { kind: "unknown", why: "" } as const }
          : input;
      return decide(rows, doubted, now);
    }),
  });

/** A charge that is asked for once more gets a key of its own. */
export const newKey: Spoil = (rules) =>
  payment(rules, {
    answer: {
      of(rows, facts, now) {
        const errand = rules.payment.answer?.of(rows, facts, now) as Errand | undefined;
        const isFirst = facts.some(({ type }) => type === "attemptStarted");
        return errand?.kind === "confirm" && !isFirst ? { ...errand, attemptId: "a new one" } : errand;
      },
    },
  });

/** A refund that was not answered is given up, and another is made. */
export const newRefund: Spoil = (rules) =>
  payment(rules, {
    decider: deciding(rules.payment.decider, (decide) => (rows, input, now) => {
      const state = row(rows.payments, orderId);
      const isDoubt = input.type === "RefundAnswered" && input.answer.kind === "unknown";
      if (!isDoubt || state.status !== "refunding") return decide(rows, input, now);
      const { number } = input;
      const refund = {
        number: number + 1,
        amount: state.captured,
        state: "started",
        startedAt: now,
      } as const;
      return [
        { type: "refundRefused", orderId, number, code: "" },
        { type: "refundStarted", orderId, refund },
      ];
    }),
  });

/** An order may be paid before anything is held for it. */
export const payableUnheld: Spoil = (rules) =>
  order(rules, {
    decider: deciding(rules.order.decider, (decide) => (rows, input, now) => {
      const facts = decide(rows, input, now);
      const placed = facts.find((fact) => fact.type === "order.placed");
      if (placed === undefined) return facts;
      const { amountDue, currency, method, memberId, pendingUntil: payBy } = placed.data;
      const data = { orderId, memberId, amountDue, currency, method, payBy };
      return [...facts, { type: "order.payable", data }];
    }),
  });

/** A hold that comes after the cancel opens the order again. */
export const openedAgain: Spoil = (rules) =>
  order(rules, {
    decider: deciding(rules.order.decider, (decide) => (rows, input, now) => {
      const state = row(rows.orders, orderId);
      if (input.type !== "StockHeld" || state.status !== "cancelled") return decide(rows, input, now);
      const { memberId, amountDue, currency, method, pendingUntil: payBy } = state;
      return [{ type: "order.payable", data: { orderId, memberId, amountDue, currency, method, payBy } }];
    }),
  });

/** What a hold gives back does not become available again. */
export const unitsKept: Spoil = ({ product: rules, ...others }) => ({
  ...others,
  product: {
    ...rules,
    decider: {
      ...rules.decider,
      evolve(...asked) {
        const changes = rules.decider.evolve(...asked);
        const [, fact] = asked;
        if (fact.type !== "product.stock_released" || changes.holds === undefined) return changes;
        return { holds: changes.holds };
      },
    },
  },
});

/** Units are sold as soon as they are wanted. */
export const soldUnpaid: Spoil = (rules) =>
  product(rules, {
    decider: deciding(rules.product.decider, (decide) => (rows, input, now) => {
      const facts = decide(rows, input, now);
      const held = facts.find((fact) => fact.type === "product.stock_held");
      if (held === undefined || held.data.orderId !== orderId) return facts;
      const movements = held.movements.map((each) => ({ ...each, from: "held", to: "sold" }) as const);
      const data = { orderId, lines: held.data.lines };
      return [...facts, { type: "product.stock_committed", data, becomes: "committed", movements }];
    }),
  });

/** A hold whose time has passed is given up for good. */
export const expiryForGood: Spoil = (rules) =>
  product(rules, {
    decider: deciding(
      rules.product.decider,
      (decide) => (rows, input, now) =>
        decide(rows, input, now).map((fact) =>
          "becomes" in fact && fact.becomes === "expired" ? { ...fact, becomes: "released" } : fact,
        ),
    ),
  });
