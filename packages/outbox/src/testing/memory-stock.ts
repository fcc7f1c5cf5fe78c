// A stock store over memory, with what a test wants to see of it and a way to break it.
import { expect } from "@jest/globals";
import type { FactCause } from "@quadrille/contracts/envelope";
import type { Answer, Cause, Committed } from "../group.ts";
import { type Fault, MemoryDatabase } from "../memory.ts";
import type { Point } from "../memory-transaction.ts";
import type { Clock } from "../ports.ts";
import { type Store, storeOn } from "../store.ts";
import { testId } from "./bench.ts";
import { canBeStored, type Movement, type Stock, type StockInput, stock } from "./stock.ts";

/** With QUADRILLE_DELIVER_TWICE=1 every fact is heard twice, as after a lost acknowledgement. */
export const deliveries = process.env.QUADRILLE_DELIVER_TWICE === "1" ? 2 : 1;

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #alarms: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, wake: () => void): () => void {
    const alarm = { at: this.#now + ms, wake };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  /** Moves on and rings what is due, alarm by alarm. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const due = this.#alarms.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.#alarms = this.#alarms.filter((each) => each !== due);
      this.#now = Math.max(this.#now, due.at);
      due.wake();
    }
    this.#now = until;
  }
}

/** Lets every promise that can settle do so. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export interface StockOptions {
  readonly most?: number;
  readonly queueMost?: number;
  readonly fault?: (point: Point, replica: string) => Fault | undefined;
}

export function openStock(options: StockOptions = {}) {
  const clock = new TestClock();
  const transactions = { begun: 0 };
  const { fault, ...limits } = options;
  const database = new MemoryDatabase<Stock, Movement>({
    initial: stock.initial,
    aggregates: "holds",
    isAbsent: { holds: ({ status }) => status === "ABSENT", variants: ({ status }) => status === "ABSENT" },
    checks: { variants: canBeStored },
    clock,
    fault: (point, replica) => {
      if (point === "begin") transactions.begun += 1;
      return fault?.(point, replica);
    },
  });
  const replica = (name: string) =>
    storeOn(database.connect(name), { decider: stock, aggregates: "holds", ...limits });
  const store = replica("one");
  const commits: Committed[] = [];
  store.onCommit((committed) => commits.push(committed));
  return { clock, database, store, replica, commits, transactions };
}

export const own = (): Cause => ({ kind: "own", id: testId() });

export const factCause = (id = testId(), alone = false) =>
  ({
    kind: "fact",
    id,
    stream: "QUADRILLE_ORDER",
    seq: 1n,
    deliveries: 1,
    traceparent: "00-trace",
    alone,
  }) as const;

export const request = (requestId: string, hash = "hash") =>
  ({ kind: "request", caller: "member-1", method: "Hold", requestId, hash }) as const;

/** Hears a fact as often as this run says. */
export async function hear(
  store: Store<Stock, StockInput>,
  input: StockInput,
  cause: FactCause = factCause(),
) {
  const before = store.duplicates;
  const heard = Array.from({ length: deliveries }, () => store.handle(input, cause));
  await Promise.all(heard);
  if (deliveries > 1) expect(store.duplicates).toBeGreaterThan(before);
}

/** Says which lines were held, or "nothing". */
export const linesHeld: Answer<Stock, string> = {
  of: (_, facts) => (facts.length === 0 ? "nothing" : JSON.stringify(facts[0])),
  encode: (answer) => Buffer.from(answer),
  decode: (bytes) => Buffer.from(bytes).toString(),
};

export const hold = (orderId: string, variantId: string, quantity = 1): StockInput => ({
  type: "Hold",
  orderId,
  lines: [{ variantId, quantity }],
});
