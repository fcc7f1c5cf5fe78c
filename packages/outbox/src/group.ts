// Group commit: code is written per input, the database is asked once for many.
//
// While one transaction is on its way, inputs queue up, and the next transaction takes them all. There is no
// timer: an idle service commits one input at once, a busy one hundreds with a single fsync. Inputs of one
// group see each other's effects in the order they came; everyone is answered after the commit, refusals too.
import type { Envelope, FactCause } from "@quadrille/contracts/envelope";
import { kindOf } from "@quadrille/contracts/events";
import { type Decider, type Fact, type Instant, Refusal, type Rows } from "@quadrille/decider";
import { Draft } from "./draft.ts";
import {
  type Asked,
  type GroupTransaction,
  type Opened,
  type Remembered,
  type RequestKey,
  requestKeyOf,
  TransactionFailed,
  type Transactions,
  type Written,
} from "./transaction.ts";

/** What an input came from. It decides how a repetition is recognised. */
export type Cause =
  /** A fact that was heard: once per fact id, by the inbox. */
  | FactCause
  /** A mutating request: once per request key; a repetition gets the stored answer, another body is refused. */
  | (RequestKey & {
      readonly kind: "request";
      readonly hash: string;
      readonly traceparent?: string | undefined;
    })
  /** A call or a timer whose repetition the decision itself recognises. */
  | { readonly kind: "own"; readonly id: string; readonly traceparent?: string | undefined };

/** How an input's answer is made from what was decided, and how it is kept for the next time it is asked. */
export interface Answer<Tables, A> {
  of(rows: Rows<Tables>, facts: readonly Fact[], now: Instant): A;
  encode(answer: A): Uint8Array;
  decode(bytes: Uint8Array): A;
}

/** What a commit changed, for whoever waits for it: the relay and the watchers. */
export interface Committed {
  readonly envelopes: readonly Envelope[];
  /** Keys of the aggregates that changed. */
  readonly changed: readonly string[];
}

export interface GroupOptions<Tables> {
  /** The table whose rows tell facts; a fact's aggregate id is a key of it. */
  readonly aggregates: keyof Tables;
  /** Inputs per transaction, at most. */
  readonly most: number;
  /** Inputs waiting, at most; beyond it callers are refused with OVERLOADED. */
  readonly queueMost: number;
  /** UUIDv7s for facts. */
  newId(): string;
  onCommit(committed: Committed): void;
  /** How often inputs were recognised as repeated, for the metrics and for the tests that deliver twice. */
  onDuplicate(cause: Cause): void;
}

interface Waiting<Input> {
  readonly input: Input;
  readonly cause: Cause;
  readonly answer: Answer<never, unknown> | undefined;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What one input came to; told to its caller only after the commit. */
type Outcome =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly error: unknown };

const attemptsMost = 5;

