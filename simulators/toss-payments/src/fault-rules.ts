// fault-rules.ts: which requests a fault hits: one payment, a seeded part of all, or everybody.
import { looksLikeCode } from "./errors.ts";
import { fate } from "./fate.ts";
import { type Course, FAULTS, type Operation } from "./faults.ts";

export type Rule = Readonly<{
  id: number;
  fault: string;
  on: readonly Operation[];
  paymentKey: string | null;
  orderId: string | null;
  /** Which part of the payments is hit, 0 to 1. */
  rate: number;
  /** How often in all for one payment's rule, how often each payment for a rule with a rate; null: always. */
  times: number | null;
  ms: number;
  /** Until when it hits, by the simulator's clock; null: until it is used up or deleted. */
  endsAt: number | null;
  code: string | null;
  amount: number | null;
  remember: boolean;
}>;
export type Asked = Readonly<{ operation: Operation; paymentKey: string; orderId: string }>;

const RULES_MAX = 10_000;
const HITS_MAX = 100_000;
/** What a rule may say; the README has a row for each. */
export const FIELDS: ReadonlySet<string> = new Set([
  "fault",
  "on",
  "paymentKey",
  "orderId",
  "rate",
  "times",
  "ms",
  "forMs",
  "code",
  "amount",
  "remember",
]);
const isCount = (value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
/** A day: a timer beyond 24 days would ring at once. */
export const WAIT_MS_MAX = 86_400_000;
export const isWait = (value: unknown, least: number): value is number => isCount(value, least, WAIT_MS_MAX);

/** Reads a rule as the control API takes it; a text says everything that is wrong with it. */
export function readRule(input: unknown, id: number, now: number): Rule | string {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return "a rule is an object";
  const rule = input as Record<string, unknown>;
  const {
    paymentKey = null,
    orderId = null,
    code = null,
    amount = null,
    forMs = null,
    remember = true,
  } = rule;
  const course = FAULTS[String(rule.fault)];
  const targeted = paymentKey !== null || orderId !== null;
  const { rate = 1, ms = course?.ms } = rule;
  const once = (targeted || rate !== 1) && forMs === null && course?.lasting !== true;
  const { times = once ? 1 : null } = rule;
  const on = rule.on === undefined ? defaultOperations(course) : [rule.on].flat();
  const wrong = [
    ...Object.keys(rule)
      .filter((field) => !FIELDS.has(field))
      .map((field) => `${field}: unknown field`),
    course === undefined && `fault: one of ${Object.keys(FAULTS).join(", ")}`,
    course &&
      on.some((name) => !course.on.includes(name as Operation)) &&
      `on: any of ${course.on.join(", ")}`,
    ![paymentKey, orderId].every((key) => key === null || typeof key === "string") &&
      "paymentKey, orderId: text",
    !(typeof rate === "number" && rate >= 0 && rate <= 1) && "rate: 0 to 1",
    times !== null && !isCount(times, 1) && "times: 1 or more",
    ms !== undefined && !isWait(ms, 0) && `ms: 0 to ${WAIT_MS_MAX}`,
    forMs !== null && !isWait(forMs, 1) && `forMs: 1 to ${WAIT_MS_MAX}`,
    code !== null && !looksLikeCode(code) && "code: a provider's code",
    amount !== null && !isCount(amount, 1) && "amount: 1 or more",
    typeof remember !== "boolean" && "remember: true or false",
  ].filter((text) => typeof text === "string");
  if (wrong.length > 0) return wrong.join("; ");
  const endsAt = forMs === null ? null : now + (forMs as number);
  const { fault } = rule;
  return { id, fault, on, paymentKey, orderId, rate, times, ms, endsAt, code, amount, remember } as Rule;
}

/** What a rule hits unless it says so: the calls that move money, and for an outage everything. */
function defaultOperations(course: Course | undefined): readonly Operation[] {
  if (course === undefined || course === FAULTS.outage) return course?.on ?? [];
  const first = course.on[0];
  return first === undefined ? [] : [first];
}

export class Faults {
  readonly #seed: string;
  readonly #rules = new Map<number, Rule>();
  /** Rules of one payment, found by its key or its order, so that thousands of them cost one look-up. */
  readonly #targeted = new Map<string, Set<Rule>>();
  readonly #broad = new Set<Rule>();
  /** How often a rule hit; for a rule with a rate, how often each payment. */
  readonly #hits = new Map<string, number>();
  readonly #now: () => number;
  #lastId = 0;

  constructor(seed: string, now: () => number = Date.now) {
    this.#seed = seed;
    this.#now = now;
  }

  /** Returns the rule, or what is wrong with it. */
  add(input: unknown): Rule | string {
    if (this.#rules.size >= RULES_MAX) this.#forgetEnded();
    if (this.#rules.size >= RULES_MAX) return `no more than ${RULES_MAX} rules`;
    const rule = readRule(input, this.#lastId + 1, this.#now());
    if (typeof rule === "string") return rule;
    this.#lastId = rule.id;
    this.#rules.set(rule.id, rule);
    const target = rule.paymentKey ?? rule.orderId;
    if (target === null) this.#broad.add(rule);
    else this.#targeted.set(target, (this.#targeted.get(target) ?? new Set()).add(rule));
    return rule;
  }

  list(): readonly Rule[] {
    this.#forgetEnded();
    return [...this.#rules.values()];
  }

  remove(id: number): boolean {
    const rule = this.#rules.get(id);
    if (rule === undefined) return false;
    const target = rule.paymentKey ?? rule.orderId ?? "";
    const siblings = this.#targeted.get(target);
    siblings?.delete(rule);
    if (siblings?.size === 0) this.#targeted.delete(target);
    this.#broad.delete(rule);
    return this.#rules.delete(id);
  }

  clear(): void {
    for (const id of [...this.#rules.keys()]) this.remove(id);
    this.#hits.clear();
  }

  /** The first rule that hits this request, used up by one. */
  pick(asked: Asked): Rule | undefined {
    if (this.#rules.size === 0) return undefined;
    for (const rules of [
      this.#targeted.get(asked.paymentKey),
      this.#targeted.get(asked.orderId),
      this.#broad,
    ]) {
      for (const rule of rules ?? []) if (this.#hit(rule, asked)) return rule;
    }
    return undefined;
  }

  #forgetEnded(): void {
    for (const { id, endsAt } of this.#rules.values()) if (this.#hasEnded(endsAt)) this.remove(id);
  }

  #hasEnded(endsAt: number | null): boolean {
    return endsAt !== null && this.#now() >= endsAt;
  }

  #hit(rule: Rule, asked: Asked): boolean {
    if (this.#hasEnded(rule.endsAt)) {
      this.remove(rule.id);
      return false;
    }
    if (!rule.on.includes(asked.operation)) return false;
    if (rule.paymentKey !== null && rule.paymentKey !== asked.paymentKey) return false;
    if (rule.orderId !== null && rule.orderId !== asked.orderId) return false;
    // The fate of a payment is drawn from its order, not from the sequence of requests: a seed tells it again.
    if (rule.rate < 1 && fate(this.#seed, rule.id, asked) >= rule.rate) return false;
    if (rule.times === null) return true;
    const targeted = rule.paymentKey !== null || rule.orderId !== null;
    const counted = targeted ? `${rule.id}` : `${rule.id} ${asked.operation} ${asked.orderId}`;
    const hits = this.#hits.get(counted) ?? 0;
    if (hits >= rule.times) return false;
    if (this.#hits.size >= HITS_MAX) this.#hits.delete(this.#hits.keys().next().value ?? "");
    this.#hits.set(counted, hits + 1);
    if (targeted && hits + 1 === rule.times) {
      this.remove(rule.id);
      this.#hits.delete(counted);
    }
    return true;
  }
}
