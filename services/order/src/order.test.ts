// What the decision table does not show: terms, fates, deadlines, history, the cart.
import { describe, expect, test } from "@jest/globals";
import { given } from "@quadrille/decider/testing";
import { ordering } from "./decider.ts";
import { evolveOrder, historyMost } from "./order.evolve.ts";
import {
  after,
  inputs,
  memberId,
  orderId,
  orderOf,
  placing,
  policy,
  start,
  states,
  told,
} from "./order.examples.ts";
import { decideOrder, isSettled, type PlacedOrder } from "./order.ts";

function placedOrder(past: Parameters<typeof orderOf>[0]): PlacedOrder {
  const order = orderOf(past);
  if (order.status === "absent") throw new Error("not placed");
  return order;
}

const holdOf = (input: "StockHeld" | "BenefitsHeld") => (input === "StockHeld" ? "stock" : "benefits");

describe("an order", () => {
  test("is placed with its prices frozen and its deadlines told", () => {
    const { quote, ...input } = placing(100n);
    given(ordering, [], start)
      .when({ ...input, quote })
      .thenFacts([
        {
          type: "order.placed",
          data: {
            ...{ orderId, memberId, ...quote, lines: [...quote.lines] },
            ...{ currency: "KRW", method: "PAYMENT_METHOD_CARD", payWithinSeconds: 600 },
            placedAt: start,
            pendingUntil: after(60),
            holdUntil: after(60 + 600 + 3600 + 86_400),
          },
          placed: { ...input, quote },
        },
      ]);
  });

  test("is payable for as long as the buyer asked for, from the moment the last hold was heard", () => {
    const past = given(ordering, [], start).when({ ...placing(0n), payWithinSeconds: 3 }).after;
    past.when(inputs.StockHeld, after(59)).thenFacts([
      { type: "fateHeard", orderId, part: "stock", fate: "held", holdUntil: inputs.StockHeld.holdUntil },
      {
        type: "order.payable",
        data: {
          orderId,
          memberId,
          amountDue: 2500n,
          currency: "KRW",
          method: "PAYMENT_METHOD_CARD",
          payBy: after(62),
        },
      },
    ]);
  });

  test("takes a hold that lasts exactly as long as a payment may stay in doubt", () => {
    const holdUntil = after(600 + 3600);
    const { facts } = states["pending, no points"].when({ ...inputs.StockHeld, holdUntil });
    expect(facts.map((fact) => fact.type)).toEqual(["fateHeard", "order.payable"]);
  });

  test("is payable only if the hold told first lasts as well, whichever that was", () => {
    const exactly = after(600 + 3600);
    for (const [first, second] of [
      ["StockHeld", "BenefitsHeld"],
      ["BenefitsHeld", "StockHeld"],
    ] as const) {
      const past = states.pending.when({ ...inputs[first], holdUntil: exactly }).after;
      expect(placedOrder(past)).toMatchObject({ status: "pending", heldUntil: exactly });
      expect(placedOrder(past.when(inputs[second]).after)).toMatchObject({
        status: "payable",
        heldUntil: exactly,
      });
      const late = placedOrder(past.when(inputs[second], after(1)).after);
      expect(late).toMatchObject({ status: "cancelled", reason: "SAGA_TIMEOUT", [holdOf(second)]: "held" });
    }
  });

  test("is in time just before its pending deadline", () => {
    expect(
      placedOrder(states.pending.when(inputs.StockHeld, new Date(after(60).getTime() - 1)).after),
    ).toMatchObject({
      status: "pending",
      stock: "held",
    });
  });

  test("is placed by its own service only, and knows its inputs", () => {
    const [fact] = given(ordering, [], start).when(placing(0n)).facts;
    if (fact?.type !== "order.placed") throw new Error("not placed");
    expect(() => evolveOrder({ status: "absent" }, { type: fact.type, data: fact.data }, start)).toThrow();
    expect(() => decideOrder({ status: "absent" }, { type: "Nonsense" } as never, start)).toThrow(
      "unreachable",
    );
    expect(() => evolveOrder(orderOf(states.pending), { type: "nonsense" } as never, start)).toThrow(
      "unreachable",
    );
  });
});

