// The payment of an order that waits for one, asked about for as long as it is not known what became of it.

import { NoAnswer, Problem, type Schemas } from "@quadrille/client";
import { pause } from "@quadrille/client/pause";
import { isTransient } from "@quadrille/client/problem";
import { answerOf, GET } from "./api.ts";

type Order = Schemas["Order"];
export type PaymentStatus = Schemas["Payment"]["status"];

export interface WatchedPayment {
  /** Undefined before it was looked up for the first time. */
  readonly now: PaymentStatus | undefined;
  /** Looks it up. */
  refresh(): Promise<void>;
  /** Takes what an answer said. */
  absorb(status: PaymentStatus): void;
  /** Looks now, and again and again while it is neither unpaid nor over; does nothing while that is done already. */
  follow(): Promise<void>;
}

/** A payment only goes on, so an answer that says it has not come as far was overtaken. */
const stages: Readonly<Record<PaymentStatus, number>> = {
  READY: 0,
  CONFIRMING: 1,
  UNKNOWN: 1,
  APPROVED: 2,
  DECLINED: 2,
  VOIDED: 2,
  REFUNDING: 3,
  REFUNDED: 4,
};

const openingMs = 2_000;
const pauseMs = 4_000;
const pauseMostMs = 30_000;

export function watchPayment(
  orderId: string,
  signal: AbortSignal,
  order: () => Order | undefined,
  onNews: () => void,
): WatchedPayment {
  let now: PaymentStatus | undefined;
  let isFollowed = false;
  const absorb = (status: PaymentStatus): void => {
    if (now === status || (now !== undefined && stages[status] < stages[now])) return;
    now = status;
    onNews();
  };
  const refresh = async (): Promise<void> =>
    absorb(isOpening(order()) ? "READY" : await lookUp(orderId, signal));
  const look = async (): Promise<void> => {
    try {
      await refresh();
    } catch (error) {
      if (!isPassing(error)) throw error; // The next look may find it.
    }
  };
  return {
    get now() {
      return now;
    },
    refresh,
    absorb,
    async follow() {
      if (isFollowed) return;
      isFollowed = true;
      try {
        for (let waitMs = pauseMs; isAwaited(order()); waitMs = Math.min(2 * waitMs, pauseMostMs)) {
          const wasOpening = isOpening(order());
          await look();
          if (now === "READY" && !wasOpening) return;
          await pause(wasOpening ? openingMs : waitMs, signal);
        }
      } finally {
        isFollowed = false;
      }
    },
  };
}

/** Whether the order is there to be paid with money. */
export const isAwaited = (order: Order | undefined): boolean =>
  order?.status === "PAYABLE" && order.amountDue.amount > 0;

/** The payment is opened a moment after its order became payable. Asked before that, there is none, and nobody can have begun it. */
function isOpening(order: Order | undefined, clock: () => number = Date.now): boolean {
  const since = order?.history.find(({ step }) => step === "PAYABLE")?.at;
  const ageMs = since === undefined ? Number.NaN : clock() - Date.parse(since);
  return ageMs >= 0 && ageMs < openingMs;
}

async function lookUp(orderId: string, signal: AbortSignal): Promise<PaymentStatus> {
  try {
    const asked = { params: { path: { orderId } }, signal };
    return (await answerOf(GET("/v1/orders/{orderId}/payment", asked))).status;
  } catch (error) {
    if (error instanceof Problem && error.code === "PAYMENT_UNKNOWN") return "READY"; // It is still being opened.
    throw error;
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof NoAnswer || (error instanceof Problem && (isTransient(error) || error.status === 500));
