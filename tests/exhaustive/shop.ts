// The four services around one order, each with its real decider and its real subscriptions.
import type { FactCause } from "@quadrille/contracts/envelope";
import { services } from "@quadrille/contracts/events";
import { type BenefitInput, type BenefitTables, benefits } from "@quadrille/member/benefits";
import type { BenefitStore } from "@quadrille/member/benefits.store";
import { subscriptions as memberLines } from "@quadrille/member/subscriptions";
import type { CartInput } from "@quadrille/order/cart";
import { type OrderTables, ordering } from "@quadrille/order/decider";
import { absentOrder, type OrderInput } from "@quadrille/order/order";
import type { OrderStore } from "@quadrille/order/order.store";
import { subscriptions as orderLines } from "@quadrille/order/subscriptions";
import { errandOf } from "@quadrille/payment/lease-worker";
import { absentPayment, type PaymentInput, type PaymentTables, payments } from "@quadrille/payment/payment";
import type { PaymentStore } from "@quadrille/payment/payment.store";
import { subscriptions as paymentLines } from "@quadrille/payment/subscriptions";
import { absentHold, type StockInput, type StockTables, stock } from "@quadrille/product/stock";
import type { StockStore } from "@quadrille/product/stock.store";
import { subscriptions as productLines } from "@quadrille/product/subscriptions";
import type { Configuration } from "./configurations.ts";
import { Interned } from "./interned.ts";
import { alongTheTable } from "./laws.ts";
import { type Kept, type Letter, Party, type PartyRules } from "./party.ts";
import { at, memberId, orderId, orderPolicy, start, variantId } from "./terms.ts";

export type Rules = {
  readonly order: PartyRules<OrderTables, OrderInput | CartInput, never, never>;
  readonly product: PartyRules<StockTables, StockInput, never, never>;
  readonly member: PartyRules<BenefitTables, BenefitInput, never, never>;
  readonly payment: PartyRules<PaymentTables, PaymentInput, never, never>;
};

/** A rule taken out, to see that its absence is found. */
export type Spoil = (rules: Rules) => Rules;

export class Shop {
  readonly letters = new Interned<Letter>();
  readonly moments: readonly Date[];
  readonly order: Party<OrderTables, OrderInput | CartInput, never, never>;
  readonly product: Party<StockTables, StockInput, never, never>;
  readonly member: Party<BenefitTables, BenefitInput, never, never>;
  readonly payment: Party<PaymentTables, PaymentInput, never, never>;

  constructor(configuration: Configuration, spoil: Spoil = (rules) => rules) {
    this.moments = configuration.momentsSeconds.map(at);
    const rules = spoil(rulesFor(configuration));
    this.order = new Party(rules.order, this.letters, this.moments);
    this.product = new Party(rules.product, this.letters, this.moments);
    this.member = new Party(rules.member, this.letters, this.moments);
    this.payment = new Party(rules.payment, this.letters, this.moments);
  }

  /** In the order of the catalogue's services. */
  get parties(): readonly Pick<
    Party<never, never, never, never>,
    "name" | "isConcernedBy" | "hear" | "memory" | "wait"
  >[] {
    return services.map((name) => this[name] as never);
  }
}

interface Handles<Input> {
  handle(input: Input): Promise<void>;
}

/** What subscriptions need of a store; the rest of it is for calls and timers. */
function storeOf<Store>(handles: Handles<never>): Store {
  return { handle: (input: never, _: FactCause) => handles.handle(input) } as unknown as Store;
}

function rulesFor({ stock: available, pointsOwned }: Configuration): Rules {
  const listed = {
    status: "listed",
    title: "A thing",
    price: 1000n,
    onSale: true,
    held: 0,
    sold: 0,
  } as const;
  const known = { status: "known", name: "Ada", available: pointsOwned, held: 0n, spent: 0n } as const;
  const rules = {
    order: {
      name: "order",
      decider: ordering,
      aggregates: "orders",
      lines: (store: Handles<OrderInput>) => orderLines(storeOf<OrderStore>(store), orderPolicy),
      rows: { carts: {}, orders: { [orderId]: absentOrder } },
      forget: forgetHistory,
      law: alongTheTable("order", ({ orders }: Kept<OrderTables>) => orders[orderId]?.status),
    },
    product: {
      name: "product",
      decider: stock,
      aggregates: "holds",
      lines: (store: Handles<StockInput>) => productLines(storeOf<StockStore>(store)),
      rows: { holds: { [orderId]: absentHold }, variants: { [variantId]: { ...listed, available } } },
      forget: (rows: Kept<StockTables>) => rows,
      law: alongTheTable("stock", ({ holds }: Kept<StockTables>) => holds[orderId]?.status),
    },
    member: {
      name: "member",
      decider: benefits,
      aggregates: "holds",
      lines: (store: Handles<BenefitInput>) => memberLines(storeOf<BenefitStore>(store)),
      rows: { holds: {}, members: { [memberId]: known } },
      forget: (rows: Kept<BenefitTables>) => rows,
      law: alongTheTable("benefits", ({ holds }: Kept<BenefitTables>) => holds[orderId]?.status ?? "absent"),
    },
    payment: {
      name: "payment",
      decider: payments,
      aggregates: "payments",
      lines: (store: Handles<PaymentInput>) => paymentLines(storeOf<PaymentStore>(store)),
      rows: { payments: { [orderId]: absentPayment } },
      forget: forgetAsking,
      law: alongTheTable("payment", ({ payments: rows }: Kept<PaymentTables>) => rows[orderId]?.status),
      answer: errandOf(orderId),
    },
  };
  return rules as unknown as Rules;
}

/** Watchers read an order's history; its decisions do not. How often payment was asked only lengthens a wait. */
function forgetHistory({ carts, orders }: Kept<OrderTables>, now: Date): Kept<OrderTables> {
  const order = orders[orderId];
  if (order === undefined || order.status === "absent") return { carts, orders };
  const dueAt = past(order.dueAt, now);
  return { carts, orders: { [orderId]: { ...order, dueAt, asked: 0, history: [] } } };
}

/**
 * Leases are counted from the newest, which is 0: a decision only asks whether an answer came under that one. How often
 * the provider was asked in vain only lengthens the wait, and early questions are tried at every moment anyway.
 */
function forgetAsking({ payments: rows }: Kept<PaymentTables>, now: Date): Kept<PaymentTables> {
  const payment = rows[orderId];
  if (payment === undefined || payment.status === "absent") return { payments: rows };
  const refunds = payment.refunds.map((refund) => ({ ...refund, startedAt: start }));
  const dueAt = past(payment.dueAt, now);
  const leasedUntil = past(payment.leasedUntil, now) === start ? undefined : payment.leasedUntil;
  const asked = { lease: 0, tries: 0, why: "", dueAt, leasedUntil };
  return { payments: { [orderId]: { ...payment, refunds, ...asked } } };
}

/** Of a moment that has come, only that counts. */
function past(moment: Date | undefined, now: Date): Date | undefined {
  return moment !== undefined && moment <= now ? start : moment;
}
