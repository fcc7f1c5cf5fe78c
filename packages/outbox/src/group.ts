// Group commit: code is written per input, the database is asked once for many.
//
// While one transaction is on its way, inputs queue up, and the next transaction takes them all. There is no
// timer: an idle service commits one input at once, a busy one hundreds with a single fsync. Inputs of one
// group see each other's effects in the order they came; everyone is answered after the commit, refusals too.
//
// What a failed transaction means for the group:
// - conflict: nothing was committed, so everything is decided again, at most five times in all. The facts get new ids:
//   those of a transaction that was rolled back were never seen by anyone, and new ones keep ids in the order of commits.
//   What must not change between tries is the cause's id, and that comes with the input.
// - busy: half as many rows are waited for next time.
// - data: halves too, until the input that cannot be stored is alone. So it costs its neighbours a few transactions
//   more, and nothing else.
// - lost: nobody knows what was committed. All callers hear UNAVAILABLE; only the inbox or the request key may
//   tell, when the same input comes again from outside.
import type { Envelope } from "@quadrille/contracts/envelope";
import { type Decider, type Fact, Refusal } from "@quadrille/decider";
import {
  type Answer,
  type Cause,
  Decision,
  type DecisionRules,
  type Given,
  type Outcome,
  type OwnCause,
} from "./decision.ts";
import {
  type Asked,
  type Claim,
  type FailureKind,
  type GroupTransaction,
  type RequestKey,
  requestKeyOf,
  TransactionFailed,
  type Transactions,
} from "./transaction.ts";

export type { Answer, Cause, OwnCause } from "./decision.ts";

/** What a commit changed, for whoever waits for it: the relay and the watchers. */
export interface Committed {
  readonly envelopes: readonly Envelope[];
  /** Keys of the aggregates that changed. */
  readonly changed: readonly string[];
}

export interface GroupOptions<Tables> extends DecisionRules<Tables> {
  /** Inputs per transaction, at most. */
  readonly most: number;
  /** Inputs waiting, at most; beyond it callers are refused with OVERLOADED. */
  readonly queueMost: number;
  /** Called after each commit, before anyone is answered. Must not throw. */
  onCommit(committed: Committed): void;
  /** Called after the commit of a group for each input that was recognised as repeated. Must not throw. */
  onDuplicate(cause: Cause): void;
}

interface Waiting<Tables, Input> extends Given<Tables, Input> {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Decided {
  readonly outcomes: readonly Outcome[];
  readonly committed: Committed;
  readonly duplicates: readonly Cause[];
}

const attemptsMost = 5;

export class Group<Tables, Input, F extends Fact, Entry> implements AsyncDisposable {
  readonly #decider: Decider<Tables, Input, F, Entry>;
  readonly #transactions: Transactions<Tables, Entry>;
  readonly #options: GroupOptions<Tables>;
  #queue: Waiting<Tables, Input>[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(
    decider: Decider<Tables, Input, F, Entry>,
    transactions: Transactions<Tables, Entry>,
    options: GroupOptions<Tables>,
  ) {
    this.#decider = decider;
    this.#transactions = transactions;
    this.#options = options;
  }

