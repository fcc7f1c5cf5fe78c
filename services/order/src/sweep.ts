// Looks at orders whose time has come. The decision is the order's own; two replicas that look at once change nothing twice.

import type { OrderStore } from "./order.store.ts";
import type { Policy } from "./order.ts";

const ordersMost = 500;

export async function sweep(store: OrderStore, policy: Policy): Promise<void> {
  const due = await store.due(ordersMost);
  await Promise.all(
    due.map((orderId) =>
      store.handle({ type: "DeadlinePassed", orderId, policy }, { kind: "own", id: "sweep" }),
    ),
  );
}
