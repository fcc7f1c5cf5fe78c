// What the order tells can reach product, member and payment in any sequence; each must come to the same end.
import type { Service } from "@quadrille/contracts/events";
import type { About } from "./forged-facts.ts";
import * as facts from "./forged-facts.ts";
import type { Buyer } from "./paying-slowly.ts";
import type { Case, Step } from "./swapping.ts";
import type { System } from "./system.ts";

/** What is kept of an order by those who heard of it. */
export interface Kept {
  readonly product: "untouched" | "nothing" | "held" | "sold";
  readonly member: "untouched" | "nothing" | "held" | "spent";
  readonly payment: "untouched" | "nothing" | "open" | "refunding" | "in doubt" | "paid";
}

export interface End {
  /** By whoever the story is about. */
  readonly keeps: Partial<Kept>;
  /** Facts that are told exactly once. */
  readonly once?: readonly string[];
  /** Facts that are told at least once. */
  readonly tells?: readonly string[];
}

const told = (name: string, fact: (about: About) => ReturnType<typeof facts.placed>): Step => ({
  name,
  fact,
});
const placed = told("placed", facts.placed);
const payable = told("payable", facts.payable);
const payableTooLate = told("payable after pay_by", facts.payableTooLate);
const confirmed = told("confirmed", facts.confirmed);
const cancelRequested = told("cancel_requested", facts.cancelRequested);
const cancelled = told("cancelled", facts.cancelled);
const confirmationFailed = told("confirmation_failed", facts.confirmationFailed);

const [released, benefitsReleased] = ["product.stock_released", "member.benefits_released"];
const [approved, voided, refunded] = ["payment.approved", "payment.voided", "payment.refunded"];

const nothing = { product: "nothing", member: "nothing" } as const;
const sold: End = {
  keeps: { product: "sold", member: "spent", payment: "untouched" },
  once: ["product.stock_committed", "member.benefits_spent"],
};
const givenBack: End = {
  keeps: { ...nothing, payment: "nothing" },
  once: [released, benefitsReleased, voided],
};

/** Orders whose stock and points are there. */
export const wantedCases: Readonly<Record<string, Case<End>>> = {
  "a sale": { swapped: [placed, confirmed], end: sold },
  "a cancel before the holds": { swapped: [placed, cancelled], end: givenBack },
  "a cancel and a sale": { given: [placed], swapped: [confirmed, cancelled], end: givenBack },
  "all of an order": { swapped: [placed, confirmed, cancelled], end: givenBack },
};

/** Orders that want no points. */
export const pointlessCases: Readonly<Record<string, Case<End>>> = {
  "a sale": {
    swapped: [placed, confirmed],
    end: { keeps: { product: "sold", member: "untouched" }, once: ["product.stock_committed"] },
  },
  "all of an order": {
    swapped: [placed, confirmed, cancelled],
    end: { keeps: { product: "nothing", member: "untouched" }, once: [released] },
  },
};

/** Orders that want more than there is. */
export const missingCases: Readonly<Record<string, Case<End>>> = {
  "a sale of nothing": {
    swapped: [placed, confirmed],
    end: { keeps: nothing, once: ["product.stock_commit_failed", "member.benefits_spend_failed"] },
  },
  "all of an order": {
    swapped: [placed, confirmed, cancelled],
    end: { keeps: nothing, once: [released, benefitsReleased] },
  },
};

/** Orders payment hears of, without money. */
export const unpaidCases: Readonly<Record<string, Case<End>>> = {
  "asked to cancel before it could be paid": {
    swapped: [payable, cancelRequested],
    end: { keeps: { payment: "nothing" }, tells: [voided] },
  },
  "cancelled before it could be paid": {
    swapped: [payable, cancelled],
    end: { keeps: { payment: "nothing" }, once: [voided] },
  },
  "an end of which there is no order": {
    swapped: [payable, confirmationFailed],
    end: { keeps: { payment: "nothing" }, once: [voided] },
  },
  "two ways to end": {
    given: [payable],
    swapped: [cancelRequested, cancelled],
    end: { keeps: { payment: "nothing" }, tells: [voided] },
  },
  "all of an unpaid order": {
    swapped: [payable, cancelRequested, cancelled],
    end: { keeps: { payment: "nothing" }, tells: [voided] },
  },
  "payable too late, and cancelled": {
    swapped: [payableTooLate, cancelled],
    end: { keeps: { payment: "nothing" }, once: [voided] },
  },
  "payable too late, and asked to cancel": {
    swapped: [payableTooLate, cancelRequested],
    end: { keeps: { payment: "nothing" }, tells: [voided] },
  },
  "payable once more, but too late": {
    swapped: [payable, payableTooLate],
    end: { keeps: { payment: "open" }, once: ["payment.opened"] },
    endReversed: { keeps: { payment: "nothing" }, once: [voided] }, // The first one counts; the order tells only one.
  },
};

