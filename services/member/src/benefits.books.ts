// What the member service tells an auditor: holds, and each member's points as counted, as transferred and as held.
import type { DatabaseConfig } from "@quadrille/outbox";
import {
  type BookPage,
  chapter,
  dateOf,
  orderLedgers,
  readBooks,
  textOf,
  unitsOf,
} from "@quadrille/outbox/books";

const holds = chapter(
  "benefitHolds",
  "select order_id, status, member_id, points, version, hold_until from holds order by order_id",
  (row) => ({
    orderId: textOf(row.order_id),
    status: textOf(row.status),
    memberId: textOf(row.member_id),
    points: unitsOf(row.points),
    version: Number(row.version),
    holdUntil: dateOf(row.hold_until),
  }),
);

/** Points that a transfer credited to an account, or debited from it. */
const credited = (account: string) =>
  `points * ((credited = '${account}')::int - (debited = '${account}')::int) as ${account}`;

const members = chapter(
  "members",
  `with steps as (
     select member_id, transfer_id, ${credited("available")}, ${credited("held")}, ${credited("spent")} from transfers
   ), walked as (
     select member_id, available, held, spent,
       least(sum(available) over walk, sum(held) over walk, sum(spent) over walk) as left_over
     from steps window walk as (partition by member_id order by transfer_id)
   ), moved as (
     select member_id, sum(available) as available, sum(held) as held, sum(spent) as spent, min(left_over) as lowest
     from walked group by member_id
   ), kept as (
     select member_id,
       sum(points) filter (where status = 'held') as held, sum(points) filter (where status = 'spent') as spent
     from holds where status in ('held', 'spent') group by member_id
   )
   select member_id, counted.available, counted.held, counted.spent,
     moved.available as moved_available, moved.held as moved_held, moved.spent as moved_spent, moved.lowest,
     kept.held as kept_held, kept.spent as kept_spent
   from members as counted full join moved using (member_id) full join kept using (member_id)
   order by member_id`,
  (row) => ({
    memberId: textOf(row.member_id),
    counted: { available: unitsOf(row.available), held: unitsOf(row.held), spent: unitsOf(row.spent) },
    moved: {
      available: unitsOf(row.moved_available),
      held: unitsOf(row.moved_held),
      spent: unitsOf(row.moved_spent),
    },
    lowest: unitsOf(row.lowest),
    keptHeld: unitsOf(row.kept_held),
    keptSpent: unitsOf(row.kept_spent),
  }),
);

const ledgers = orderLedgers({
  table: "transfers",
  of: "member_id",
  amount: "points",
  from: "debited",
  to: "credited",
  spent: "spent",
});

export const benefitBooks = (database: DatabaseConfig): AsyncIterable<BookPage> =>
  readBooks("member", database, [holds, members, ledgers]);
