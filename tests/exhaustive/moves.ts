// Everything that can happen next, in every state: deliveries and redeliveries, timers, calls, buyers, rivals, operators, time.
import { type Service, services, tellersFor } from "@quadrille/contracts/events";
import type { Hold as BenefitHold, Member } from "@quadrille/member/benefits";
import type { Errand } from "@quadrille/payment/lease-worker";
import type { LivePayment, Payment, PaymentInput } from "@quadrille/payment/payment";
import type { Hold, Variant } from "@quadrille/product/stock";
import type { Configuration } from "./configurations.ts";
import type { View } from "./laws.ts";
import { memoriesMost, momentsMost, type Step } from "./party.ts";
import { balanceOf, Provider } from "./provider.ts";
import { Shop, type Spoil } from "./shop.ts";
import { at, memberId, orderId, orderPolicy, paymentPolicy, variantId } from "./terms.ts";

/** Where the numbers of a state stand. */
export const slot = {
  moment: 0,
  order: 1,
  product: 2,
  member: 3,
  payment: 4,
  world: 5,
  rivals: 6,
  skewed: 7,
} as const;
export const stateWidth = 8;

export interface Move {
  /** What happened, for people; made only when it is read. */
  what(): string;
  /** It happens even when nothing goes wrong and nobody wants anything: these alone must bring everything to rest. */
  readonly isFair: boolean;
  readonly breach?: string | undefined;
}

/** `next` is used again for the next move. */
export type Visit = (next: Int32Array, move: Move) => void;

interface Delivered {
  readonly after: readonly { readonly step: Step; readonly move: Move }[];
  readonly quiet: number;
}

/** From one service to another that hears it. */
interface Way {
  readonly hearer: Service;
  readonly teller: Service;
  readonly known: Map<number, Delivered>;
}

const stockTaken = 1;
const pointsTaken = 2;

export class Moves {
  readonly configuration: Configuration;
  readonly shop: Shop;
  readonly provider: Provider;
  readonly initial: Int32Array;
  /** Deliveries that changed nothing, and are not shown to anybody. */
  quiet = 0;
  readonly #ways: readonly Way[];
  readonly #inputs: ReturnType<typeof inputsOf>;
  readonly #next = new Int32Array(stateWidth);

  constructor(configuration: Configuration, spoil?: Spoil) {
    this.configuration = configuration;
    this.shop = new Shop(configuration, spoil);
    this.provider = new Provider(configuration, this.shop.moments);
    this.#inputs = inputsOf(this.shop, configuration);
    this.#ways = services.flatMap((hearer) =>
      tellersFor(hearer).map((teller) => ({ hearer, teller, known: new Map() })),
    );
    const { order, product, member, payment } = this.shop;
    const placed = order.handle(order.initial, this.#inputs.place, 0).after;
    this.initial = Int32Array.of(
      0,
      placed,
      product.initial,
      member.initial,
      payment.initial,
      this.provider.initial,
      0,
      0,
    );
  }

  view(state: Int32Array): View {
    const { shop, provider, configuration } = this;
    const { orders } = shop.order.memory(state[slot.order] as number).rows;
    const { holds, variants } = shop.product.memory(state[slot.product] as number).rows;
    const { holds: benefits, members } = shop.member.memory(state[slot.member] as number).rows;
    const { payments } = shop.payment.memory(state[slot.payment] as number).rows;
    return {
      configuration,
      order: orders[orderId] as View["order"],
      stock: holds[orderId] as Hold,
      rivalStock: holds.rival,
      variant: variants[variantId] as Variant,
      benefits: benefits[orderId] as BenefitHold | undefined,
      member: members[memberId] as Member,
      payment: payments[orderId] as Payment,
      world: provider.world(state[slot.world] as number),
    };
  }

  /** The fair moves come first, time as the last of them. */
  expand(state: Int32Array, visit: Visit): void {
    this.#deliver(state, visit);
    this.#provide(state, visit);
    this.#sweep(state, visit);
    this.#passTime(state, visit);
    this.#want(state, visit);
    this.#rival(state, visit);
  }

