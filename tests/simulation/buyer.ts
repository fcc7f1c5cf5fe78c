// One buyer and one order: places it, pays it, changes their mind, asks again, hangs up.

import { isTransientRefusal } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import type { WantedLine } from "@quadrille/order/cart";
import type { PlacedOrder } from "@quadrille/order/order";
import { type Placing, placeOrder, type Shop } from "@quadrille/order/placing";
import { wait } from "@quadrille/outbox/ports";
import { call } from "./call.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Die } from "./die.ts";
import { type Plan, planOf } from "./plan.ts";
import { currency, minimumCharge } from "./policy.ts";
import type { OrderReplica } from "./replica.ts";
import type { World } from "./world.ts";

/** What the buyers of a run were told, to be held against what became of it. */
export interface Told {
  /** Orders that were accepted, as they were told. */
  readonly accepted: Map<string, PlacedOrder>;
  /** Whatever a buyer heard that cannot be. */
  readonly contradictions: string[];
}

const patienceMs = 15_000;
const triesMost = 6;
const earlyTriesMost = 2;

export class Buyer {
  readonly #world: World;
  readonly #told: Told;
  readonly #die: Die;
  readonly #plan: Plan;
  readonly #name: string;
  readonly #prices: ReadonlyMap<string, bigint>;
  #wanted: { readonly lines: readonly WantedLine[]; readonly points: bigint; readonly due: bigint };
  /** Of the request that was accepted. */
  #requestHash: string | undefined;

  constructor(world: World, catalogue: Catalogue, told: Told, index: number) {
    this.#world = world;
    this.#told = told;
    this.#die = world.die(`order ${index}`);
    this.#plan = planOf(world, catalogue, this.#die);
    const { lines, points, expectedAmountDue: due } = this.#plan;
    this.#wanted = { lines, points, due };
    this.#name = `order ${index}`;
    this.#prices = new Map(catalogue.variants.map(({ variantId, price }) => [variantId, price]));
  }

