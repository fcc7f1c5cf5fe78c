// Payment's part of the floor: opened, an attempt written down before its answer, approved. The provider costs nothing here.
import { randomUUID } from "node:crypto";
import { events } from "@quadrille/contracts/events";
import { PaymentApproved } from "@quadrille/contracts/gen/quadrille/payment/v1/facts.ts";
import { Decided, type Role } from "./floor-transaction.ts";

export const payment: Role = {
  statements: {
    opened: "insert into payments select * from json_populate_recordset(null::payments, $rows)",
    tried: `update payments as kept set status = made.status, attempt_id = made.attempt_id,
        payment_key = made.payment_key, attempt_started_at = made.attempt_started_at, revision = kept.revision + 1
      from json_populate_recordset(null::payments, $rows) as made where kept.order_id = made.order_id`,
    requested: `insert into requests (caller, method, request_id, hash, answer)
      select caller, method, request_id, hash, answer from json_populate_recordset(null::requests, $rows)`,
    approved: `update payments as kept set status = made.status, captured = made.captured, verdict = made.verdict,
        revision = kept.revision + 1, version = 2
      from json_populate_recordset(null::payments, $rows) as made where kept.order_id = made.order_id`,
  },

  async decide(inputs, lock) {
    const decided = new Decided();
    const now = new Date();
    const live = inputs.filter(({ type }) => type !== "order.payable").map(({ orderId }) => orderId);
    const payments = await lock("payments", "order_id", "status, member_id, amount_due, currency", live);
    for (const input of inputs) {
      const { orderId, type, data } = input;
      if (type === "order.payable") {
        const { memberId, amountDue, currency, method, payBy } = data;
        const row = {
          order_id: orderId,
          status: "ready",
          member_id: memberId,
          amount_due: `${amountDue}`,
          currency,
          method,
        };
        const empty = { is_unwanted: false, captured: 0, refunds: [], revision: 1, version: 1 };
        decided.write("opened", { ...row, ...empty, pay_by: payBy });
        decided.tell(events.paymentOpened, data, input, 1);
        continue;
      }
      const row = payments.get(orderId);
      if (type === "confirm") {
        if (row?.status !== "ready") throw new Error(`payment ${orderId} cannot be confirmed`);
        const attemptId = randomUUID();
        const request = {
          caller: `member:${row.member_id}`,
          method: "ConfirmPayment",
          request_id: randomUUID(),
        };
        decided.write("requested", {
          ...request,
          hash: "0".repeat(64),
          answer: `\\x${Buffer.from(attemptId).toString("hex")}`,
        });
        const attempt = {
          attempt_id: attemptId,
          payment_key: `tviva${randomUUID()}`,
          attempt_started_at: now,
        };
        decided.write("tried", { order_id: orderId, status: "confirming", ...attempt });
        continue;
      }
      if (row?.status !== "confirming") throw new Error(`payment ${orderId} was never tried`);
      const { member_id: memberId, amount_due: amountDue, currency } = row;
      const transactionKey = randomUUID().replaceAll("-", "");
      const approved = {
        orderId,
        memberId,
        amount: BigInt(amountDue),
        currency,
        transactionKey,
        paidWith: "카드",
        approvedAt: now,
      };
      const verdict = { type: "payment.approved", data: PaymentApproved.toJSON(approved) };
      decided.write("approved", { order_id: orderId, status: "approved", captured: amountDue, verdict });
      decided.tell(events.paymentApproved, approved, input, 2);
    }
    return decided;
  },
};
