// What may follow what: the statuses that an order, a hold or a payment can have once it has told a fact.
import type { Service } from "@quadrille/contracts/events";

/** For each status, what may be told then, and the statuses that may come of it. */
type Steps = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const order: Steps = {
  absent: { "order.placed": ["pending"], "order.confirmation_failed": ["absent"] },
  pending: {
    "order.payable": ["payable"],
    "order.cancelled": ["cancelled"],
    "order.confirmation_failed": ["pending"], // And in the same breath it is cancelled.
  },
  payable: {
    "order.confirmed": ["confirmed"],
    "order.cancel_requested": ["cancelling"],
    "order.cancelled": ["cancelled"],
  },
  cancelling: {
    "order.confirmed": ["confirmed"],
    "order.cancel_requested": ["cancelling"],
    "order.cancelled": ["cancelled"],
  },
  confirmed: { "order.cancelled": ["cancelled"] },
  cancelled: { "order.confirmation_failed": ["cancelled"] },
};

/** A hold over stock and one over points live alike; only the words differ. */
function hold(held: string, rejected: string, taken: string, lost: string, released: string): Steps {
  const [, status = ""] = /.*_(.*)$/.exec(taken) ?? [];
  const late = { [taken]: [status], [lost]: ["lost"], [released]: ["released"] };
  return {
    absent: {
      [held]: ["held"],
      [rejected]: ["rejected"],
      [taken]: [status],
      [lost]: ["lost"],
      [released]: ["tombstone"],
    },
    held: { [taken]: [status], [released]: ["released", "expired"] },
    [status]: { [released]: ["returned"] },
    expired: late,
    rejected: late,
    lost: { [released]: ["released"] },
    tombstone: { [rejected]: ["tombstone"] },
    released: {},
    returned: {},
  };
}

/** A verdict is told again to an order that asks. */
const payment: Steps = {
  absent: { "payment.opened": ["ready"], "payment.approved": ["approved"], "payment.voided": ["voided"] },
  ready: { "payment.voided": ["voided"] },
  confirming: { "payment.approved": ["approved"], "payment.declined": ["declined"] },
  unknown: { "payment.approved": ["approved"], "payment.declined": ["declined"] },
  approved: { "payment.approved": ["approved"] },
  declined: { "payment.declined": ["declined"] },
  voided: { "payment.voided": ["voided"] },
  refunding: {
    "payment.approved": ["refunding"],
    "payment.declined": ["refunding"],
    "payment.refunded": ["refunding", "refunded"],
  },
  refunded: { "payment.approved": ["refunded"], "payment.declined": ["refunded"] },
};

const steps: Readonly<Record<Service, Steps>> = {
  order,
  product: hold(
    "product.stock_held",
    "product.stock_rejected",
    "product.stock_committed",
    "product.stock_commit_failed",
    "product.stock_released",
  ),
  member: hold(
    "member.benefits_held",
    "member.benefits_rejected",
    "member.benefits_spent",
    "member.benefits_spend_failed",
    "member.benefits_released",
  ),
  payment,
};

/** Statuses that come without a fact: only the payment service knows that it asks the provider, or gives back. */
const untold: Readonly<Record<string, readonly string[]>> = {
  ready: ["confirming", "unknown", "refunding"],
  confirming: ["unknown", "refunding"],
  unknown: ["refunding"],
  approved: ["refunding"],
  declined: ["refunding"],
};

/** Of what has told nothing yet. */
export const unbegun: ReadonlySet<string> = new Set(["absent"]);
/** Of what told facts that were thrown away since. */
export const anyStatus = (service: Service): ReadonlySet<string> => new Set(Object.keys(steps[service]));

/** What something may be after telling this; nothing, if it may not tell it then. */
export function statusesAfter(
  service: Service,
  statuses: ReadonlySet<string>,
  type: string,
): ReadonlySet<string> {
  const next = [...statuses].flatMap((status) => steps[service][status]?.[type] ?? []);
  const silent = service === "payment" ? next.flatMap((status) => untold[status] ?? []) : [];
  return new Set([...next, ...silent]);
}