  async buy(): Promise<void> {
    const plan = this.#plan;
    await wait(this.#world.clock, plan.startsMs);
    const placed = await this.#place();
    if (placed === undefined) return;
    await Promise.all([this.#pay(placed), this.#cancel(placed)]);
  }

  async #place(): Promise<PlacedOrder | undefined> {
    const { repeats, reuses, hangsUp, isFromCart } = this.#plan;
    if (isFromCart && !(await this.#fillCart())) return undefined;
    const tries = [this.#tryToPlace(this.#name, hangsUp ? this.#die.between(0, 60) : patienceMs)];
    if (repeats) tries.push(this.#tryToPlace(this.#name, patienceMs));
    if (reuses) tries.push(this.#tryToPlace(`another ${this.#name}`, patienceMs));
    const placed = (await Promise.all(tries)).find((each) => each !== undefined);
    this.#say(placed === undefined ? "was not placed" : `was placed as ${placed.orderId}`);
    return placed;
  }

  /** Whether everything is in the cart; what else is in it is bought as well. */
  async #fillCart(): Promise<boolean> {
    const { memberId, lines } = this.#plan;
    for (const line of lines) {
      const input = { type: "AddCartLine", memberId, line, problem: "" } as const;
      const cause = this.#cause("AddCartLine", line.variantId, `${line.quantity}`);
      const added = await this.#insist(patienceMs, (ms) => {
        const { process, store } = this.#pick("order");
        return call(this.#world, process, { patienceMs: ms }, () => store.handle(input, cause, nothing));
      });
      if (added instanceof Refusal) return false;
    }
    const cart = await this.#insist(patienceMs, (ms) => {
      const { process, store } = this.#pick("order");
      return call(this.#world, process, { patienceMs: ms }, () => store.cart(memberId));
    });
    if (cart instanceof Refusal || cart.lines.length === 0) return false;
    const costs = cart.lines.map(
      ({ variantId, quantity }) => BigInt(quantity) * (this.#prices.get(variantId) ?? 0n),
    );
    this.#wanted = { lines: cart.lines, points: 0n, due: costs.reduce((sum, cost) => sum + cost, 0n) };
    return true;
  }

  /** The hash stands for what is asked for: with the same request id, only one of two is taken. */
  async #tryToPlace(requestHash: string, firstPatienceMs: number): Promise<PlacedOrder | undefined> {
    const placed = await this.#insist(firstPatienceMs, (ms) => {
      const replica = this.#pick("order");
      return call(this.#world, replica.process, { patienceMs: ms }, (signal) =>
        placeOrder(shopOf(this.#world, replica), this.#wish(requestHash), signal),
      );
    });
    if (!(placed instanceof Refusal)) {
      this.#accepted(placed, requestHash);
      return placed;
    }
    const mayBeRefused = isTransientRefusal(placed) || placed.code === "REQUEST_ID_REUSED";
    if (!mayBeRefused && this.#told.accepted.has(this.#name))
      this.#contradict(`was refused ${placed.code} after it was accepted`);
    if (placed.code === "REQUEST_ID_REUSED" && !this.#plan.reuses)
      this.#contradict("was taken for another request");
    return undefined;
  }

  /** The same request is the same order, in the same words. */
  #accepted(placed: PlacedOrder, requestHash: string): void {
    this.#requestHash ??= requestHash;
    if (this.#requestHash !== requestHash) this.#contradict("was accepted again with another body");
    const before = this.#told.accepted.get(this.#name);
    this.#told.accepted.set(this.#name, placed);
    if (before !== undefined && termsOf(before) !== termsOf(placed))
      this.#contradict(`was accepted as ${termsOf(before)} and as ${termsOf(placed)}`);
    const { lines, due } = this.#wanted;
    if (placed.amountDue !== due) this.#contradict(`costs ${placed.amountDue} instead of ${due}`);
    if (unitsOf(placed.lines) !== unitsOf(lines)) this.#contradict(`has ${unitsOf(placed.lines)}`);
  }

  async #pay({ orderId, amountDue }: PlacedOrder): Promise<void> {
    const { pays, repeats, pokes, hangsUp } = this.#plan;
    if (pays === undefined || amountDue === 0n) return;
    await wait(this.#world.clock, pays.afterMs);
    const paymentKey = this.#world.provider.open(orderId, amountDue);
    const first = this.#confirm(orderId, amountDue, paymentKey, "pay", hangsUp ? 1_000 : patienceMs);
    const others = [];
    if (repeats) others.push(this.#confirm(orderId, amountDue, paymentKey, "pay", patienceMs));
    if (pokes) {
      const another = this.#world.provider.open(orderId, amountDue);
      others.push(this.#confirm(orderId, amountDue, another, "pay otherwise", patienceMs));
    }
    await Promise.all([first, ...others]);
  }

  async #confirm(
    orderId: string,
    amount: bigint,
    paymentKey: string,
    requestId: string,
    firstPatienceMs: number,
  ): Promise<void> {
    const { memberId } = this.#plan;
    const answer = await this.#insist(firstPatienceMs, (ms) => {
      const { process, charging } = this.#pick("payment");
      const attemptId = this.#world.newId();
      const cause = this.#cause("ConfirmPayment", requestId, `${paymentKey} ${amount}`);
      return call(this.#world, process, { patienceMs: ms }, (signal) =>
        charging.confirm({ orderId, memberId, paymentKey, amount, attemptId }, cause, signal),
      );
    });
    const outcome = answer instanceof Refusal ? answer.code : answer.status;
    this.#say(`pays ${orderId} with ${paymentKey}: ${outcome}`);
  }

  async #cancel({ orderId }: PlacedOrder): Promise<void> {
    const { cancels } = this.#plan;
    if (cancels === undefined) return;
    await wait(this.#world.clock, cancels.afterMs);
    const once = this.#tryToCancel(orderId, "cancel", orderId);
    const twice = cancels.isTwice ? this.#tryToCancel(orderId, "cancel again", orderId) : undefined;
    const [answer] = await Promise.all([once, twice]);
    if (!this.#plan.reuses || answer instanceof Refusal) return;
    const another = await this.#tryToCancel(orderId, "cancel", "another order");
    const isRefused =
      another instanceof Refusal && (another.code === "REQUEST_ID_REUSED" || isTransientRefusal(another));
    if (!isRefused) this.#contradict("was cancelled again with another body");
  }

  async #tryToCancel(orderId: string, requestId: string, hash: string): Promise<undefined | Refusal> {
    const { memberId } = this.#plan;
    const input = { type: "CancelOrder", orderId, memberId, by: "BY_MEMBER" } as const;
    const answer = await this.#insist(patienceMs, (ms) => {
      const { process, store } = this.#pick("order");
      const cause = this.#cause("CancelOrder", requestId, hash);
      return call(this.#world, process, { patienceMs: ms }, () => store.handle(input, cause, nothing));
    });
    this.#say(`cancels ${orderId}: ${answer instanceof Refusal ? answer.code : "taken"}`);
    return answer;
  }

  /** Asks again, with the same request id, as long as the answer may still become another. */
  async #insist<T>(firstPatienceMs: number, ask: (ms: number) => Promise<T>): Promise<T | Refusal> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await ask(tried === 1 ? firstPatienceMs : patienceMs);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // Such a call has waited for its order already.
        const isEarly = error.code === "PAYMENT_NOT_READY";
        if (tried >= (isEarly ? earlyTriesMost : triesMost)) return error;
        if (!isEarly && !isTransientRefusal(error)) return error;
        await wait(this.#world.clock, this.#die.between(100, isEarly ? 30_000 : 3_000));
      }
    }
  }

  #wish(requestHash: string): Placing {
    const { memberId, payWithinSeconds, isFromCart } = this.#plan;
    const { lines, points, due: expectedAmountDue } = this.#wanted;
    return {
      memberId,
      memberToken: memberId,
      requestId: this.#name,
      requestHash,
      source: isFromCart ? "cart" : lines,
      points,
      expectedAmountDue,
      method: "PAYMENT_METHOD_CARD",
      payWithinSeconds,
      traceparent: undefined,
    };
  }

  #cause(method: string, requestId: string, hash: string) {
    const { memberId } = this.#plan;
    return {
      kind: "request",
      caller: memberId,
      method,
      requestId: `${this.#name} ${requestId}`,
      hash,
    } as const;
  }

