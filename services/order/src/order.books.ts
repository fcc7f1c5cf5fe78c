// What the order service tells an auditor: every order as its row stands.

import type { DatabaseConfig } from "@quadrille/outbox";
import { type BookPage, chapter, dateOf, readBooks, textOf, unitsOf } from "@quadrille/outbox/books";

interface Line {
  readonly variantId: string;
  readonly quantity: number;
}

const orders = chapter(
  "orders",
  `select order_id, status, member_id, subtotal, points, amount_due, currency, lines,
     (select sum((line->>'unitPrice')::numeric * (line->>'quantity')::numeric)::bigint
        from jsonb_array_elements(lines) as line) as lines_total,
     stock, benefits, payment, version, due_at, placed_at
   from orders order by order_id`,
  (row) => ({
    orderId: textOf(row.order_id),
    status: textOf(row.status),
    memberId: textOf(row.member_id),
    subtotal: unitsOf(row.subtotal),
    points: unitsOf(row.points),
    amountDue: unitsOf(row.amount_due),
    currency: textOf(row.currency),
    lines: (row.lines as readonly Line[]).map(({ variantId, quantity }) => {
      return { variantId, quantity: unitsOf(quantity) };
    }),
    linesTotal: unitsOf(row.lines_total),
    stock: textOf(row.stock),
    benefits: textOf(row.benefits),
    payment: textOf(row.payment),
    version: Number(row.version),
    dueAt: dateOf(row.due_at),
    placedAt: dateOf(row.placed_at),
  }),
);

export const orderBooks = (database: DatabaseConfig): AsyncIterable<BookPage> =>
  readBooks("order", database, [orders]);
