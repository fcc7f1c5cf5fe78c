// Payments as rows, and a way to wait until one changes.
import { defineEntity, p } from "@mikro-orm/postgresql";
import {
  PaymentApproved,
  PaymentDeclined,
  PaymentVoided,
} from "@quadrille/contracts/gen/quadrille/payment/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { type DatabaseConfig, openStore } from "@quadrille/outbox";
import { aggregate, ledger, type RowOf, table } from "@quadrille/outbox/tables";
import { WakeUps } from "@quadrille/outbox/wake-ups";
import { unopened } from "./payment.evolve.ts";
import type { Entry } from "./payment.journal.ts";
import {
  absentPayment,
  type LivePayment,
  type Payment,
  payments,
  type Refund,
  type Verdict,
} from "./payment.ts";

interface StoredRefund {
  readonly number: number;
  readonly amount: string;
  readonly state: Refund["state"];
  readonly startedAt: string;
}

const PaymentSchema = defineEntity({
  name: "Payment",
  tableName: "payments",
  properties: {
    orderId: p.string().primary(),
    status: p.string().$type<Payment["status"]>(),
    memberId: p.string(),
    amountDue: p.bigint("bigint"),
    currency: p.string(),
    method: p.string().$type<PaymentMethod>(),
    payBy: p.datetime().nullable(),
    attemptId: p.string().nullable(),
    paymentKey: p.string().nullable(),
    attemptStartedAt: p.datetime().nullable(),
    intent: p.string().$type<LivePayment["intent"]>(),
    verdict: p.json<{ readonly type: Verdict["type"]; readonly data: unknown }>().nullable(),
    captured: p.bigint("bigint"),
    refunds: p.json<readonly StoredRefund[]>(),
    dueAt: p.datetime().nullable(),
    leasedUntil: p.datetime().nullable(),
    lease: p.integer(),
    tries: p.integer(),
    why: p.string(),
    ...aggregate,
  },
});
export class PaymentRow extends PaymentSchema.class {}
PaymentSchema.setClass(PaymentRow);

const JournalSchema = defineEntity({
  name: "Journal",
  tableName: "journal",
  properties: {
    number: p.bigint("bigint").primary().autoincrement(),
    orderId: p.string(),
    kind: p.string().$type<Entry["type"]>(),
    /** Of a call and of its answer. */
    lease: p.integer().nullable(),
    /** The errand, the kind of answer, or the resolution. */
    what: p.string(),
    detail: p.string(),
    /** Of a resolution. */
    decidedBy: p.string().nullable(),
    at: p.datetime(),
  },
});
export class JournalRow extends JournalSchema.class {}
JournalSchema.setClass(JournalRow);

/** A payment that waits for a person, and since when. */
export interface StuckPayment {
  readonly orderId: string;
  readonly payment: LivePayment;
  readonly since: Date;
}

/** Where a page of them begins: after this one, towards younger attempts. */
export interface NewerThan {
  readonly since: Date;
  readonly orderId: string;
}

export type PaymentStore = Awaited<ReturnType<typeof openPaymentStore>>;

/** `most` is how many inputs share a transaction; `newId` gives the facts their ids, unless the process makes them. */
export async function openPaymentStore({
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
    decider: payments,
    aggregates: "payments",
    most,
    newId,
    tables: {
      payments: table(PaymentRow, {
        key: "orderId",
        toRow: (payment: Payment, orderId) => toRow(payment, orderId),
        fromRow,
        isAbsent: (payment) => payment.status === "absent",
      }),
    },
    ledger: ledger(JournalRow, (entry: Entry, at) => ({ ...lineOf(entry), at })),
  });
  const orderIds = async (sql: string, values: readonly unknown[]) => {
    const rows = await store.read((em) =>
      em.getConnection().execute<{ order_id: string }[]>(sql, [...values]),
    );
    return rows.map((row) => row.order_id);
  };
  const wakeUps = new WakeUps();
  store.onCommit(({ changed }) => {
    for (const orderId of changed) wakeUps.wake(orderId);
  });
  return Object.assign(store, {
    wakeUps,
    /** Payments nobody made until their pay_by, and those whose provider was asked by somebody who does not answer. */
    overdue: (most: number) =>
      orderIds(
        `(select order_id, pay_by as since from payments
            where status = 'ready' and pay_by <= clock_timestamp() order by pay_by limit ?)
         union all
         (select order_id, due_at from payments
            where status = 'confirming' and due_at <= clock_timestamp() order by due_at limit ?)
         order by since limit ?`,
        [most, most, most],
      ),
    /** Payments the provider may be asked about now, the longest waiting first. */
    due: (most: number) =>
      orderIds("select order_id from payments where due_at <= clock_timestamp() order by due_at limit ?", [
        most,
      ]),
    /** Payments nobody is asking about, whose turn is now or later; in no order, so that whoever asks for all is not always the same. */
    waiting: (most: number) =>
      orderIds(
        `select order_id from payments
           where due_at is not null and (leased_until is null or leased_until <= clock_timestamp())
           order by random() limit ?`,
        [most],
      ),
    /** Payments that wait for a person: in doubt, or on their way back, for so long; or whose refund was refused. */
    async stuck(page: {
      readonly unknownSeconds: number;
      readonly after: NewerThan | undefined;
      readonly most: number;
    }): Promise<StuckPayment[]> {
      const { unknownSeconds, after, most } = page;
      const found = await store.read((em) =>
        em
          .getConnection()
          .execute<{ order_id: string; since: Date }[]>(stuckSql, [
            unknownSeconds,
            after?.since ?? never,
            after?.orderId ?? "",
            most,
          ]),
      );
      const rows = await store.read((em) =>
        em.find(PaymentRow, { orderId: { $in: found.map((row) => row.order_id) } }),
      );
      const byId = new Map(rows.map((row) => [row.orderId, fromRow(row)]));
      return found.flatMap(({ order_id: orderId, since }) => {
        const payment = byId.get(orderId) ?? absentPayment;
        return payment.status === "absent" ? [] : [{ orderId, payment, since: new Date(since) }];
      });
    },
    async payment(orderId: string): Promise<Payment> {
      const found = await store.read((em) => em.findOne(PaymentRow, { orderId }));
      return found === null ? absentPayment : fromRow(found);
    },
  });
}

