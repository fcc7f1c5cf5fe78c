// What must hold of one order over all four services on every step and in every state.
// Where everything has come to rest the auditor's laws are asked as well: see `books.ts`.
import type { Hold as BenefitHold, Member } from "@quadrille/member/benefits";
import { isSettled, type Order } from "@quadrille/order/order";
import type { Payment } from "@quadrille/payment/payment";
import type { Hold as StockHold, Variant } from "@quadrille/product/stock";
import type { Configuration } from "./configurations.ts";
import { balanceOf, type World } from "./provider.ts";

/** Everything the laws look at. */
export interface View {
  readonly configuration: Configuration;
  readonly order: Order;
  readonly stock: StockHold;
  readonly variant: Variant;
  /** Of another buyer. */
  readonly rivalStock: StockHold | undefined;
  readonly benefits: BenefitHold | undefined;
  readonly member: Member;
  readonly payment: Payment;
  readonly world: World;
}

const holdWays = {
  absent: ["held", "rejected", "tombstone", "TAKEN", "lost"],
  held: ["TAKEN", "released", "expired"],
  TAKEN: ["returned"],
  returned: [],
  released: [],
  expired: ["TAKEN", "released", "lost"],
  rejected: ["TAKEN", "released", "lost"],
  lost: ["released"],
  tombstone: [],
};
const ways: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  order: {
    absent: ["pending"],
    pending: ["payable", "cancelled"],
    payable: ["cancelling", "confirmed", "cancelled"],
    cancelling: ["confirmed", "cancelled"],
    confirmed: ["cancelled"],
    cancelled: [],
  },
  stock: named(holdWays, "committed"),
  benefits: named(holdWays, "spent"),
  payment: {
    absent: ["ready", "approved", "voided"],
    ready: ["confirming", "voided"],
    confirming: ["unknown", "approved", "declined", "refunding"],
    unknown: ["approved", "declined", "refunding"],
    approved: ["refunding"],
    declined: ["refunding"],
    voided: [],
    refunding: ["refunded"],
    refunded: [],
  },
};

function named(of: Readonly<Record<string, readonly string[]>>, taken: string) {
  const name = (word: string) => (word === "TAKEN" ? taken : word);
  return Object.fromEntries(Object.entries(of).map(([from, to]) => [name(from), to.map(name)]));
}

/** I10, I11: a status changes only along its table, so cancelled and tombstone have no exits. */
export function alongTheTable<Rows>(table: string, statusOf: (rows: Rows) => string | undefined) {
  return (before: Rows, after: Rows): string | undefined => {
    const [from = "", to = ""] = [statusOf(before), statusOf(after)];
    if (from === to || ways[table]?.[from]?.includes(to)) return undefined;
    return `${table} goes from ${from} to ${to}`;
  };
}

/** I2, I3, I4: units and points are somewhere once, and never more are held or sold than there were. */
function quantities(view: View): string | undefined {
  const { configuration, variant, member, stock, rivalStock, benefits } = view;
  if (variant.status === "absent" || member.status === "absent") return "variant and member are listed";
  const holds = [stock, rivalStock].filter((hold) => hold !== undefined);
  const units = (status: StockHold["status"]) =>
    holds
      .filter((hold) => hold.status === status)
      .reduce((sum, { lines }) => sum + lines.reduce((all, { quantity }) => all + quantity, 0), 0);
  if (variant.held !== units("held")) return `${variant.held} units are held, by holds ${units("held")}`;
  if (variant.sold !== units("committed"))
    return `${variant.sold} units are sold, by holds ${units("committed")}`;
  const all = variant.available + variant.held + variant.sold;
  if (all !== configuration.stock || variant.available < 0)
    return `${all} units of ${configuration.stock}, ${variant.available} available`;
  const points = (status: BenefitHold["status"]) => (benefits?.status === status ? benefits.points : 0n);
  if (member.held !== points("held") || member.spent !== points("spent"))
    return `${member.held} points are held and ${member.spent} spent, by the hold ${points("held")} and ${points("spent")}`;
  return member.available < 0n ? `${member.available} points are available` : undefined;
}

/** I5, I16: at most one charge is kept, never more goes back than came, and what payment says of it is true. */
function money({
  configuration: { amountDue },
  payment,
  order,
  world: { account },
}: View): string | undefined {
  const balance = balanceOf(account);
  const taken = account.charges.filter(({ amount }) => amount > 0n);
  if (taken.length > 1) return `the provider took the money ${taken.length} times`;
  if (balance < 0n) return `${-balance} more was given back than was taken`;
  const full = taken[0]?.amount ?? 0n;
  if (balance !== 0n && balance !== full) return `${balance} of ${full} is left with us`;
  if (payment.status === "absent") return balance === 0n ? undefined : "money was taken without a payment";
  if (payment.status === "approved" && balance !== amountDue)
    return `payment is approved, ${balance} was paid`;
  if (payment.status === "refunded" && balance !== 0n) return `payment is refunded, ${balance} is left`;
  if (payment.status === "voided" && account.charges.length > 0) return "a voided payment was charged";
  const isPaid = order.status === "confirmed";
  if (isPaid && (payment.verdict?.type !== "payment.approved" || payment.intent === "giveBack"))
    return `the order is confirmed, the payment ${payment.status}`;
  return undefined;
}

/** I6: once the order says that it is settled, the others agree. */
function agreement(view: View): string | undefined {
  const { order, stock, benefits, payment } = view;
  if (order.status === "absent" || !isSettled(order)) return undefined;
  const parts = `stock ${stock.status}, benefits ${benefits?.status ?? "absent"}, payment ${payment.status}`;
  const isWanted = order.points > 0n;
  const benefitsAre = (...wanted: readonly BenefitHold["status"][]) =>
    isWanted ? wanted.includes(benefits?.status ?? "absent") : benefits === undefined;
  const isFree = order.amountDue === 0n;
  const givenBack = ["released", "returned", "tombstone"] as const;
  const agrees =
    order.status === "confirmed"
      ? stock.status === "committed" && benefitsAre("spent") && payment.status === "approved"
      : givenBack.some((status) => status === stock.status) &&
        benefitsAre(...givenBack) &&
        (isFree || ["voided", "declined", "refunding", "refunded"].includes(payment.status));
  return agrees ? undefined : `the order is settled and ${order.status}, with ${parts}`;
}

/** Nobody may pay before everything is held, and no hold is let go while its money may still come. */
function holding({ order, stock, benefits, payment }: View): string | undefined {
  if (order.status === "absent" || order.status === "cancelled" || order.wasConfirmed) return undefined;
  const { stock: fate, benefits: others } = order;
  if (order.status !== "pending" && (fate === "wanted" || others === "wanted"))
    return `the order is ${order.status}, its stock ${fate}, its benefits ${others}`;
  const gone = [stock.status, benefits?.status ?? "absent"].find(
    (status) => status === "released" || status === "tombstone",
  );
  if (gone !== undefined) return `a hold is ${gone} under an order that is ${order.status}`;
  const isSold = stock.status === "committed" || benefits?.status === "spent";
  return isSold
    ? `something is sold to an order that is ${order.status} with a payment ${payment.status}`
    : undefined;
}

export function brokenLaw(view: View): string | undefined {
  return quantities(view) ?? money(view) ?? agreement(view) ?? holding(view);
}
