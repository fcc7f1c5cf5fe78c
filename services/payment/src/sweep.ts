// Ends the payments nobody made in time. The decision is the payment's own; two replicas that look at once change nothing twice.
import type { PaymentStore } from "./payment.store.ts";

const paymentsMost = 500;

export async function sweep(store: PaymentStore): Promise<void> {
  const overdue = await store.overdue(paymentsMost);
  await Promise.all(
    overdue.map((orderId) => store.handle({ type: "DeadlinePassed", orderId }, { kind: "own", id: "sweep" })),
  );
}
