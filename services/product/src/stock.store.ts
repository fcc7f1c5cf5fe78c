// Stock as rows: holds, variants, and the ledger of every unit that moved.
import { defineEntity, p } from "@mikro-orm/postgresql";
import type { StockLine } from "@quadrille/contracts/gen/quadrille/product/v1/facts.ts";
import { type DatabaseConfig, openStore } from "@quadrille/outbox";
import { aggregate, guarded, ledger, type RowOf, table } from "@quadrille/outbox/tables";
import {
  type Hold,
  type HoldStatus,
  type ListedVariant,
  type Movement,
  type Place,
  stock,
  type Variant,
} from "./stock.ts";

const HoldSchema = defineEntity({
  name: "Hold",
  tableName: "holds",
  properties: {
    orderId: p.string().primary(),
    status: p.string().$type<HoldStatus>(),
    lines: p.json<readonly StockLine[]>(),
    holdUntil: p.datetime().nullable(),
    ...aggregate,
  },
});
export class HoldRow extends HoldSchema.class {}
HoldSchema.setClass(HoldRow);

const VariantSchema = defineEntity({
  name: "Variant",
  tableName: "variants",
  properties: {
    variantId: p.string().primary(),
    status: p.string().$type<Variant["status"]>(),
    title: p.string(),
    price: p.bigint("bigint"),
    onSale: p.boolean(),
    available: p.integer(),
    held: p.integer(),
    sold: p.integer(),
    ...guarded,
  },
});
export class VariantRow extends VariantSchema.class {}
VariantSchema.setClass(VariantRow);

const MovementSchema = defineEntity({
  name: "Movement",
  tableName: "movements",
  properties: {
    movementId: p.bigint("bigint").primary().autoincrement(),
    variantId: p.string(),
    quantity: p.integer(),
    origin: p.string().$type<Place>(),
    destination: p.string().$type<Place>(),
    orderId: p.string().nullable(),
    at: p.datetime(),
  },
});
export class MovementRow extends MovementSchema.class {}
MovementSchema.setClass(MovementRow);

const unlisted = { title: "", price: 0n, onSale: false, available: 0, held: 0, sold: 0 };

/** A variant as it can be looked up. */
export type FoundVariant = ListedVariant & { readonly variantId: string };
export type StockStore = Awaited<ReturnType<typeof openStockStore>>;

/** `most` is how many inputs share a transaction; `newId` gives the facts their ids, unless the process makes them. */
export async function openStockStore({
  database,
  most,
  newId,
}: {
  readonly database: DatabaseConfig;
  readonly most: number;
  readonly newId?: (() => string) | undefined;
}) {
  const store = await openStore({
    database,
    decider: stock,
    aggregates: "holds",
    most,
    newId,
    // Rows are locked in this order.
    tables: {
      holds: table(HoldRow, {
        key: "orderId",
        toRow: ({ status, lines, holdUntil }: Hold, orderId) => ({
          orderId,
          status,
          lines,
          holdUntil: holdUntil ?? null,
        }),
        fromRow: holdOf,
        isAbsent: (hold) => hold.status === "absent",
      }),
      variants: table(VariantRow, {
        key: "variantId",
        toRow: (variant: Variant, variantId) =>
          ({ variantId, ...(variant.status === "absent" ? unlisted : {}), ...variant }) as VariantColumns,
        fromRow: (found): Variant => (found.status === "absent" ? { status: "absent" } : toVariant(found)),
        isAbsent: (variant) => variant.status === "absent",
      }),
    },
    ledger: ledger(MovementRow, ({ variantId, quantity, from, to, orderId }: Movement, at) => {
      return { variantId, quantity, origin: from, destination: to, orderId: orderId ?? null, at };
    }),
  });
  return Object.assign(store, {
    /** Holds that last no longer, with the variants each is about. */
    async expired(
      most: number,
    ): Promise<{ readonly orderId: string; readonly variantIds: readonly string[] }[]> {
      const rows = await store.read((em) =>
        em
          .getConnection()
          .execute<{ order_id: string; lines: readonly StockLine[] }[]>(
            "select order_id, lines from holds where status = 'held' and hold_until <= clock_timestamp() order by hold_until limit ?",
            [most],
          ),
      );
      return rows.map(({ order_id: orderId, lines }) => ({
        orderId,
        variantIds: lines.map((line) => line.variantId),
      }));
    },
    /** Listed variants by id, in no order; unknown ids are left out. */
    async variants(variantIds: readonly string[]): Promise<FoundVariant[]> {
      const found = await store.read((em) =>
        em.find(VariantRow, { variantId: { $in: [...variantIds] }, status: "listed" }),
      );
      return found.map((variant) => ({ variantId: variant.variantId, ...toVariant(variant) }));
    },
    /** Listed variants whose id begins with the text or whose title contains it, in the order of their ids. */
    async search(
      query: string,
      { after = "", most }: { readonly after?: string | undefined; readonly most: number },
    ): Promise<FoundVariant[]> {
      const like = query.replace(/[\\%_]/g, "\\$&");
      const matches =
        query === ""
          ? {}
          : { $or: [{ variantId: { $like: `${like}%` } }, { title: { $ilike: `%${like}%` } }] };
      const found = await store.read((em) =>
        em.find(
          VariantRow,
          { status: "listed", variantId: { $gt: after }, ...matches },
          { orderBy: { variantId: "asc" }, limit: most },
        ),
      );
      return found.map((variant) => ({ variantId: variant.variantId, ...toVariant(variant) }));
    },
  });
}

export function holdOf({ status, lines, holdUntil }: RowOf<typeof HoldRow>): Hold {
  return { status, lines, holdUntil: holdUntil ?? undefined };
}

type VariantColumns = Pick<
  VariantRow,
  "variantId" | "status" | "title" | "price" | "onSale" | "available" | "held" | "sold"
>;

function toVariant({
  title,
  price,
  onSale,
  available,
  held,
  sold,
}: Omit<VariantColumns, "variantId" | "status">): ListedVariant {
  return { status: "listed", title, price, onSale, available, held, sold };
}
