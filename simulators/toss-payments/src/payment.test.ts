import { describe, expect, test } from "@jest/globals";
import { asOf, type Command, decide, type Payment, type Status } from "./payment.ts";

const NOW = 1_000_000;
const open: Command & { type: "Open" } = {
  type: "Open",
  paymentKey: "pay",
  orderId: "order-1",
  orderName: "Two shirts",
  customerKey: null,
  amount: 15_000,
  authenticated: true,
  declineWith: null,
  expiresAt: NOW + 600_000,
  orderTaken: false,
};
const authenticate: Command = { type: "Authenticate", declineWith: null, expiresAt: NOW + 900_000 };
const confirm: Command & { type: "Confirm" } = {
  type: "Confirm",
  orderId: "order-1",
  amount: 15_000,
  transactionKey: "T1",
  orderTaken: false,
};
const cancel = (amount?: number): Command => ({ type: "Cancel", reason: "r", amount, transactionKey: "T2" });
const commands: Record<Command["type"], Command> = {
  Open: open,
  Authenticate: authenticate,
  Confirm: confirm,
  Cancel: cancel(),
  Expire: { type: "Expire", at: NOW },
};

const must = (payment: Payment | undefined): Payment => {
  if (payment === undefined) throw new Error("no payment");
  return payment;
};
const after = (payment: Payment | undefined, ...given: Command[]): Payment | undefined =>
  given.reduce((state, command) => decide(state, command, NOW).payment, payment);
const states: Record<Status | "absent", Payment | undefined> = {
  absent: undefined,
  READY: after(undefined, { ...open, authenticated: false }),
  IN_PROGRESS: after(undefined, open),
  DONE: after(undefined, open, confirm),
  PARTIAL_CANCELED: after(undefined, open, confirm, cancel(5_000)),
  CANCELED: after(undefined, open, confirm, cancel()),
  ABORTED: after(undefined, { ...open, declineWith: "REJECT_CARD_PAYMENT" }, confirm),
  EXPIRED: after(undefined, open, { type: "Expire", at: NOW }),
};

/** Each cell: the next status, or the code of the refusal. */
const SESSION = "NOT_FOUND_PAYMENT_SESSION";
const cells = {
  absent: {
    Open: "IN_PROGRESS",
    Authenticate: SESSION,
    Confirm: SESSION,
    Cancel: "NOT_FOUND_PAYMENT",
    Expire: SESSION,
  },
  READY: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: "IN_PROGRESS",
    Confirm: SESSION,
    Cancel: "NOT_CANCELABLE_PAYMENT",
    Expire: "EXPIRED",
  },
  IN_PROGRESS: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: "DONE",
    Cancel: "NOT_CANCELABLE_PAYMENT",
    Expire: "EXPIRED",
  },
  DONE: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: "ALREADY_PROCESSED_PAYMENT",
    Cancel: "CANCELED",
    Expire: SESSION,
  },
  PARTIAL_CANCELED: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: "ALREADY_PROCESSED_PAYMENT",
    Cancel: "CANCELED",
    Expire: SESSION,
  },
  CANCELED: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: "ALREADY_PROCESSED_PAYMENT",
    Cancel: "ALREADY_CANCELED_PAYMENT",
    Expire: SESSION,
  },
  ABORTED: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: SESSION,
    Cancel: "NOT_CANCELABLE_PAYMENT",
    Expire: SESSION,
  },
  EXPIRED: {
    Open: "DUPLICATED_ORDER_ID",
    Authenticate: SESSION,
    Confirm: SESSION,
    Cancel: "NOT_CANCELABLE_PAYMENT",
    Expire: SESSION,
  },
} satisfies Record<Status | "absent", Record<Command["type"], string>>;

describe("every state meets every command", () => {
  for (const [name, row] of Object.entries(cells)) {
    for (const [type, expected] of Object.entries(row)) {
      test(`${name} × ${type}: ${expected}`, () => {
        const before = states[name as Status];
        const { payment, refusal } = decide(before, commands[type as Command["type"]], NOW);
        expect(before?.status ?? "absent").toBe(name);
        expect(refusal ?? payment?.status).toBe(expected);
      });
    }
  }
});

