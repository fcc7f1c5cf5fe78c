// The four services around one order, each with its real decider and its real subscriptions.
import {
  type BenefitFact,
  type BenefitInput,
  type BenefitTables,
  benefits,
  type Transfer,
} from "@quadrille/member/benefits";
import type { BenefitStore } from "@quadrille/member/benefits.store";
import { subscriptions as memberLines } from "@quadrille/member/subscriptions";
import type { CartFact, CartInput } from "@quadrille/order/cart";
import { type OrderTables, ordering } from "@quadrille/order/decider";
import { absentOrder, type OrderFact, type OrderInput } from "@quadrille/order/order";
import type { OrderStore } from "@quadrille/order/order.store";
import { subscriptions as orderLines } from "@quadrille/order/subscriptions";
import { errandOf } from "@quadrille/payment/lease-worker";
import {
  absentPayment,
  type Entry,
  type PaymentFact,
  type PaymentInput,
  type PaymentTables,
  payments,
} from "@quadrille/payment/payment";
import type { PaymentStore } from "@quadrille/payment/payment.store";
import { subscriptions as paymentLines } from "@quadrille/payment/subscriptions";
import {
  absentHold,
  type Movement,
  type StockFact,
  type StockInput,
  type StockTables,
  stock,
} from "@quadrille/product/stock";
import type { StockStore } from "@quadrille/product/stock.store";
import { subscriptions as productLines } from "@quadrille/product/subscriptions";
import type { Configuration } from "./configurations.ts";
import { Interned } from "./interned.ts";
import { alongTheTable } from "./laws.ts";
import { type Kept, type Letter, Party, type PartyRules } from "./party.ts";
import { at, memberId, orderId, orderPolicy, start, variantId } from "./terms.ts";

export interface Rules {
  readonly order: PartyRules<OrderTables, OrderInput | CartInput, OrderFact | CartFact, never>;
  readonly product: PartyRules<StockTables, StockInput, StockFact, Movement>;
  readonly member: PartyRules<BenefitTables, BenefitInput, BenefitFact, Transfer>;
  readonly payment: PartyRules<PaymentTables, PaymentInput, PaymentFact, Entry>;
}

/** Takes a rule out, to see that its absence is found. */
export type Spoil = (rules: Rules) => Rules;

export class Shop {
  readonly letters = new Interned<Letter>();
  readonly moments: readonly Date[];
  readonly order: Party<OrderTables, OrderInput | CartInput, OrderFact | CartFact, never>;
  readonly product: Party<StockTables, StockInput, StockFact, Movement>;
  readonly member: Party<BenefitTables, BenefitInput, BenefitFact, Transfer>;
  readonly payment: Party<PaymentTables, PaymentInput, PaymentFact, Entry>;

  constructor(configuration: Configuration, spoil: Spoil = (rules) => rules) {
    this.moments = configuration.momentsSeconds.map(at);
    const rules = spoil(rulesFor(configuration));
    this.order = new Party(rules.order, this.letters, this.moments);
    this.product = new Party(rules.product, this.letters, this.moments);
    this.member = new Party(rules.member, this.letters, this.moments);
    this.payment = new Party(rules.payment, this.letters, this.moments);
  }
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
  return {
    order: {
      name: "order",
      decider: ordering,
      aggregates: "orders",
      lines: (store) => orderLines(storeOf<OrderStore>(store), orderPolicy),
      rows: { carts: {}, orders: { [orderId]: absentOrder } },
      forget: forgetHistory,
      law: alongTheTable("order", ({ orders }) => orders[orderId]?.status),
    },
    product: {
      name: "product",
      decider: stock,
      aggregates: "holds",
      lines: (store) => productLines(storeOf<StockStore>(store)),
      rows: { holds: { [orderId]: absentHold }, variants: { [variantId]: { ...listed, available } } },
      forget: (rows) => rows,
      law: alongTheTable("stock", ({ holds }) => holds[orderId]?.status),
    },
    member: {
      name: "member",
      decider: benefits,
      aggregates: "holds",
      lines: (store) => memberLines(storeOf<BenefitStore>(store)),
      rows: { holds: {}, members: { [memberId]: known } },
      forget: (rows) => rows,
      law: alongTheTable("benefits", ({ holds }) => holds[orderId]?.status ?? "absent"),
    },
    payment: {
      name: "payment",
      decider: payments,
      aggregates: "payments",
      lines: (store) => paymentLines(storeOf<PaymentStore>(store)),
      rows: { payments: { [orderId]: absentPayment } },
      forget: forgetAsking,
      law: alongTheTable("payment", ({ payments: rows }) => rows[orderId]?.status),
      answer: errandOf(orderId),
    },
  };
}

/** Subscriptions hand their inputs to a store; the rest of one is for calls and timers. */
function storeOf<Store>(store: { handle(input: never): Promise<void> }): Store {
  return store as Store;
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