  /** Inputs that wait for their transaction. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Decides one input and answers once it is committed.
   * Rejects with the decision's own error, or with Refusal UNAVAILABLE or OVERLOADED: then trying again is safe,
   * because the cause recognises a repetition.
   */
  handle(input: Input, cause: Cause): Promise<void>;
  /** The answer is not kept: the decision itself recognises a repetition. */
  handle<A>(input: Input, cause: OwnCause, answer: Pick<Answer<Tables, A>, "of">): Promise<A>;
  handle<A>(input: Input, cause: Cause, answer: Answer<Tables, A>): Promise<A>;
  async handle(input: Input, cause: Cause, answer?: Partial<Answer<Tables, unknown>>): Promise<unknown> {
    if (this.#closed) throw new Refusal("UNAVAILABLE");
    if (this.#queue.length >= this.#options.queueMost) throw new Refusal("OVERLOADED");
    const keys = this.#decider.keys(input); // A throw is this input's own.
    return await new Promise((resolve, reject) => {
      this.#queue.push({ input, cause, keys, answer: answer as Answer<Tables, unknown>, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Refuses new inputs and waits for those that were taken. Once the database is lost, those that wait are refused too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Let everything that became ready in this turn of the event loop join the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#answer(this.#take());
    this.#running = undefined;
  }

  #take(): Waiting<Tables, Input>[] {
    let length = 1;
    if (!isAlone(this.#queue[0])) {
      const most = Math.min(this.#options.most, this.#queue.length);
      while (length < most && !isAlone(this.#queue[length])) length += 1;
    }
    return this.#queue.splice(0, length);
  }

  /** Never rejects: whatever happens is told to the callers. */
  async #answer(group: readonly Waiting<Tables, Input>[]): Promise<void> {
    const decided = await this.#commit(group);
    if (decided instanceof TransactionFailed) return await this.#answerFailed(group, decided);
    this.#options.onCommit(decided.committed);
    for (const cause of decided.duplicates) this.#options.onDuplicate(cause);
    for (const [index, waiting] of group.entries()) {
      const outcome = decided.outcomes[index] as Outcome;
      if (outcome.ok) waiting.resolve(outcome.answer);
      else waiting.reject(outcome.error);
    }
  }

  /** What was committed, or why nothing was. */
  async #commit(group: readonly Waiting<Tables, Input>[]): Promise<Decided | TransactionFailed> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#transactions.run((transaction) => this.#decideAll(transaction, group));
      } catch (error) {
        // Any other error is an assertion of ours, which one of the inputs must have caused.
        const failed = error instanceof TransactionFailed ? error : new TransactionFailed("data", error);
        if (failed.kind !== "conflict" || attempt === attemptsMost) return failed;
      }
    }
  }

  async #answerFailed(group: readonly Waiting<Tables, Input>[], failed: TransactionFailed): Promise<void> {
    const splits: readonly FailureKind[] = ["busy", "data"];
    if (group.length > 1 && splits.includes(failed.kind)) {
      const middle = Math.ceil(group.length / 2);
      await this.#answer(group.slice(0, middle));
      return await this.#answer(group.slice(middle));
    }
    const error = failed.kind === "data" ? failed : new Refusal("UNAVAILABLE", { cause: failed });
    for (const waiting of group) waiting.reject(error);
    if (failed.kind !== "lost" || !this.#closed) return;
    // Whoever closes this process should not wait for one timeout per group.
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
  }

  async #decideAll(
    transaction: GroupTransaction<Tables, Entry>,
    group: readonly Waiting<Tables, Input>[],
  ): Promise<Decided> {
    const opened = await transaction.open(ask(group));
    const decision = new Decision(this.#decider, this.#options, opened);
    const outcomes = group.map((waiting) => decision.decide(waiting));
    const written = decision.written();
    await transaction.write(written);
    const changed = [...(written.rows[this.#options.aggregates]?.keys() ?? [])];
    const committed = { envelopes: written.envelopes, changed };
    return { outcomes, committed, duplicates: decision.duplicates };
  }
}

function isAlone(waiting: { readonly cause: Cause } | undefined): boolean {
  return waiting?.cause.kind === "fact" && waiting.cause.alone;
}

/** Everything a group needs, with equal fact ids and equal request keys asked for once. */
function ask<Tables>(group: readonly Given<Tables, unknown>[]): Asked<Tables> {
  const keys: { [T in keyof Tables]?: string[] } = {};
  const claims = new Map<string, Claim>();
  const requests = new Map<string, RequestKey>();
  for (const { keys: named, cause } of group) {
    for (const table of Object.keys(named) as (keyof Tables)[]) {
      keys[table] ??= [];
      keys[table].push(...(named[table] ?? []));
    }
    if (cause.kind === "fact") {
      const { id: factId, stream, seq, storedAt, deliveries } = cause;
      claims.set(factId, { factId, stream, seq, storedAt, deliveries });
    }
    if (cause.kind === "request") requests.set(requestKeyOf(cause), cause);
  }
  return { claims: [...claims.values()], keys, requests: [...requests.values()] };
}