  /** Whatever was told may be delivered at any time, in any order and any number of times. */
  #deliver(state: Int32Array, visit: Visit): void {
    for (const way of this.#ways) {
      const { after, quiet } = this.#delivered(
        way,
        state[slot[way.hearer]] as number,
        state[slot[way.teller]] as number,
        this.#momentOf(state, way.hearer),
      );
      this.quiet += quiet;
      for (const { step, move } of after) this.#step(state, way.hearer, step, move, visit);
    }
  }

  /** What each of a teller's facts does to a hearer; those that do nothing are only counted. */
  #delivered({ hearer, teller, known }: Way, heard: number, told: number, moment: number): Delivered {
    const key = (heard * memoriesMost + told) * momentsMost + moment;
    const before = known.get(key);
    if (before !== undefined) return before;
    const { letters } = this.shop;
    const party = this.shop[hearer];
    const due = this.shop[teller].memory(told).outbox.filter((letter) => party.isConcernedBy(letter));
    const all = due.map((letter) => {
      const { id, type } = letters.at(letter);
      const isRepeated = party.memory(heard).inbox.has(id);
      const what = () => `${hearer} hears ${type} (${id})${isRepeated ? " once more" : ""}`;
      const step = party.hear(heard, letter, moment);
      const isTwice = isRepeated && step.after !== heard;
      const breach = isTwice ? `${hearer} acts a second time on ${type}` : step.breach;
      return { step, move: { what, isFair: !isRepeated, breach } };
    });
    const after = all.filter(({ step }) => step.after !== heard || step.breach !== undefined);
    const delivered = { after, quiet: all.length - after.length };
    known.set(key, delivered);
    return delivered;
  }

  /** Calls to the payment provider go on. */
  #provide(state: Int32Array, visit: Visit): void {
    const moment = this.#momentOf(state, "payment");
    for (const { what, isFair, after, input } of this.provider.events(state[slot.world] as number, moment)) {
      const move = { what: () => what, isFair };
      if (input === undefined) {
        this.#next.set(state);
        this.#next[slot.world] = after;
        visit(this.#next, move);
      } else {
        this.#pay(state, this.shop.payment.numberOf(input), move, visit, after);
      }
    }
  }

  /** Timers find what is due. They may also find it late, for nothing makes them come before anything else. */
  #sweep(state: Int32Array, visit: Visit): void {
    const { order, stock, benefits, payment } = this.view(state);
    const nowOf = (service: Service) => this.shop.moments[this.#momentOf(state, service)] as Date;
    const isOver = (service: Service, until: Date | undefined) =>
      until !== undefined && until <= nowOf(service);
    const { product, member } = this.shop;
    const inputs = this.#inputs;
    const fair = (what: string): Move => ({ what: () => what, isFair: true });
    if (order.status !== "absent" && isOver("order", order.dueAt)) {
      const step = this.shop.order.handle(
        state[slot.order] as number,
        inputs.orderDue,
        this.#momentOf(state, "order"),
      );
      this.#step(state, "order", step, fair("the sweep finds the order due"), visit);
    }
    if (stock.status === "held" && isOver("product", stock.holdUntil)) {
      const step = product.handle(
        state[slot.product] as number,
        inputs.stockExpired,
        this.#momentOf(state, "product"),
      );
      this.#step(state, "product", step, fair("the sweep finds the stock's hold over"), visit);
    }
    if (benefits?.status === "held" && isOver("member", benefits.holdUntil)) {
      const step = member.handle(
        state[slot.member] as number,
        inputs.benefitsExpired,
        this.#momentOf(state, "member"),
      );
      this.#step(state, "member", step, fair("the sweep finds the points' hold over"), visit);
    }
    if (payment.status === "absent") return;
    const isOverdue =
      (payment.status === "ready" && isOver("payment", payment.payBy)) ||
      (payment.status === "confirming" && isOver("payment", payment.dueAt));
    if (isOverdue) this.#pay(state, inputs.paymentDue, fair("the sweep finds the payment overdue"), visit);
    this.#lease(
      state,
      payment,
      isOver("payment", payment.dueAt),
      isOver("payment", payment.leasedUntil),
      visit,
    );
    this.#resolve(state, payment, nowOf("payment"), visit);
  }

  #lease(
    state: Int32Array,
    { dueAt, leasedUntil }: LivePayment,
    isDue: boolean,
    isOver: boolean,
    visit: Visit,
  ): void {
    const isAsked = leasedUntil !== undefined && !isOver;
    if (dueAt === undefined || isAsked || !this.provider.hasRoom(state[slot.world] as number)) return;
    const isLast = this.#momentOf(state, "payment") === this.shop.moments.length - 1;
    const move = {
      what: () => (isDue ? "payment asks the provider" : "payment asks the provider early"),
      isFair: isDue || isLast, // The last moment has no end: whatever is waited for comes in it.
    };
    this.#pay(state, isDue ? this.#inputs.lease : this.#inputs.earlyLease, move, visit);
  }

  /** A person says the truth about what cannot end by itself. */
  #resolve(state: Int32Array, payment: LivePayment, now: Date, visit: Visit): void {
    const { account, calls } = this.provider.world(state[slot.world] as number);
    const says = (
      resolution: keyof ReturnType<typeof inputsOf>["resolve"],
      isFair: boolean,
      world?: number,
    ) =>
      this.#pay(
        state,
        this.#inputs.resolve[resolution],
        { what: () => `an operator says ${resolution}`, isFair },
        visit,
        world,
      );
    if (payment.status === "refunding" && payment.dueAt === undefined) {
      says("RETRY", true);
      says("REFUNDED", false, this.provider.givenBack(state[slot.world] as number));
    }
    const { attempt } = payment;
    if (payment.status !== "unknown" || attempt === undefined) return;
    if (now.getTime() - attempt.startedAt.getTime() < paymentPolicy.unknownSeconds * 1000) return;
    const balance = balanceOf(account);
    if (balance === payment.amountDue) says("CAPTURED", false);
    const mayStillCharge = calls.some(({ errand }) => errand.kind === "confirm");
    if (balance === 0n && !mayStillCharge) says("NOT_CAPTURED", false);
  }

  /** One service's clock may go before the others', or after them, by one moment. */
  #passTime(state: Int32Array, visit: Visit): void {
    const { skewed } = this.configuration;
    const [all, own] = [state[slot.moment] as number, state[slot.skewed] as number];
    const others = services.filter((name) => name !== skewed);
    if (skewed === undefined || all <= own) this.#tick(state, slot.moment, others, visit);
    if (skewed !== undefined && own <= all) this.#tick(state, slot.skewed, [skewed], visit);
  }

  #tick(state: Int32Array, clock: number, names: readonly Service[], visit: Visit): void {
    const moment = (state[clock] as number) + 1;
    const seconds = this.configuration.momentsSeconds[moment];
    if (seconds === undefined) return;
    this.#next.set(state);
    this.#next[clock] = moment;
    for (const name of names)
      this.#next[slot[name]] = this.shop[name].wait(state[slot[name]] as number, moment);
    const whose = names.length === 1 ? ` by ${names[0]}'s clock` : "";
    visit(this.#next, {
      what: () => `time passes${whose}: ${seconds} s since the order was placed`,
      isFair: true,
    });
  }

  #momentOf(state: Int32Array, service: Service): number {
    return state[service === this.configuration.skewed ? slot.skewed : slot.moment] as number;
  }

  /** The buyer pays, cancels, and sends the first request again. */
  #want(state: Int32Array, visit: Visit): void {
    const moment = this.#momentOf(state, "order");
    const { order, payment } = this.shop;
    const own = state[slot.order] as number;
    const { payments } = payment.memory(state[slot.payment] as number).rows;
    const row = payments[orderId] as Payment;
    const isFirst = row.status === "absent" || row.attempt === undefined;
    if (this.provider.hasRoom(state[slot.world] as number)) {
      const input = isFirst ? this.#inputs.pay : this.#inputs.payAgain;
      this.#pay(state, input, { what: () => "the buyer pays", isFair: false }, visit);
    }
    const again = order.handle(own, this.#inputs.place, moment);
    this.#step(state, "order", again, { what: () => "the order is placed once more", isFair: false }, visit);
    if (!this.configuration.cancels) return;
    const step = order.handle(own, this.#inputs.cancel, moment);
    this.#step(state, "order", step, { what: () => "the member cancels", isFair: false }, visit);
  }

  /** Somebody else takes what is free. */
  #rival(state: Int32Array, visit: Visit): void {
    if (!this.configuration.rival) return;
    const rivals = state[slot.rivals] as number;
    if ((rivals & stockTaken) === 0) {
      const step = this.shop.product.handle(
        state[slot.product] as number,
        this.#inputs.rivalStock,
        this.#momentOf(state, "product"),
      );
      const move = { what: () => "another buyer's order takes what stock there is", isFair: false };
      this.#step(state, "product", step, move, visit, rivals | stockTaken);
    }
    if ((rivals & pointsTaken) === 0 && this.configuration.points > 0n) {
      const step = this.shop.member.handle(
        state[slot.member] as number,
        this.#inputs.rivalPoints,
        this.#momentOf(state, "member"),
      );
      if (step.refusal !== undefined) return;
      const move = { what: () => "an operator takes the member's points", isFair: false };
      this.#step(state, "member", step, move, visit, rivals | pointsTaken);
    }
  }

  #pay(
    state: Int32Array,
    input: number,
    move: Move,
    visit: Visit,
    world = state[slot.world] as number,
  ): void {
    const step = this.shop.payment.handle(
      state[slot.payment] as number,
      input,
      this.#momentOf(state, "payment"),
    );
    this.#next.set(state);
    this.#next[slot.payment] = step.after;
    this.#next[slot.world] =
      step.answer === undefined ? world : this.provider.with(world, step.answer as Errand);
    visit(this.#next, step.breach === undefined ? move : { ...move, breach: step.breach });
  }

  #step(
    state: Int32Array,
    service: Service,
    { after, breach }: Step,
    move: Move,
    visit: Visit,
    rivals = state[slot.rivals] as number,
  ): void {
    this.#next.set(state);
    this.#next[slot[service]] = after;
    this.#next[slot.rivals] = rivals;
    visit(this.#next, breach === undefined ? move : { ...move, breach });
  }
}

