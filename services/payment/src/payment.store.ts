// Payments as rows, and a way to wait until one changes.
import { defineEntity, p } from "@mikro-orm/postgresql";
import {
  PaymentApproved,
  PaymentDeclined,
  PaymentVoided,
} from "@quadrille/contracts/gen/quadrille/payment/v1/facts.ts";
import type { PaymentMethod } from "@quadrille/contracts/gen/quadrille/payment/v1/method.ts";
import { type DatabaseConfig, openStore } from "@quadrille/outbox";
import { aggregate, type RowOf, table } from "@quadrille/outbox/tables";
import { WakeUps } from "@quadrille/outbox/wake-ups";
import { absentPayment, type LivePayment, type Payment, payments, type Verdict } from "./payment.ts";

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
    isUnwanted: p.boolean(),
    verdict: p.json<{ readonly type: Verdict["type"]; readonly data: unknown }>().nullable(),
    captured: p.bigint("bigint"),
    refunds:
      p.json<readonly { readonly number: number; readonly amount: string; readonly isDone: boolean }[]>(),
    ...aggregate,
  },
});
export class PaymentRow extends PaymentSchema.class {}
PaymentSchema.setClass(PaymentRow);

export type PaymentStore = Awaited<ReturnType<typeof openPaymentStore>>;

/** `most` is how many inputs share a transaction. */
export async function openPaymentStore({
  database,
  most,
}: {
  readonly database: DatabaseConfig;
  readonly most: number;
}) {
  const store = await openStore({
    database,
    decider: payments,
    aggregates: "payments",
    most,
    tables: {
      payments: table(PaymentRow, {
        key: "orderId",
        toRow: (payment: Payment, orderId) => toRow(payment, orderId),
        fromRow,
        isAbsent: (payment) => payment.status === "absent",
      }),
    },
  });
  const wakeUps = new WakeUps();
  store.onCommit(({ changed }) => {
    for (const orderId of changed) wakeUps.wake(orderId);
  });
  return Object.assign(store, {
    wakeUps,
    /** Payments nobody made until their pay_by. */
    async overdue(most: number): Promise<string[]> {
      const rows = await store.read((em) =>
        em
          .getConnection()
          .execute<{ order_id: string }[]>(
            "select order_id from payments where status = 'ready' and pay_by <= clock_timestamp() order by pay_by limit ?",
            [most],
          ),
      );
      return rows.map((row) => row.order_id);
    },
    async payment(orderId: string): Promise<Payment> {
      const found = await store.read((em) => em.findOne(PaymentRow, { orderId }));
      return found === null ? absentPayment : fromRow(found);
    },
  });
}

const nobody = {
  memberId: "",
  amountDue: 0n,
  currency: "",
  method: "PAYMENT_METHOD_UNSPECIFIED",
  captured: 0n,
} as const;

function toRow(payment: Payment, orderId: string): RowOf<typeof PaymentRow> {
  const live: Partial<LivePayment> = payment.status === "absent" ? {} : payment;
  const { attempt, verdict, refunds = [] } = live;
  return {
    ...nobody,
    ...live,
    orderId,
    status: payment.status,
    payBy: live.payBy ?? null,
    attemptId: attempt?.attemptId ?? null,
    paymentKey: attempt?.paymentKey ?? null,
    attemptStartedAt: attempt?.startedAt ?? null,
    isUnwanted: live.isUnwanted ?? false,
    verdict:
      verdict === undefined
        ? null
        : { type: verdict.type, data: codecs[verdict.type].toJSON(verdict.data as never) },
    refunds: refunds.map(({ number, amount, isDone }) => ({ number, amount: `${amount}`, isDone })),
  };
}

function fromRow(found: RowOf<typeof PaymentRow>): Payment {
  const { status, memberId, amountDue, currency, method, isUnwanted, captured } = found;
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
    isUnwanted,
    verdict: verdict
      ? ({ type: verdict.type, data: codecs[verdict.type].fromJSON(verdict.data) } as Verdict)
      : undefined,
    captured,
    refunds: found.refunds.map(({ number, amount, isDone }) => ({ number, amount: BigInt(amount), isDone })),
  };
}

const codecs = {
  "payment.approved": PaymentApproved,
  "payment.declined": PaymentDeclined,
  "payment.voided": PaymentVoided,
};