describe("a payment whose facts come in any order", () => {
  test("that took a wrong amount and gave it back ends the order as declined, and settled", () => {
    for (const from of ["payable", "cancelling"] as const) {
      const told1 = told(states[from], "PaymentDeclined", "PaymentRefunded");
      const told2 = told(states[from], "PaymentRefunded", "PaymentDeclined");
      for (const past of [told1, told2]) {
        const back = told(past, "StockReleased", "BenefitsReleased");
        expect(placedOrder(past)).toMatchObject({
          ...{ status: "cancelled", reason: "PAYMENT_DECLINED", payment: "refunded" },
        });
        expect(isSettled(placedOrder(past))).toBe(false);
        expect(isSettled(placedOrder(back))).toBe(true);
      }
    }
  });

  test("that came before the order asked for it is given back, and confirms nothing when it is told again", () => {
    const { facts, after: past } = states.pending.when(inputs.PaymentApproved);
    expect(facts.map((fact) => fact.type)).toEqual(["order.confirmation_failed", "order.cancelled"]);
    const later = told(past, "StockHeld", "BenefitsHeld", "PaymentApproved");
    expect(placedOrder(later)).toMatchObject({ status: "cancelled", wasConfirmed: false });
    expect(isSettled(placedOrder(told(later, "StockReleased", "BenefitsReleased")))).toBe(false);
    expect(isSettled(placedOrder(told(later, "StockReleased", "BenefitsReleased", "PaymentRefunded")))).toBe(
      true,
    );
  });

  test("approved while the order asks what became of it, confirms it although a hold has expired", () => {
    const lost = states.payable.when(inputs["StockReleased, expired"]);
    expect(lost.facts.at(-1)).toMatchObject({
      ...{ type: "order.cancel_requested", data: { reason: "HOLD_LOST" } },
    });
    const sold = told(lost.after, "PaymentApproved", "BenefitsSpent");
    expect(placedOrder(sold)).toMatchObject({ status: "confirmed", stock: "wanted", reason: undefined });
    expect(isSettled(placedOrder(sold))).toBe(false);
    sold.when(inputs.CancelOrder).thenRefuses("NOT_SETTLED");
    expect(isSettled(placedOrder(told(sold, "StockCommitted")))).toBe(true);
    const gone = told(sold, "StockCommitFailed");
    expect(placedOrder(gone)).toMatchObject({ status: "cancelled", reason: "HOLD_LOST", wasConfirmed: true });
    expect(isSettled(placedOrder(told(gone, "StockReleased", "BenefitsReleased", "PaymentRefunded")))).toBe(
      true,
    );
  });
});