describe("a confirmation", () => {
  test("captures the amount that was authenticated", () => {
    const { payment, movement } = decide(states.IN_PROGRESS, confirm, NOW + 5);
    expect(payment).toMatchObject({ status: "DONE", balanceAmount: 15_000, approvedAt: NOW + 5 });
    expect(movement).toEqual({ kind: "capture", transactionKey: "T1", amount: 15_000 });
  });

  test.each([
    ["another amount", { amount: 14_999 }, "INVALID_REQUEST"],
    ["another order", { orderId: "order-2" }, "FORBIDDEN_REQUEST"],
    ["an order that another payment paid", { orderTaken: true }, "DUPLICATED_ORDER_ID"],
  ])("of %s is refused and changes nothing", (_name, wrong, refusal) => {
    expect(decide(states.IN_PROGRESS, { ...confirm, ...wrong }, NOW)).toEqual({ refusal });
  });

  test("that is declined aborts the payment and moves no money", () => {
    const { payment, movement, refusal } = decide(
      states.IN_PROGRESS,
      { ...confirm, declineWith: "FDS_ERROR" },
      NOW,
    );
    expect([refusal, movement]).toEqual(["FDS_ERROR", undefined]);
    expect(payment).toMatchObject({ status: "ABORTED", failureCode: "FDS_ERROR", approvedAt: null });
  });

  test("may be made to capture another amount", () => {
    const { payment, movement } = decide(states.IN_PROGRESS, { ...confirm, captureAmount: 1 }, NOW);
    expect([payment?.totalAmount, payment?.balanceAmount, movement?.amount]).toEqual([1, 1, 1]);
  });

  test("comes too late once the session has expired", () => {
    const last = NOW + 599_999;
    expect(decide(states.IN_PROGRESS, confirm, last).payment?.status).toBe("DONE");
    expect(decide(states.IN_PROGRESS, confirm, last + 1)).toEqual({ refusal: SESSION });
    expect(asOf(must(states.READY), last + 1)).toMatchObject({
      status: "EXPIRED",
      failureCode: "EXPIRED_PAYMENT",
    });
    expect(asOf(must(states.DONE), last + 1).status).toBe("DONE");
  });
});

describe("an opened window", () => {
  test("refuses less than a card can pay", () => {
    expect(decide(undefined, { ...open, amount: 99 }, NOW)).toEqual({ refusal: "BELOW_MINIMUM_AMOUNT" });
    expect(decide(undefined, { ...open, amount: 100 }, NOW).payment?.totalAmount).toBe(100);
  });

  test("refuses an order that is paid", () => {
    expect(decide(undefined, { ...open, orderTaken: true }, NOW).refusal).toBe("DUPLICATED_ORDER_ID");
  });

  test("learns at the authentication that the card will be refused", () => {
    const refused = decide(states.READY, { ...authenticate, declineWith: "FDS_ERROR" }, NOW).payment;
    expect(refused?.declineWith).toBe("FDS_ERROR");
    const kept = after(undefined, { ...open, authenticated: false, declineWith: "FDS_ERROR" }, authenticate);
    expect(kept?.declineWith).toBe("FDS_ERROR");
  });
});

describe("a cancel", () => {
  test("gives back what is left, part by part", () => {
    const { payment, movement } = decide(states.PARTIAL_CANCELED, cancel(4_000), NOW + 9);
    expect(movement).toEqual({ kind: "refund", transactionKey: "T2", amount: 4_000 });
    expect(payment).toMatchObject({ status: "PARTIAL_CANCELED", balanceAmount: 6_000, totalAmount: 15_000 });
    expect(payment?.cancels.map(({ amount, balanceAfter }) => [amount, balanceAfter])).toEqual([
      [5_000, 10_000],
      [4_000, 6_000],
    ]);
    expect(decide(payment, cancel(6_000), NOW).payment?.status).toBe("CANCELED");
  });

  test("of more than is left is refused", () => {
    expect(decide(states.PARTIAL_CANCELED, cancel(10_001), NOW)).toEqual({
      refusal: "NOT_CANCELABLE_AMOUNT",
    });
  });
});

test("a payment may be told to expire later, and can be confirmed until then", () => {
  const { payment, refusal } = decide(states.IN_PROGRESS, { type: "Expire", at: NOW + 5 }, NOW);
  expect([payment?.status, refusal]).toEqual(["IN_PROGRESS", undefined]);
  expect(asOf(must(payment), NOW + 4).status).toBe("IN_PROGRESS");
  expect(asOf(must(payment), NOW + 5)).toMatchObject({ status: "EXPIRED", failureCode: "EXPIRED_PAYMENT" });
});
