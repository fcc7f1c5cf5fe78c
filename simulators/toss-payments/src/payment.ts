// payment.ts: the whole life of a payment at the provider; nothing here waits, reads a clock or rolls a die.
export type Status =
  | "READY" // The window is open.
  | "IN_PROGRESS" // The buyer has authenticated; the merchant may confirm.
  | "DONE"
  | "PARTIAL_CANCELED"
  | "CANCELED"
  | "ABORTED" // The confirmation was declined.
  | "EXPIRED"; // Nobody confirmed in time.

export type Cancel = Readonly<{
  transactionKey: string;
  reason: string;
  amount: number;
  balanceAfter: number;
  at: number;
}>;

/** Amounts are won, times are milliseconds since 1970. */
export type Payment = Readonly<{
  paymentKey: string;
  orderId: string;
  orderName: string;
  customerKey: string | null;
  status: Status;
  totalAmount: number;
  balanceAmount: number;
  requestedAt: number;
  expiresAt: number;
  approvedAt: number | null;
  lastTransactionKey: string | null;
  cancels: readonly Cancel[];
  failureCode: string | null;
  declineWith: string | null;
}>;

/** Money that moved: what the ledger keeps. */
export type Movement = Readonly<{ kind: "capture" | "refund"; transactionKey: string; amount: number }>;

export type Command =
  | Readonly<{
      type: "Open";
      paymentKey: string;
      orderId: string;
      orderName: string;
      customerKey: string | null;
      amount: number;
      authenticated: boolean;
      declineWith: string | null;
      expiresAt: number;
      orderTaken: boolean;
    }>
  | Readonly<{ type: "Authenticate"; declineWith: string | null; expiresAt: number }>
  | Readonly<{
      type: "Confirm";
      orderId: string;
      amount: number;
      transactionKey: string;
      orderTaken: boolean;
      declineWith?: string | undefined;
      captureAmount?: number | undefined;
    }>
  | Readonly<{ type: "Cancel"; reason: string; amount: number | undefined; transactionKey: string }>
  | Readonly<{ type: "Expire"; at: number }>;

/** A refusal with a payment is a refusal that changed it: a declined confirmation aborts. */
export type Decision = Readonly<{
  payment?: Payment;
  movement?: Movement;
  refusal?: string;
}>;

const refuse = (refusal: string): Decision => ({ refusal });
const MINIMUM_AMOUNT = 100;

export const wasPaid = (payment: Payment): boolean => payment.approvedAt !== null;

/** What a payment is at a given time: a session nobody confirmed ends by itself. */
export function asOf(payment: Payment, now: number): Payment {
  const waiting = payment.status === "READY" || payment.status === "IN_PROGRESS";
  if (!waiting || now < payment.expiresAt) return payment;
  return { ...payment, status: "EXPIRED", failureCode: "EXPIRED_PAYMENT" };
}

export function decide(known: Payment | undefined, command: Command, now: number): Decision {
  const payment = known && asOf(known, now);
  switch (command.type) {
    case "Open":
      return open(payment, command, now);
    case "Authenticate":
      if (payment?.status !== "READY") return refuse("NOT_FOUND_PAYMENT_SESSION");
      return {
        payment: {
          ...payment,
          ...(command.declineWith && { declineWith: command.declineWith }),
          status: "IN_PROGRESS",
          expiresAt: command.expiresAt,
        },
      };
    case "Confirm":
      return confirm(payment, command, now);
    case "Cancel":
      return cancel(payment, command, now);
    case "Expire":
      if (payment?.status !== "READY" && payment?.status !== "IN_PROGRESS")
        return refuse("NOT_FOUND_PAYMENT_SESSION");
      return { payment: asOf({ ...payment, expiresAt: command.at }, now) };
  }
}

function open(payment: Payment | undefined, command: Command & { type: "Open" }, now: number): Decision {
  if (payment !== undefined || command.orderTaken) return refuse("DUPLICATED_ORDER_ID");
  if (command.amount < MINIMUM_AMOUNT) return refuse("BELOW_MINIMUM_AMOUNT");
  const { paymentKey, orderId, orderName, customerKey, amount, declineWith, expiresAt } = command;
  return {
    payment: {
      paymentKey,
      orderId,
      orderName,
      customerKey,
      status: command.authenticated ? "IN_PROGRESS" : "READY",
      totalAmount: amount,
      balanceAmount: amount,
      requestedAt: now,
      expiresAt,
      approvedAt: null,
      lastTransactionKey: null,
      cancels: [],
      failureCode: null,
      declineWith,
    },
  };
}

function confirm(
  payment: Payment | undefined,
  command: Command & { type: "Confirm" },
  now: number,
): Decision {
  if (payment === undefined) return refuse("NOT_FOUND_PAYMENT_SESSION");
  if (wasPaid(payment)) return refuse("ALREADY_PROCESSED_PAYMENT");
  if (payment.status !== "IN_PROGRESS") return refuse("NOT_FOUND_PAYMENT_SESSION");
  if (payment.orderId !== command.orderId) return refuse("FORBIDDEN_REQUEST");
  if (payment.totalAmount !== command.amount) return refuse("INVALID_REQUEST");
  if (command.orderTaken) return refuse("DUPLICATED_ORDER_ID");
  const { transactionKey } = command;
  const declined = command.declineWith ?? payment.declineWith;
  if (declined !== null) {
    return {
      payment: { ...payment, status: "ABORTED", failureCode: declined, lastTransactionKey: transactionKey },
      refusal: declined,
    };
  }
  const amount = command.captureAmount ?? payment.totalAmount;
  return {
    payment: {
      ...payment,
      status: "DONE",
      totalAmount: amount,
      balanceAmount: amount,
      approvedAt: now,
      lastTransactionKey: transactionKey,
    },
    movement: { kind: "capture", transactionKey, amount },
  };
}

function cancel(payment: Payment | undefined, command: Command & { type: "Cancel" }, now: number): Decision {
  if (payment === undefined) return refuse("NOT_FOUND_PAYMENT");
  if (payment.status === "CANCELED") return refuse("ALREADY_CANCELED_PAYMENT");
  if (!wasPaid(payment)) return refuse("NOT_CANCELABLE_PAYMENT");
  const amount = command.amount ?? payment.balanceAmount;
  if (amount > payment.balanceAmount) return refuse("NOT_CANCELABLE_AMOUNT");
  const { transactionKey, reason } = command;
  const balanceAfter = payment.balanceAmount - amount;
  return {
    payment: {
      ...payment,
      status: balanceAfter === 0 ? "CANCELED" : "PARTIAL_CANCELED",
      balanceAmount: balanceAfter,
      lastTransactionKey: transactionKey,
      cancels: [...payment.cancels, { transactionKey, reason, amount, balanceAfter, at: now }],
    },
    movement: { kind: "refund", transactionKey, amount },
  };
}
