// The payment provider and the calls on their way to it: what it took and gave back, and what may become of each call.
//
// It does exactly what its port promises and trusts us in all else: each new idempotency key takes, or gives back, once
// more, so that a second one of ours shows in its account. A call may be answered; its answer may be lost; its caller
// may die before or after the effect; and a call nobody waits for any more may still take effect until its key dies.
import { later } from "@quadrille/decider";
import type { Errand } from "@quadrille/payment/lease-worker";
import type { PaymentInput } from "@quadrille/payment/payment";
import type { ProviderState } from "@quadrille/payment/payment.answers";
import type { RefundAnswer } from "@quadrille/payment/payment.refunds";
import type { Configuration } from "./configurations.ts";
import { Interned } from "./interned.ts";
import { momentsMost } from "./party.ts";
import { orderId, paymentPolicy, start } from "./terms.ts";

export interface Account {
  /** Attempts it has a final answer to, with what it took for each: nothing when it declined. */
  readonly charges: readonly { readonly attemptId: string; readonly amount: bigint }[];
  /** Numbers of the refunds that were made, with what they gave back. */
  readonly refunds: readonly { readonly number: number; readonly amount: bigint }[];
  /** What an operator gave back another way. */
  readonly byHand: bigint;
  /** A refund it will not make. */
  readonly refused: number | undefined;
  /** When the first attempt was made with the payment key. */
  readonly keyUsedAt: Date | undefined;
}

type Answer = ProviderState | RefundAnswer;

interface Call {
  readonly errand: Errand;
  /** Somebody asked after it. */
  readonly isStale: boolean;
  /** Its caller still waits. */
  readonly isAwaited: boolean;
  readonly answer: Answer | undefined;
}

export interface World {
  readonly account: Account;
  readonly calls: readonly Call[];
}

/** What may happen next here. An `input` is what the payment service hears of it. */
export interface Event {
  readonly what: string;
  /** It happens even when nothing goes wrong. */
  readonly isFair: boolean;
  readonly after: number;
  readonly input: PaymentInput | undefined;
}

/** Calls whose callers wait at once: one, and one that slept past its lease. */
export const awaitedMost = 2;

/** What is left with us of the buyer's money. */
export const balanceOf = ({ charges, refunds, byHand }: Account): bigint =>
  charges.reduce((sum, { amount }) => sum + amount, 0n) -
  refunds.reduce((sum, { amount }) => sum + amount, 0n) -
  byHand;

export class Provider {
  readonly initial: number;
  readonly #configuration: Configuration;
  readonly #moments: readonly Date[];
  readonly #worlds = new Interned<World>();
  readonly #events = new Map<number, readonly Event[]>();

  constructor(configuration: Configuration, moments: readonly Date[]) {
    this.#configuration = configuration;
    this.#moments = moments;
    const account = { charges: [], refunds: [], byHand: 0n, refused: undefined, keyUsedAt: undefined };
    this.initial = this.#worlds.numberOf({ account, calls: [] });
  }

  get size(): number {
    return this.#worlds.size;
  }

  world(number: number): World {
    return this.#worlds.at(number);
  }

  hasRoom(number: number): boolean {
    return this.world(number).calls.filter(({ isAwaited }) => isAwaited).length < awaitedMost;
  }

  /** The same with a call that was just begun. */
  with(number: number, errand: Errand): number {
    const { account, calls } = this.world(number);
    const older = calls.map((call) => ({ ...call, isStale: true }));
    const keyUsedAt = account.keyUsedAt ?? errand.askedAt;
    const call = { errand: { ...errand, lease: 0 }, isStale: false, isAwaited: true, answer: undefined };
    return this.#numberOf({ account: { ...account, keyUsedAt }, calls: [...older, call] });
  }

  /** The same after an operator has given everything back another way. */
  givenBack(number: number): number {
    const { account, calls } = this.world(number);
    const byHand = account.byHand + balanceOf(account);
    return this.#numberOf({ account: { ...account, byHand }, calls });
  }

