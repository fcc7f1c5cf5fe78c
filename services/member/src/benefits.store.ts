// Benefits as rows: members, holds, and the ledger of every point that moved.
import { defineEntity, p } from "@mikro-orm/postgresql";
import { type DatabaseConfig, openStore } from "@quadrille/outbox";
import { aggregate, guarded, ledger, type RowOf, table } from "@quadrille/outbox/tables";
import {
  type Account,
  benefits,
  type Hold,
  type HoldStatus,
  type KnownMember,
  type Member,
  type Transfer,
} from "./benefits.ts";

const HoldSchema = defineEntity({
  name: "Hold",
  tableName: "holds",
  properties: {
    orderId: p.string().primary(),
    status: p.string().$type<HoldStatus>(),
    memberId: p.string(),
    points: p.bigint("bigint"),
    holdUntil: p.datetime().nullable(),
    ...aggregate,
  },
});
export class HoldRow extends HoldSchema.class {}
HoldSchema.setClass(HoldRow);

const MemberSchema = defineEntity({
  name: "Member",
  tableName: "members",
  properties: {
    memberId: p.string().primary(),
    status: p.string().$type<Member["status"]>(),
    name: p.string(),
    available: p.bigint("bigint"),
    held: p.bigint("bigint"),
    spent: p.bigint("bigint"),
    ...guarded,
  },
});
export class MemberRow extends MemberSchema.class {}
MemberSchema.setClass(MemberRow);

const TransferSchema = defineEntity({
  name: "Transfer",
  tableName: "transfers",
  properties: {
    transferId: p.bigint("bigint").primary().autoincrement(),
    memberId: p.string(),
    points: p.bigint("bigint"),
    debited: p.string().$type<Account>(),
    credited: p.string().$type<Account>(),
    orderId: p.string().nullable(),
    note: p.string(),
    at: p.datetime(),
  },
});
export class TransferRow extends TransferSchema.class {}
TransferSchema.setClass(TransferRow);

const unknown = { name: "", available: 0n, held: 0n, spent: 0n };

/** A line of a member's ledger with its number, which grows with time. */
export type FoundTransfer = Transfer & { readonly number: bigint; readonly at: Date };
export type BenefitStore = Awaited<ReturnType<typeof openBenefitStore>>;

/** `most` is how many inputs share a transaction; `newId` gives the facts their ids, unless the process makes them. */
export async function openBenefitStore({
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
    decider: benefits,
    aggregates: "holds",
    most,
    newId,
    // Rows are locked in this order.
    tables: {
      holds: table(HoldRow, {
        key: "orderId",
        toRow: ({ holdUntil, ...hold }: Hold, orderId) => ({
          orderId,
          ...hold,
          holdUntil: holdUntil ?? null,
        }),
        fromRow: holdOf,
        isAbsent: (hold) => hold.status === "absent",
      }),
      members: table(MemberRow, {
        key: "memberId",
        toRow: (member: Member, memberId) => ({ memberId, ...unknown, ...member }),
        fromRow: (found): Member => (found.status === "absent" ? { status: "absent" } : toMember(found)),
        isAbsent: (member) => member.status === "absent",
      }),
    },
    ledger: ledger(TransferRow, ({ memberId, points, from, to, orderId, note }: Transfer, at) => {
      return { memberId, points, debited: from, credited: to, orderId: orderId ?? null, note, at };
    }),
  });
  return Object.assign(store, {
    /** Holds that last no longer. */
    async expired(most: number): Promise<{ readonly orderId: string; readonly memberId: string }[]> {
      const rows = await store.read((em) =>
        em
          .getConnection()
          .execute<{ order_id: string; member_id: string }[]>(
            "select order_id, member_id from holds where status = 'held' and hold_until <= clock_timestamp() order by hold_until limit ?",
            [most],
          ),
      );
      return rows.map((row) => ({ orderId: row.order_id, memberId: row.member_id }));
    },
    async member(memberId: string): Promise<KnownMember | undefined> {
      const found = await store.read((em) => em.findOne(MemberRow, { memberId, status: "known" }));
      return found === null ? undefined : toMember(found);
    },
    /** A member's transfers, newest first, older than the one numbered `before`. */
    async transfers(
      memberId: string,
      { before, most: atMost }: { readonly before?: bigint | undefined; readonly most: number },
    ): Promise<FoundTransfer[]> {
      const older = before === undefined ? {} : { transferId: { $lt: before } };
      const found = await store.read((em) =>
        em.find(TransferRow, { memberId, ...older }, { orderBy: { transferId: "desc" }, limit: atMost }),
      );
      return found.map(({ transferId, points, debited, credited, orderId, note, at }) => {
        return {
          number: transferId,
          memberId,
          points,
          from: debited,
          to: credited,
          orderId: orderId ?? undefined,
          note,
          at,
        };
      });
    },
  });
}

export function holdOf({ status, memberId, points, holdUntil }: RowOf<typeof HoldRow>): Hold {
  return { status, memberId, points, holdUntil: holdUntil ?? undefined };
}

function toMember({ name, available, held, spent }: typeof unknown): KnownMember {
  return { status: "known", name, available, held, spent };
}