/** Orders with nothing due: approved when they are payable, unless they ended before. */
export const nothingDueCases: Readonly<Record<string, Case<End>>> = {
  "cancelled before it was payable": {
    swapped: [payable, cancelled],
    end: { keeps: { payment: "nothing" }, once: [approved] },
    endReversed: { keeps: { payment: "nothing" }, once: [voided] },
  },
  "asked to cancel before it was payable": {
    swapped: [payable, cancelRequested],
    end: { keeps: { payment: "nothing" }, tells: [approved] },
    endReversed: { keeps: { payment: "nothing" }, tells: [voided] },
  },
  "two ways to end": {
    given: [payable],
    swapped: [confirmationFailed, cancelled],
    end: { keeps: { payment: "nothing" }, once: [approved] },
  },
};

/** Orders whose buyer pays. */
export function paidCases(buyer: Buyer): Readonly<Record<string, Case<End>>> {
  const pays: Step = { name: "paid", act: buyer.pay };
  const starts: Step = { name: "paying", act: buyer.startPaying };
  const answer: Step = { name: "the provider's answer", act: buyer.untilAnswered };
  const moneyBack: End = { keeps: { payment: "nothing" }, once: [approved, refunded] };
  const kept: End = { keeps: { payment: "paid" }, tells: [approved] };
  return {
    "two ways to give back": {
      given: [payable, pays],
      swapped: [cancelled, confirmationFailed],
      end: moneyBack,
    },
    "payable told again": { given: [payable, pays], swapped: [payable, cancelRequested], end: kept },
    "asked, then cancelled": {
      given: [payable, pays],
      swapped: [cancelRequested, cancelled],
      end: { keeps: { payment: "nothing" }, tells: [approved], once: [refunded] },
    },
    "paid or cancelled": {
      given: [payable],
      swapped: [pays, cancelled],
      end: moneyBack,
      endReversed: { keeps: { payment: "nothing" }, once: [voided] },
    },
    "paid or asked to cancel": {
      given: [payable],
      swapped: [pays, cancelRequested],
      end: kept,
      endReversed: { keeps: { payment: "nothing" }, tells: [voided] }, // Payment says which came first.
    },
    "cancelled while it is being paid": {
      given: [payable, starts],
      swapped: [cancelled, answer],
      end: moneyBack,
    },
    "asked to cancel while it is being paid": {
      given: [payable, starts],
      swapped: [cancelRequested, answer],
      end: kept,
    },
    "no order any more, while it is being paid": {
      given: [payable, starts],
      swapped: [confirmationFailed, cancelled, answer],
      end: moneyBack,
    },
  };
}

const productKeeps: Readonly<Record<string, Kept["product"]>> = { held: "held", committed: "sold" };
const memberKeeps: Readonly<Record<string, Kept["member"]>> = { held: "held", spent: "spent" };
const paymentKeeps: Readonly<Record<string, Kept["payment"]>> = {
  ready: "open",
  confirming: "in doubt",
  unknown: "in doubt",
  refunding: "refunding",
  approved: "paid",
};

/** What the three services keep of these orders, as their databases say. */
export async function keptOf(
  { query }: System,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, Kept>> {
  const statuses = async (service: Service, sql: string) => {
    const rows = await query<{ order_id: string; status: string }>(service, sql, [orderIds]);
    return new Map(rows.map((row) => [row.order_id, row.status]));
  };
  const [stock, points, money] = await Promise.all([
    statuses("product", "select order_id, status from holds where order_id = any($1)"),
    statuses("member", "select order_id, status from holds where order_id = any($1)"),
    statuses(
      "payment",
      `select order_id, case when status = 'approved' and captured = 0 then 'nothing' else status end as status
       from payments where order_id = any($1)`,
    ),
  ]);
  const keeps = <What>(status: string | undefined, known: Readonly<Record<string, What>>) =>
    status === undefined || status === "absent" ? "untouched" : (known[status] ?? "nothing");
  return new Map(
    orderIds.map((id) => [
      id,
      {
        product: keeps(stock.get(id), productKeeps),
        member: keeps(points.get(id), memberKeeps),
        payment: keeps(money.get(id), paymentKeeps),
      },
    ]),
  );
}

/** How often each kind of fact was told about each order, over all services. */
export async function toldOf(
  { query }: System,
  tellers: readonly Service[],
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const counts = new Map<string, Record<string, number>>(orderIds.map((id) => [id, {}]));
  for (const teller of tellers) {
    const rows = await query<{ id: string; type: string; times: number }>(
      teller,
      `select aggregate_id as id, type, count(*)::int as times from outbox
       where aggregate_id = any($1) group by 1, 2`,
      [orderIds],
    );
    for (const { id, type, times } of rows) (counts.get(id) as Record<string, number>)[type] = times;
  }
  return counts;
}