export class Group<Tables, Input, F extends Fact, Entry> implements AsyncDisposable {
  readonly #decider: Decider<Tables, Input, F, Entry>;
  readonly #transactions: Transactions<Tables, Entry>;
  readonly #options: GroupOptions<Tables>;
  #queue: Waiting<Input>[] = [];
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
  handle<A>(input: Input, cause: Cause, answer: Answer<Tables, A>): Promise<A>;
  handle(input: Input, cause: Cause, answer?: Answer<Tables, unknown>): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Refusal("UNAVAILABLE"));
    if (this.#queue.length >= this.#options.queueMost) return Promise.reject(new Refusal("OVERLOADED"));
    return new Promise((resolve, reject) => {
      this.#queue.push({
        input,
        cause,
        answer: answer as Answer<never, unknown> | undefined,
        resolve,
        reject,
      });
      this.#running ??= this.#drain();
    });
  }

  /** Refuses new inputs and waits for those that were taken. */
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

  #take(): Waiting<Input>[] {
    const isAlone = (waiting: Waiting<Input> | undefined) =>
      waiting?.cause.kind === "fact" && waiting.cause.alone;
    let length = 1;
    if (!isAlone(this.#queue[0])) {
      const most = Math.min(this.#options.most, this.#queue.length);
      while (length < most && !isAlone(this.#queue[length])) length += 1;
    }
    return this.#queue.splice(0, length);
  }

  /** Never rejects: whatever happens is told to the callers. */
  async #answer(group: readonly Waiting<Input>[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const decided = await this.#transactions.run((transaction) => this.#decideAll(transaction, group));
        this.#options.onCommit(decided.committed);
        for (const [index, waiting] of group.entries()) tell(waiting, decided.outcomes[index] as Outcome);
        return;
      } catch (error) {
        const kind = error instanceof TransactionFailed ? error.kind : "data";
        if (kind === "conflict" && attempt < attemptsMost) continue;
        if (kind === "busy" && group.length > 1) return await this.#answerHalves(group);
        if (kind === "data" && group.length > 1) return await this.#answerOneByOne(group);
        // A commit of unknown outcome is never tried again from here: only the inbox or the request key may tell.
        const said = kind === "data" ? error : new Refusal("UNAVAILABLE", { cause: error });
        for (const waiting of group) waiting.reject(said);
        return;
      }
    }
  }

  async #answerHalves(group: readonly Waiting<Input>[]): Promise<void> {
    const middle = Math.ceil(group.length / 2);
    await this.#answer(group.slice(0, middle));
    await this.#answer(group.slice(middle));
  }

  async #answerOneByOne(group: readonly Waiting<Input>[]): Promise<void> {
    for (const waiting of group) await this.#answer([waiting]);
  }

  async #decideAll(
    transaction: GroupTransaction<Tables, Entry>,
    group: readonly Waiting<Input>[],
  ): Promise<{ outcomes: readonly Outcome[]; committed: Committed }> {
    const opened = await transaction.open(this.#ask(group));
    const decision = new GroupDecision(this.#decider, this.#options, opened);
    const outcomes = group.map((waiting) => decision.decide(waiting));
    const written = decision.written();
    await transaction.write(written);
    const changed = [...(written.rows[this.#options.aggregates]?.keys() ?? [])];
    return { outcomes, committed: { envelopes: written.envelopes, changed } };
  }

  #ask(group: readonly Waiting<Input>[]): Asked<Tables> {
    const keys: { [T in keyof Tables]?: string[] } = {};
    const claims = new Map<string, { factId: string; stream: string; seq: bigint }>();
    const requests = new Map<string, RequestKey>();
    for (const { input, cause } of group) {
      for (const [table, named] of Object.entries(this.#decider.keys(input)) as [keyof Tables, string[]][]) {
        keys[table] ??= [];
        keys[table].push(...named);
      }
      if (cause.kind === "fact")
        claims.set(cause.id, { factId: cause.id, stream: cause.stream, seq: cause.seq });
      if (cause.kind === "request") requests.set(requestKeyOf(cause), cause);
    }
    return { claims: [...claims.values()], keys, requests: [...requests.values()] };
  }
}

/** The decisions of one group over one shared, evolving state. */
class GroupDecision<Tables, Input, F extends Fact, Entry> {
  readonly #decider: Decider<Tables, Input, F, Entry>;
  readonly #options: GroupOptions<Tables>;
  readonly #opened: Opened<Tables>;
  readonly #draft: Draft<Tables>;
  readonly #versions = new Map<string, number>();
  readonly #entries: Entry[] = [];
  readonly #envelopes: Envelope[] = [];
  readonly #answers = new Map<string, RequestKey & Remembered>();
  readonly #handled = new Set<string>();
  readonly #unclaimed = new Set<string>();

  constructor(
    decider: Decider<Tables, Input, F, Entry>,
    options: GroupOptions<Tables>,
    opened: Opened<Tables>,
  ) {
    this.#decider = decider;
    this.#options = options;
    this.#opened = opened;
    this.#draft = new Draft(opened.rows);
  }

  decide({ input, cause, answer }: Waiting<Input>): Outcome {
    const repeated = this.#repeated(cause, answer);
    if (repeated !== undefined) return repeated;
    try {
      const facts = this.#decider.decide(this.#draft.rows, input, this.#opened.now);
      const named = this.#decider.keys(input);
      for (const fact of facts)
        this.#draft.apply(this.#decider.evolve(this.#draft.rows, fact, this.#opened.now), named);
      const said = answer?.of(this.#draft.rows as Rows<never>, facts, this.#opened.now);
      if (cause.kind === "request" && answer !== undefined) {
        this.#answers.set(requestKeyOf(cause), { ...cause, answer: answer.encode(said) });
      }
      if (cause.kind === "fact") {
        this.#handled.add(cause.id);
        this.#unclaimed.delete(cause.id);
      }
      this.#draft.keep();
      this.#tell(facts, cause);
      return { ok: true, answer: said };
    } catch (error) {
      this.#draft.discard();
      if (cause.kind === "fact") this.#unclaimed.add(cause.id);
      return { ok: false, error };
    }
  }

  written(): Written<Tables, Entry> {
    return {
      rows: this.#draft.changed(),
      versions: this.#versions,
      entries: this.#entries,
      envelopes: this.#envelopes,
      answers: [...this.#answers.values()],
      unclaimed: [...this.#unclaimed],
    };
  }

  /** The outcome of an input that was handled before, in an earlier group or in this one. */
  #repeated(cause: Cause, answer: Answer<never, unknown> | undefined): Outcome | undefined {
    if (cause.kind === "fact") {
      if (this.#opened.fresh.has(cause.id) && !this.#handled.has(cause.id)) return undefined;
      this.#options.onDuplicate(cause);
      return { ok: true, answer: undefined };
    }
    if (cause.kind === "own") return undefined;
    const key = requestKeyOf(cause);
    const remembered = this.#answers.get(key) ?? this.#opened.remembered.get(key);
    if (remembered === undefined) return undefined;
    this.#options.onDuplicate(cause);
    if (remembered.hash !== cause.hash) return { ok: false, error: new Refusal("REQUEST_ID_REUSED") };
    return { ok: true, answer: answer?.decode(remembered.answer) };
  }

  #tell(facts: readonly F[], cause: Cause): void {
    const causationId = cause.kind === "request" ? cause.requestId : cause.id;
    for (const fact of facts) {
      for (const entry of this.#decider.entries?.(fact) ?? []) this.#entries.push(entry);
      const kind = kindOf(fact.type);
      if (kind === undefined) continue;
      const { data } = fact as unknown as { data: { orderId: string } };
      const version = (this.#versions.get(data.orderId) ?? this.#opened.versions.get(data.orderId) ?? 0) + 1;
      this.#versions.set(data.orderId, version);
      this.#envelopes.push({
        id: this.#options.newId(),
        type: fact.type,
        aggregateId: data.orderId,
        aggregateVersion: version,
        occurredAt: this.#opened.now,
        causationId,
        traceparent: cause.traceparent,
        payload: kind.encode(data as never),
      });
    }
  }
}

function tell(waiting: Waiting<unknown>, outcome: Outcome): void {
  if (outcome.ok) waiting.resolve(outcome.answer);
  else waiting.reject(outcome.error);
}
