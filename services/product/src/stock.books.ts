// What the product service tells an auditor: holds, and each variant as counted, as moved and as held.
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

interface Line {
  readonly variantId: string;
  readonly quantity: number;
}

const linesOf = (lines: unknown) =>
  (lines as readonly Line[]).map(({ variantId, quantity }) => ({ variantId, quantity: unitsOf(quantity) }));

const holds = chapter(
  "stockHolds",
  "select order_id, status, lines, version, hold_until from holds order by order_id",
  (row) => ({
    orderId: textOf(row.order_id),
    status: textOf(row.status),
    held: row.status === "held" ? linesOf(row.lines) : [],
    sold: row.status === "committed" ? linesOf(row.lines) : [],
    version: Number(row.version),
    holdUntil: dateOf(row.hold_until),
    lines: linesOf(row.lines),
  }),
);

/** Units that a movement brought to a place, or took from it. */
const brought = (place: string) =>
  `quantity * ((destination = '${place}')::int - (origin = '${place}')::int) as ${place}`;

const variants = chapter(
  "variants",
  `with steps as (
     select variant_id, movement_id, ${brought("available")}, ${brought("held")}, ${brought("sold")} from movements
   ), walked as (
     select variant_id, available, held, sold,
       least(sum(available) over walk, sum(held) over walk, sum(sold) over walk) as left_over
     from steps window walk as (partition by variant_id order by movement_id)
   ), moved as (
     select variant_id, sum(available) as available, sum(held) as held, sum(sold) as sold, min(left_over) as lowest
     from walked group by variant_id
   ), kept as (
     select line->>'variantId' as variant_id,
       sum((line->>'quantity')::bigint) filter (where status = 'held') as held,
       sum((line->>'quantity')::bigint) filter (where status = 'committed') as sold
     from holds, jsonb_array_elements(lines) as line where status in ('held', 'committed') group by 1
   )
   select variant_id, counted.available, counted.held, counted.sold,
     moved.available as moved_available, moved.held as moved_held, moved.sold as moved_sold, moved.lowest,
     kept.held as kept_held, kept.sold as kept_sold
   from variants as counted full join moved using (variant_id) full join kept using (variant_id)
   order by variant_id`,
  (row) => ({
    variantId: textOf(row.variant_id),
    counted: { available: unitsOf(row.available), held: unitsOf(row.held), spent: unitsOf(row.sold) },
    moved: {
      available: unitsOf(row.moved_available),
      held: unitsOf(row.moved_held),
      spent: unitsOf(row.moved_sold),
    },
    lowest: unitsOf(row.lowest),
    keptHeld: unitsOf(row.kept_held),
    keptSold: unitsOf(row.kept_sold),
  }),
);

const ledgers = orderLedgers({
  table: "movements",
  of: "variant_id",
  amount: "quantity",
  from: "origin",
  to: "destination",
  spent: "sold",
});

export const stockBooks = (database: DatabaseConfig): AsyncIterable<BookPage> =>
  readBooks("product", database, [holds, variants, ledgers]);
