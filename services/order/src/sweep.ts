// Looks at orders whose time has come, one replica at a time; the decision is the order's own.
import { type SweepLog, sweepDue } from "@quadrille/outbox/sweep";
import type { OrderStore } from "./order.store.ts";

export const sweep = (store: OrderStore, log: SweepLog): Promise<void> =>
  sweepDue(store, {
    name: "deadlines",
    async due(most) {
      return (await store.due(most)).map((orderId) => ({ type: "DeadlinePassed", orderId }) as const);
    },
    log,
  });
