// What the payment service knows of one order, for an operator who asks why it is where it is.
import type {
  ExplainOrderRequest,
  ExplainOrderResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { explain, type KnownStep } from "@quadrille/outbox/explain";
import type { Trail } from "@quadrille/outbox/trail";
import { callId } from "./lease-worker.ts";
import { fromRow, JournalRow, PaymentRow, type PaymentStore } from "./payment.store.ts";
import { absentPayment, type Payment, type Policy } from "./payment.ts";
import { waitsOf } from "./payment.waits.ts";

/** Lines of the journal that are shown, the newest. */
const linesMost = 1_000;

export const explainPayment =
  (store: Pick<PaymentStore, "read">, policy: Pick<Policy, "unknownSeconds">) =>
  (asked: ExplainOrderRequest): Promise<ExplainOrderResponse> =>
    explain(store, "payment", asked, async (em, now) => {
      const { orderId } = asked;
      const found = await em.findOne(PaymentRow, { orderId });
      const payment = found === null ? absentPayment : fromRow(found);
      const newest = await em.find(
        JournalRow,
        { orderId },
        { orderBy: { number: "desc" }, limit: linesMost },
      );
      const lines = newest.reverse();
      return {
        status: payment.status === "absent" ? "" : payment.status,
        callers: payment.status === "absent" ? [] : [`member:${payment.memberId}`],
        steps: (trail) => stepsOf(payment, lines, trail),
        waits: waitsOf(payment, now, policy),
      };
    });

/** A line of the journal, as far as a step needs it. */
export type Line = Omit<JournalRow, "number">;

/** What the attempt's row and the journal say: who asked for the money, each call, each answer, each decision of a person. */
export function stepsOf(payment: Payment, lines: readonly Line[], trail: Trail): KnownStep[] {
  const attempt = payment.status === "absent" ? undefined : payment.attempt;
  const steps: KnownStep[] = [];
  if (attempt !== undefined && payment.status !== "absent") {
    const { memberId, amountDue, currency } = payment;
    const detail = `by member:${memberId}, ${amountDue} ${currency}`;
    const about = { type: "ConfirmPayment", id: attempt.attemptId, detail };
    steps.push({ kind: "STEP_KIND_ASKED", at: attempt.startedAt, ...about });
  }
  for (const line of lines) steps.push(...stepOf(line, steps, payment, trail));
  return steps;
}

function stepOf(line: Line, before: readonly KnownStep[], payment: Payment, trail: Trail): KnownStep[] {
  const { orderId, what, detail, at, lease } = line;
  const about = { at, type: what, detail };
  switch (line.kind) {
    case "called": {
      const causationId = causeOfCall(line, before, payment, trail);
      const id = called(lease);
      return [{ kind: "STEP_KIND_CALLED", ...about, id, causationId, detail: `call ${lease}` }];
    }
    case "answered": {
      // Written down twice when nobody knew whether it was the first time.
      const isKnown = before.some((step) => step.causationId === called(lease) && step.type === what);
      const id = callId({ orderId, lease: lease ?? 0 });
      return isKnown ? [] : [{ kind: "STEP_KIND_ANSWERED", ...about, id, causationId: called(lease) }];
    }
    case "resolved": {
      // What it led to was told at the very same time, and names the request.
      const causationId = trail.told.find((fact) => Number(fact.at) === Number(at))?.causationId ?? "";
      const said = { type: what, detail: `by ${line.decidedBy}: ${detail}` };
      return [{ kind: "STEP_KIND_RESOLVED", at, ...said, id: `resolved:${Number(at)}`, causationId }];
    }
  }
}

const called = (lease: number | null | undefined) => `lease:${lease}`;

/** The first call for money is made for a buyer, the first for a refund for whoever wants it back; others follow calls in vain. */
function causeOfCall(
  { what }: Line,
  before: readonly KnownStep[],
  payment: Payment,
  { heard }: Trail,
): string {
  const isRefund = what === "refund";
  const last = before.findLast(({ kind }) => kind !== "STEP_KIND_ASKED");
  const lastCall = before.findLast(({ kind }) => kind === "STEP_KIND_CALLED");
  const isFirst = isRefund ? lastCall?.type !== "refund" : lastCall === undefined;
  if (!isFirst) return last?.id ?? "";
  if (!isRefund) return before.find(({ kind }) => kind === "STEP_KIND_ASKED")?.id ?? "";
  const refund = payment.status === "absent" ? undefined : payment.refunds[0];
  const startedMs = Number(refund?.startedAt ?? 0);
  const causes = [...heard.map(({ id, at }) => ({ id, at })), ...before].filter(
    ({ at }) => Number(at) <= startedMs,
  );
  causes.sort((one, other) => Number(one.at) - Number(other.at));
  return causes.at(-1)?.id ?? "";
}