function inputsOf({ order, product, member, payment }: Shop, { points, amountDue }: Configuration) {
  const lines = [{ variantId, quantity: 1, unitPrice: 1000n, title: "A thing" }];
  const method = "PAYMENT_METHOD_CARD";
  const subtotal = points + amountDue;
  const terms = { subtotal, points, amountDue, currency: "KRW", lines };
  const pay = (attemptId: string): PaymentInput => ({
    type: "ConfirmPayment",
    orderId,
    memberId,
    paymentKey: "key",
    amount: amountDue,
    attemptId,
    isProviderAvailable: true,
    policy: paymentPolicy,
  });
  const resolve = (resolution: "CAPTURED" | "NOT_CAPTURED" | "REFUNDED" | "RETRY") =>
    payment.numberOf({
      type: "ResolvePayment",
      orderId,
      resolution,
      transactionKey: "seen at the desk",
      by: "operator:ann",
      note: "",
      policy: paymentPolicy,
    });
  const lease = (isEarly: boolean) =>
    payment.numberOf({ type: "TakeLease", orderId, isEarly, policy: paymentPolicy });
  return {
    place: order.numberOf({
      type: "PlaceOrder",
      orderId,
      memberId,
      requestHash: "body",
      quote: { lines, subtotal, points, amountDue },
      currency: "KRW",
      method,
      payWithinSeconds: 0,
      cartVersion: undefined,
      policy: orderPolicy,
    }),
    cancel: order.numberOf({ type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" }),
    orderDue: order.numberOf({ type: "DeadlinePassed", orderId }),
    stockExpired: product.numberOf({ type: "ExpireHold", orderId, variantIds: [variantId] }),
    rivalStock: product.numberOf({
      ...terms,
      type: "OrderPlaced",
      orderId: "rival",
      memberId: "rival",
      method,
      placedAt: at(0),
      pendingUntil: at(0),
      holdUntil: at(1_000_000),
      payWithinSeconds: 0,
    }),
    benefitsExpired: member.numberOf({ type: "ExpireHold", orderId, memberId }),
    rivalPoints: member.numberOf({ type: "AdjustPoints", memberId, points: -points, note: "" }),
    pay: payment.numberOf(pay("attempt")),
    payAgain: payment.numberOf(pay("another attempt")),
    paymentDue: payment.numberOf({ type: "DeadlinePassed", orderId }),
    lease: lease(false),
    earlyLease: lease(true),
    resolve: {
      CAPTURED: resolve("CAPTURED"),
      NOT_CAPTURED: resolve("NOT_CAPTURED"),
      REFUNDED: resolve("REFUNDED"),
      RETRY: resolve("RETRY"),
    },
  };
}
