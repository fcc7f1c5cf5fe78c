// The order's part of the floor: placed, payable when both holds are taken, confirmed when paid, settled.
import { events } from "@quadrille/contracts/events";
import { Decided, type Role } from "./floor-transaction.ts";

/** What a buyer wants, as it is frozen in the order. */
export interface Placed {
  readonly orderId: string;
  readonly memberId: string;
  readonly lines: {
    readonly variantId: string;
    readonly quantity: number;
    readonly unitPrice: bigint;
    readonly title: string;
  }[];
  readonly subtotal: bigint;
  readonly points: bigint;
  readonly amountDue: bigint;
}

const currency = "KRW";
const method = "PAYMENT_METHOD_CARD";
const later = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1_000);

/** What each fact changes, with the step it adds to the history. */
const changes: Readonly<Record<string, { readonly step: string; readonly set: object }>> = {
  "product.stock_held": { step: "STOCK_HELD", set: { stock: "held" } },
  "member.benefits_held": { step: "BENEFITS_HELD", set: { benefits: "held" } },
  "payment.approved": {
    step: "PAID",
    set: { status: "confirmed", payment: "approved", was_confirmed: true },
  },
  "product.stock_committed": { step: "STOCK_COMMITTED", set: { stock: "committed" } },
  "member.benefits_spent": { step: "BENEFITS_SPENT", set: { benefits: "spent" } },
};

export const order: Role = {
  statements: {
    placed: "insert into orders select * from json_populate_recordset(null::orders, $rows)",
    changed: `update orders as kept set status = made.status, stock = made.stock, benefits = made.benefits,
        payment = made.payment, was_confirmed = made.was_confirmed, pay_by = made.pay_by, due_at = made.due_at,
        history = kept.history || made.history, version = made.version, revision = kept.revision + 1
      from json_populate_recordset(null::orders, $rows) as made where kept.order_id = made.order_id`,
  },

  async decide(inputs, lock) {
    const decided = new Decided();
    const now = new Date();
    const heard = inputs.filter(({ type }) => type !== "place").map(({ orderId }) => orderId);
    const columns =
      "status, member_id, lines, subtotal, points, amount_due, stock, benefits, payment, was_confirmed, pay_by, due_at, version, jsonb_array_length(history) as changes";
    const rows = await lock("orders", "order_id", columns, heard);
    const added = new Map<string, object[]>();
    for (const input of inputs) {
      const { orderId, type } = input;
      if (type === "place") {
        place(decided, input.data, now);
        continue;
      }
      const row = rows.get(orderId);
      const steps = added.get(orderId) ?? [];
      added.set(orderId, steps);
      const change = (step: string, set: object) => {
        Object.assign(row, set);
        row.changes += 1;
        steps.push({ number: row.changes, status: row.status, step, reason: "", at: now });
      };
      const { step, set } = changes[type] as { step: string; set: object };
      change(step, set);
      const about = {
        orderId,
        memberId: row.member_id,
        amountDue: BigInt(row.amount_due),
        currency,
      };
      if (type.endsWith("_held") && row.stock === "held" && row.benefits === "held") {
        const payBy = later(now, 600);
        change("PAYABLE", {
          status: "payable",
          payment: "asked",
          pay_by: payBy,
          due_at: later(now, 660),
          version: 2,
        });
        decided.tell(events.orderPayable, { ...about, method, payBy }, input, 2);
      } else if (type === "payment.approved") {
        Object.assign(row, { due_at: null, version: 3 });
        const lines = row.lines.map((line: { unitPrice: string }) => ({
          ...line,
          unitPrice: BigInt(line.unitPrice),
        }));
        const sums = { subtotal: BigInt(row.subtotal), points: BigInt(row.points) };
        decided.tell(events.orderConfirmed, { ...about, ...sums, lines, confirmedAt: now }, input, 3);
      }
    }
    for (const [orderId, history] of added) decided.write("changed", { ...rows.get(orderId), history });
    return decided;
  },
};

function place(decided: Decided, placed: Placed, now: Date): void {
  const { orderId, memberId, lines, subtotal, points, amountDue } = placed;
  const pendingUntil = later(now, 60);
  const holdUntil = later(now, 90_660);
  const times = { placedAt: now, pendingUntil, holdUntil, payWithinSeconds: 600 };
  const cause = { type: "place", orderId, data: undefined };
  decided.tell(events.orderPlaced, { ...placed, ...times, currency, method }, cause, 1);
  decided.write("placed", {
    order_id: orderId,
    status: "pending",
    member_id: memberId,
    request_hash: "0".repeat(64),
    lines: lines.map((line) => ({ ...line, unitPrice: `${line.unitPrice}` })),
    subtotal: `${subtotal}`,
    points: `${points}`,
    amount_due: `${amountDue}`,
    currency,
    method,
    placed_at: now,
    pending_until: pendingUntil,
    hold_until: holdUntil,
    pay_within_seconds: 600,
    stock: "wanted",
    benefits: "wanted",
    payment: "unasked",
    was_confirmed: false,
    due_at: pendingUntil,
    asked: 0,
    history: [{ number: 1, status: "pending", step: "PLACED", reason: "", at: now }],
    revision: 1,
    version: 1,
  });
}