  #pick<S extends "order" | "payment">(service: S) {
    const replicas = this.#world.replicasOf(service);
    const alive = replicas.filter(({ process }) => process.isAlive);
    return this.#die.pick(alive.length > 0 ? alive : replicas);
  }

  #say(what: string): void {
    this.#world.trace?.add(`${this.#name} ${what}`);
  }

  #contradict(what: string): void {
    this.#told.contradictions.push(`${this.#name} ${what}`);
  }
}

const nothing = { of: () => undefined, encode: () => new Uint8Array(), decode: () => undefined };

const unitsOf = (lines: readonly WantedLine[]): string =>
  lines.map(({ variantId, quantity }) => `${quantity} ${variantId}`).join(", ");

/** What of an accepted order may never be told otherwise. */
function termsOf({ orderId, lines, subtotal, points, amountDue, placedAt }: PlacedOrder): string {
  const wanted = lines.map(({ variantId, quantity, unitPrice }) => `${quantity} ${variantId} ${unitPrice}`);
  return [orderId, ...wanted, subtotal, points, amountDue, placedAt.toISOString()].join(" ");
}

function shopOf(world: World, { store, process }: OrderReplica): Shop {
  return {
    store,
    lookUps: {
      async variants(ids) {
        await world.lookUp(process.name);
        const listed = ids.flatMap((variantId) => {
          const variant = world.databases.product.read("variants", variantId);
          return variant.status === "listed" ? [[variantId, { variantId, ...variant }] as const] : [];
        });
        return new Map(listed);
      },
      async pointsOwned(memberToken) {
        await world.lookUp(process.name);
        const member = world.databases.member.read("members", memberToken);
        return member.status === "known" ? member.available : 0n;
      },
      async [Symbol.asyncDispose]() {},
    },
    policy: world.policies.order,
    currency,
    minimumCharge,
    isAccepting: () => true,
  };
}