  events(number: number, moment: number): readonly Event[] {
    const key = number * momentsMost + moment;
    let events = this.#events.get(key);
    if (events === undefined) {
      const { calls } = this.world(number);
      events = calls.flatMap((call, index) => this.#eventsOf(number, call, index, moment));
      this.#events.set(key, events);
    }
    return events;
  }

  #eventsOf(number: number, call: Call, index: number, moment: number): readonly Event[] {
    const { account, calls } = this.world(number);
    const others = calls.filter((_, other) => other !== index);
    const name = `the ${call.isStale ? "older " : ""}call to ${call.errand.kind}`;
    const left = (next: Account, kept?: Call) =>
      this.#numberOf({ account: next, calls: kept === undefined ? others : [...others, kept] });
    if (call.answer !== undefined) {
      const heard = {
        what: `${name} is answered: ${wordOf(call.answer)}`,
        isFair: true,
        after: left(account),
      };
      const events: Event[] = [{ ...heard, input: inputOf(call, call.answer) }];
      return this.#mayFail(moment) ? [...events, ...this.#failures(call, name, () => left(account))] : events;
    }
    const effects = this.#effects(account, call.errand, moment).map(([next, answer]): Event => {
      const after = left(next, call.isAwaited ? { ...call, answer } : undefined);
      const what = `the provider answers ${name}${call.isAwaited ? "" : ", for which nobody waits"}: ${wordOf(answer)}`;
      return { what, isFair: true, after, input: undefined };
    });
    if (!call.isAwaited || !this.#mayFail(moment)) return effects;
    return [...effects, ...this.#failures(call, name, () => left(account, { ...call, isAwaited: false }))];
  }

  #failures(call: Call, name: string, left: () => number): readonly Event[] {
    const lost = {
      what: `${name} gets no answer in time`,
      input: inputOf(call, { kind: "unknown", why: "" }),
    };
    const died = { what: `the process that waits for ${name} dies`, input: undefined };
    return [lost, died].map((failure) => ({ ...failure, isFair: false, after: left() }));
  }

  /** Faults stop at the last moment: what comes to rest must do so by itself. */
  #mayFail(moment: number): boolean {
    return this.#configuration.doubts && moment < this.#moments.length - 1;
  }

  #effects(account: Account, errand: Errand, moment: number): readonly (readonly [Account, Answer])[] {
    switch (errand.kind) {
      case "confirm":
        return this.#confirmed(account, errand, moment);
      case "query":
        return [[account, this.#state(account, errand, moment)]];
      case "refund":
        return this.#refunded(account, errand, moment);
    }
  }

  #confirmed(
    account: Account,
    { attemptId, amount }: Extract<Errand, { kind: "confirm" | "query" }>,
    moment: number,
  ): readonly (readonly [Account, Answer])[] {
    const before = account.charges.find((charge) => charge.attemptId === attemptId);
    if (before !== undefined) return [[account, chargeAnswer(before.amount, amount)]];
    if (this.#isOver(account, this.#configuration.keyLifeSeconds, moment))
      return [[account, { kind: "declined", code: "NOT_FOUND" }]];
    return this.#configuration.outcomes.map((outcome) => {
      const taken = { taken: amount, declined: 0n, "other amount": amount - 1n }[outcome];
      const charges = [...account.charges, { attemptId, amount: taken }];
      return [{ ...account, charges }, chargeAnswer(taken, amount)] as const;
    });
  }

  #state(
    account: Account,
    { amount }: Extract<Errand, { kind: "confirm" | "query" }>,
    moment: number,
  ): ProviderState {
    const charge = account.charges[0];
    if (charge === undefined) {
      const { forgets, keyLifeSeconds } = this.#configuration;
      if (forgets && this.#isOver(account, paymentPolicy.keySeconds, moment)) return { kind: "absent" };
      const isDead = this.#isOver(account, keyLifeSeconds, moment);
      return isDead ? { kind: "declined", code: "EXPIRED" } : { kind: "running", status: "IN_PROGRESS" };
    }
    if (charge.amount === 0n) return { kind: "declined", code: "ABORTED" };
    if (balanceOf(account) <= 0n) return { kind: "declined", code: "CANCELED" };
    return charge.amount === amount ? approved : { kind: "mismatch", amount: charge.amount };
  }

  #refunded(
    account: Account,
    { number, amount }: Extract<Errand, { kind: "refund" }>,
    moment: number,
  ): readonly (readonly [Account, Answer])[] {
    const made = { kind: "refunded", transactionKey: "given back" } as const;
    if (account.refunds.some((refund) => refund.number === number)) return [[account, made]];
    const no = { kind: "refused", code: "NOT_CANCELABLE" } as const;
    if (account.refused === number) return [[account, no]];
    const given = { ...account, refunds: [...account.refunds, { number, amount }] };
    const mayRefuse =
      this.#configuration.refusesRefund && account.refused === undefined && moment < this.#moments.length - 1;
    return mayRefuse
      ? [
          [given, made],
          [{ ...account, refused: number }, no],
        ]
      : [[given, made]];
  }

  #isOver({ keyUsedAt }: Account, seconds: number, moment: number): boolean {
    return keyUsedAt !== undefined && (this.#moments[moment] as Date) >= later(keyUsedAt, seconds);
  }

  /** Of calls nobody waits for only the effect counts, so two of a kind are one, and a question is none. */
  #numberOf({ account, calls }: World): number {
    const kept = new Map<string, Call>();
    for (const [index, call] of calls.entries()) {
      const { errand, isAwaited } = call;
      if (isAwaited) kept.set(`${index}`, call);
      else if (errand.kind !== "query")
        kept.set(errand.kind === "refund" ? `refund ${errand.number}` : errand.kind, {
          ...call,
          isStale: true,
          errand: { ...errand, askedAt: start },
        });
    }
    return this.#worlds.numberOf({ account, calls: [...kept.values()] });
  }
}

const approved = { kind: "approved", transactionKey: "taken", paidWith: "", approvedAt: start } as const;

/** What an answer to a charge says; only a question tells of another amount. */
function chargeAnswer(taken: bigint, amount: bigint): ProviderState {
  if (taken === 0n) return { kind: "declined", code: "REJECT_CARD_COMPANY" };
  return taken === amount ? approved : { kind: "unknown", why: "AMOUNT_MISMATCH" };
}

function inputOf({ errand, isStale }: Call, answer: Answer): PaymentInput {
  const lease = isStale ? -1 : 0;
  if (errand.kind === "refund") {
    const { number } = errand;
    return { type: "RefundAnswered", orderId, number, lease, answer: answer as RefundAnswer };
  }
  const { attemptId, askedAt } = errand;
  const about = { orderId, attemptId, lease, askedAt, policy: paymentPolicy };
  return { type: "ProviderAnswered", ...about, answer: answer as ProviderState };
}

const wordOf = (answer: Answer): string => answer.kind;