describe("a payment that says nothing", () => {
  test("is asked again with longer and longer waits, at most an hour", () => {
    let past = told(states["payable, overdue"], "DeadlinePassed");
    const waits: number[] = [];
    for (let ask = 0; ask < 9; ask += 1) {
      const dueAt = placedOrder(past).dueAt as Date;
      waits.push((dueAt.getTime() - past.now.getTime()) / 1000);
      past.when(inputs.DeadlinePassed, new Date(dueAt.getTime() - 1)).thenNothing();
      past = past.when(inputs.DeadlinePassed, dueAt).after;
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    expect(placedOrder(past)).toMatchObject({ status: "cancelling", reason: "PAYMENT_EXPIRED", asked: 10 });
  });

  test("leaves a history of the newest changes, numbered without gaps", () => {
    let past = states["payable, overdue"];
    for (let ask = 0; ask < 2 * historyMost; ask += 1) {
      past = past.when(inputs.DeadlinePassed, placedOrder(past).dueAt).after;
    }
    const numbers = placedOrder(past).history.map((change) => change.number);
    expect(numbers).toHaveLength(historyMost);
    expect(numbers.at(-1)).toBe(4 + 2 * historyMost); // Placed, two holds, payable, and every question.
    expect(numbers.at(-1)).toBe((numbers[0] ?? 0) + historyMost - 1);
  });
});

test("a history reads as what happened", () => {
  const { history } = placedOrder(states["cancelled, sale taken back"]);
  expect(history.map(({ step, reason, status }) => [status, step, reason].filter(Boolean).join(" "))).toEqual(
    [
      "pending PLACED",
      "pending STOCK_HELD",
      "pending BENEFITS_HELD",
      "payable PAYABLE",
      "confirmed PAID",
      "confirmed STOCK_COMMITTED",
      "confirmed BENEFITS_SPENT",
      "cancelled CANCELLED BY_MEMBER",
    ],
  );
  const lost = told(states.confirmed, "StockCommitFailed", "BenefitsReleased", "PaymentRefunded");
  expect(
    placedOrder(lost)
      .history.slice(-4)
      .map((change) => change.step),
  ).toEqual(["STOCK_COMMIT_FAILED", "CANCELLED", "BENEFITS_RELEASED", "PAYMENT_REFUNDED"]);
});

describe("an order is settled", () => {
  const settledOf = (past: Parameters<typeof orderOf>[0]) => isSettled(placedOrder(past));

  test("once its sale is whole", () => {
    expect(settledOf(states.pending)).toBe(false);
    expect(settledOf(states.confirmed)).toBe(false);
    expect(settledOf(states["confirmed, stock committed"])).toBe(false);
    expect(settledOf(told(states.confirmed, "BenefitsSpent"))).toBe(false);
    expect(settledOf(states["confirmed, settled"])).toBe(true);
    expect(settledOf(told(states["confirmed, no points"], "StockCommitted"))).toBe(true);
  });

  test("once everything was given back, and not a fact sooner", () => {
    const answers = ["StockReleased", "BenefitsReleased", "PaymentVoided"] as const;
    for (const missing of answers) {
      const rest = answers.filter((answer) => answer !== missing);
      expect(settledOf(told(states.cancelled, ...rest))).toBe(false);
      expect(settledOf(told(states.cancelled, ...rest, missing))).toBe(true);
    }
    const backs = ["StockReleased", "BenefitsReleased", "PaymentRefunded"] as const;
    for (const missing of backs) {
      const rest = backs.filter((back) => back !== missing);
      const back = told(states["cancelled, sale taken back"], ...rest, "PaymentApproved", "StockCommitted");
      expect(settledOf(back)).toBe(false);
      expect(settledOf(told(back, missing))).toBe(true);
    }
  });

  test("without a refund when nothing was due", () => {
    const free = { ...placing(2500n), quote: { ...placing(2500n).quote, amountDue: 0n } };
    const placed = given(ordering, [], start).when(free).after;
    const sold = told(
      placed,
      "StockHeld",
      "BenefitsHeld",
      "PaymentApproved",
      "StockCommitted",
      "BenefitsSpent",
    );
    const back = told(sold, "CancelOrder", "StockReleased");
    expect(settledOf(back)).toBe(false);
    expect(settledOf(told(back, "BenefitsReleased"))).toBe(true);
  });

  test("only when what expired before a sale and was sold after all is back too", () => {
    const sold = told(states.payable, "StockReleased, expired", "PaymentApproved");
    expect(placedOrder(sold)).toMatchObject({ status: "confirmed", stock: "wanted", benefits: "held" });
    const lost = told(sold, "BenefitsSpendFailed", "BenefitsReleased", "PaymentRefunded");
    expect(settledOf(lost)).toBe(false);
    expect(settledOf(told(lost, "StockReleased"))).toBe(true);
  });

  test("only when the owner of a hold that expired has heard of the cancel", () => {
    const pending = told(states.pending, "StockReleased, expired");
    const cancelling = told(states["cancelling, holds gone"], "PaymentVoided");
    for (const ended of [pending, cancelling]) {
      const back = told(ended, "BenefitsReleased", "PaymentVoided");
      expect(settledOf(back)).toBe(false);
      expect(settledOf(told(back, "StockReleased"))).toBe(true);
    }
  });
});

describe("an order from the cart", () => {
  const line = { variantId: "A", quantity: 2 };
  const add = { type: "AddCartLine", memberId, line, problem: "" } as const;
  const past = given(ordering, [], start).when(add).after;
  const fromCart = { ...placing(0n), cartVersion: 1 };

  test("empties it in the same breath", () => {
    const { facts, after: placed } = past.when(fromCart);
    expect(facts.map((fact) => fact.type)).toEqual(["order.placed", "cartCleared"]);
    expect(placed.state("carts", memberId)).toEqual({ lines: [], version: 2 });
  });

  test("is refused when the cart is not the one that was priced", () => {
    past.when(add).after.when(fromCart).thenRefuses("CART_CHANGED");
    past.when({ ...fromCart, cartVersion: 0 }).thenRefuses("CART_CHANGED");
  });

  test("is placed once, and leaves alone what was put into the cart since, in time or late", () => {
    const placed = past.when(fromCart).after.when(add).after;
    placed.when(fromCart).thenNothing();
    const late = placed.when({ ...fromCart, policy }, after(60));
    expect(late.facts.map((fact) => fact.type)).toEqual(["order.cancelled"]);
    expect(late.after.state("carts", memberId).lines).toEqual([line]);
  });

  test("leaves the cart alone when its lines were named", () => {
    expect(past.when(placing(0n)).after.state("carts", memberId).lines).toEqual([line]);
  });
});
