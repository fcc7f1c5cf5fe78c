// Money as three parties remember it: the order, the payment, and the payment provider's own ledger.
import { ledgerOf } from "@quadrille/stack/provider-control";
import type { System } from "./system.ts";

interface PaymentRow {
  readonly order_id: string;
  readonly status: string;
  readonly amount_due: string;
  readonly captured: string;
}

export async function auditMoney({ stack, query }: System): Promise<string[]> {
  const accounts = await ledgerOf(stack.providerUrl);
  const ledger = new Map(accounts.map((account) => [account.orderId, account]));
  const payments = await query<PaymentRow>(
    "payment",
    "select order_id, status, amount_due, captured from payments where status <> 'absent'",
  );
  const orders = await query<{ order_id: string; status: string; amount_due: string }>(
    "order",
    "select order_id, status, amount_due from orders",
  );
  const found: string[] = [];
  for (const payment of payments) {
    const account = ledger.get(payment.order_id);
    const taken = account === undefined ? 0 : account.captured - account.refunded;
    const promised = payment.status === "approved" ? Number(payment.captured) : 0;
    if (taken !== promised)
      found.push(`payment ${payment.order_id} says ${promised}, the provider took ${taken}`);
    if ((account?.captures ?? 0) > 1) found.push(`payment ${payment.order_id} was charged more than once`);
    if (payment.status === "approved" && payment.captured !== payment.amount_due)
      found.push(`payment ${payment.order_id} captured ${payment.captured} of ${payment.amount_due}`);
    ledger.delete(payment.order_id);
  }
  for (const id of ledger.keys()) found.push(`the provider took money for ${id}, which is no payment`);
  const paid = new Map(payments.map((payment) => [payment.order_id, payment]));
  for (const order of orders) {
    const payment = paid.get(order.order_id);
    const isPaid = payment?.status === "approved" && payment.amount_due === order.amount_due;
    if (order.status === "confirmed" && !isPaid)
      found.push(`order ${order.order_id} is confirmed and not paid`);
    if (order.status === "cancelled" && payment?.status === "approved" && order.amount_due !== "0")
      found.push(`order ${order.order_id} is cancelled, its money was kept`);
  }
  return found;
}