const never = new Date(0);

const stuckSql = `
  select order_id, since from (
    select order_id, date_trunc('milliseconds', attempt_started_at) as since, clock_timestamp() - make_interval(secs => ?) as too_long,
      status, refunds->-1 as refund
    from payments where status in ('unknown', 'refunding')
  ) as doubted
  where (since, order_id) > (?, ?) and (
    status = 'unknown' and since <= too_long
    or status = 'refunding' and (
      refund->>'state' = 'refused'
      or refund->>'state' = 'started' and (refund->>'startedAt')::timestamptz <= too_long
    )
  )
  order by since, order_id limit ?`;

function toRow(payment: Payment, orderId: string): RowOf<typeof PaymentRow> {
  const live = payment.status === "absent" ? unopened : payment;
  const { attempt, verdict, refunds } = live;
  return {
    ...live,
    orderId,
    status: payment.status,
    payBy: live.payBy ?? null,
    attemptId: attempt?.attemptId ?? null,
    paymentKey: attempt?.paymentKey ?? null,
    attemptStartedAt: attempt?.startedAt ?? null,
    dueAt: live.dueAt ?? null,
    leasedUntil: live.leasedUntil ?? null,
    verdict:
      verdict === undefined
        ? null
        : { type: verdict.type, data: codecs[verdict.type].toJSON(verdict.data as never) },
    refunds: refunds.map(({ amount, startedAt, ...refund }) => ({
      ...refund,
      amount: `${amount}`,
      startedAt: startedAt.toISOString(),
    })),
  };
}

export function fromRow(found: RowOf<typeof PaymentRow>): Payment {
  const { status, memberId, amountDue, currency, method, intent, captured, lease, tries, why } = found;
  if (status === "absent") return absentPayment;
  const { attemptId, paymentKey, attemptStartedAt: startedAt, verdict } = found;
  return {
    status,
    memberId,
    amountDue,
    currency,
    method,
    payBy: found.payBy ?? undefined,
    attempt: attemptId && paymentKey && startedAt ? { attemptId, paymentKey, startedAt } : undefined,
    intent,
    verdict: verdict
      ? ({ type: verdict.type, data: codecs[verdict.type].fromJSON(verdict.data) } as Verdict)
      : undefined,
    captured,
    refunds: found.refunds.map(({ amount, startedAt, ...refund }) => ({
      ...refund,
      amount: BigInt(amount),
      startedAt: new Date(startedAt),
    })),
    dueAt: found.dueAt ?? undefined,
    leasedUntil: found.leasedUntil ?? undefined,
    lease,
    tries,
    why,
  };
}

function lineOf(entry: Entry): Omit<RowOf<typeof JournalRow>, "number" | "at"> {
  const { orderId, type: kind } = entry;
  switch (entry.type) {
    case "called":
      return { orderId, kind, lease: entry.lease, what: entry.errand, detail: "", decidedBy: null };
    case "answered":
      return { orderId, kind, lease: entry.lease, what: entry.answer, detail: entry.detail, decidedBy: null };
    case "resolved":
      return { orderId, kind, lease: null, what: entry.resolution, detail: entry.note, decidedBy: entry.by };
  }
}

const codecs = {
  "payment.approved": PaymentApproved,
  "payment.declined": PaymentDeclined,
  "payment.voided": PaymentVoided,
};
