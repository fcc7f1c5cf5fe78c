// Ends the payments nobody made in time, one replica at a time; the decision is the payment's own.
import { type SweepLog, sweepDue } from "@quadrille/outbox/sweep";
import type { PaymentStore } from "./payment.store.ts";

export const sweep = (store: PaymentStore, log: SweepLog): Promise<void> =>
  sweepDue(store, {
    name: "deadlines",
    async due(most) {
      return (await store.overdue(most)).map((orderId) => ({ type: "DeadlinePassed", orderId }) as const);
    },
    log,
  });
