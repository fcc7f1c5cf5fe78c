// Looks at orders whose time has come. The decision is the order's own; two replicas that look at once change nothing twice.
import { type SweepLog, sweepDue } from "@quadrille/outbox/sweep";
import type { OrderStore } from "./order.store.ts";
import type { Policy } from "./order.ts";

export const sweep = (store: OrderStore, policy: Policy, log: SweepLog): Promise<void> =>
  sweepDue(store, {
    name: "deadlines",
    async due(most) {
      return (await store.due(most)).map((orderId) => ({ type: "DeadlinePassed", orderId, policy }) as const);
    },
    log,
  });
