// What the payment service tells an auditor: every payment as its row stands, and the provider's own account of them.
import type { DatabaseConfig } from "@quadrille/outbox";
import { type BookPage, chapter, dateOf, readBooks, textOf, unitsOf } from "@quadrille/outbox/books";

const payments = chapter(
  "payments",
  `select order_id, status, member_id, amount_due, currency, captured,
     (select sum((refund->>'amount')::numeric)::bigint
        from jsonb_array_elements(refunds) as refund where refund->>'state' = 'done') as refunded,
     version, attempt_started_at, due_at,
     exists (select from resolutions
       where resolutions.order_id = payments.order_id and resolution = 'REFUNDED') as by_hand
   from payments order by order_id`,
  (row) => ({
    orderId: textOf(row.order_id),
    status: textOf(row.status),
    memberId: textOf(row.member_id),
    amountDue: unitsOf(row.amount_due),
    currency: textOf(row.currency),
    captured: unitsOf(row.captured),
    refunded: unitsOf(row.refunded),
    version: Number(row.version),
    attemptStartedAt: dateOf(row.attempt_started_at),
    dueAt: dateOf(row.due_at),
    isRefundedByHand: row.by_hand === true,
  }),
);

export const paymentBooks = (database: DatabaseConfig): AsyncIterable<BookPage> =>
  readBooks("payment", database, [payments]);
