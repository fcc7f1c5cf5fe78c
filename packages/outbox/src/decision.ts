// The decisions of one group over one shared, evolving state: what each input came to, and all that must be written.
import type { Envelope, FactCause } from "@quadrille/contracts/envelope";
import { kindOf } from "@quadrille/contracts/events";
import { type Decider, type Fact, type Instant, type Keys, Refusal, type Rows } from "@quadrille/decider";
import { Draft } from "./draft.ts";
import { type Opened, type Remembered, type RequestKey, requestKeyOf, type Written } from "./transaction.ts";

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

export type OwnCause = Extract<Cause, { readonly kind: "own" }>;

/** How an input's answer is made from what was decided, and how it is kept for the next time it is asked. */
export interface Answer<Tables, A> {
  of(rows: Rows<Tables>, facts: readonly Fact[], now: Instant): A;
  encode(answer: A): Uint8Array;
  decode(bytes: Uint8Array): A;
}

/** An input with everything its decision needs. */
export interface Given<Tables, Input> {
  readonly input: Input;
  readonly cause: Cause;
  readonly keys: Keys<Tables>;
  readonly answer: Answer<Tables, unknown> | undefined;
}

/** What one input came to; told to its caller only after the commit. */
export type Outcome =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly error: unknown };

export interface DecisionRules<Tables> {
  /** The table whose rows tell facts; a fact's aggregate id is a key of it. */
  readonly aggregates: keyof Tables;
  /** UUIDv7s for facts. */
  newId(): string;
}

export class Decision<Tables, Input, F extends Fact, Entry> {
  readonly #decider: Decider<Tables, Input, F, Entry>;
  readonly #rules: DecisionRules<Tables>;
  readonly #opened: Opened<Tables>;
  readonly #draft: Draft<Tables>;
  readonly #versions = new Map<string, number>();
  readonly #entries: Entry[] = [];
  readonly #envelopes: Envelope[] = [];
  readonly #answers = new Map<string, RequestKey & Remembered>();
  readonly #handled = new Set<string>();
  readonly #unclaimed = new Set<string>();
  /** Causes that were recognised as repeated. */
  readonly duplicates: Cause[] = [];

  constructor(
    decider: Decider<Tables, Input, F, Entry>,
    rules: DecisionRules<Tables>,
    opened: Opened<Tables>,
  ) {
    this.#decider = decider;
    this.#rules = rules;
    this.#opened = opened;
    this.#draft = new Draft(opened.rows);
  }

  /** Decides one input after those before it. Whatever it throws is its own outcome, and leaves no trace. */
  decide(given: Given<Tables, Input>): Outcome {
    const { cause } = given;
    const repeated = this.#repeated(given);
    if (repeated !== undefined) {
      this.duplicates.push(cause);
      return repeated;
    }
    try {
      return { ok: true, answer: this.#act(given) };
    } catch (error) {
      this.#draft.discard();
      // Not handled, so it must not stand in the inbox, unless the same fact succeeds later in this group.
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

  /** Everything that can throw comes before anything is kept. */
  #act({ input, cause, keys, answer }: Given<Tables, Input>): unknown {
    const { now } = this.#opened;
    const facts = this.#decider.decide(this.#draft.rows, input, now);
    for (const fact of facts) {
      this.#draft.apply(this.#decider.evolve(this.#draft.rows, fact, now), keys);
    }
    const said = answer?.of(this.#draft.rows, facts, now);
    // Remembered even without an answer: the key alone keeps the request from being done twice.
    const kept = cause.kind === "request" && {
      ...cause,
      answer: answer?.encode(said) ?? new Uint8Array(),
    };
    const entries = [
      ...(this.#decider.notes?.(input) ?? []),
      ...facts.flatMap((fact) => this.#decider.entries?.(fact) ?? []),
    ];
    const envelopes = this.#envelopesOf(facts, cause, keys);

    this.#draft.keep();
    this.#entries.push(...entries);
    for (const envelope of envelopes) {
      this.#envelopes.push(envelope);
      this.#versions.set(envelope.aggregateId, envelope.aggregateVersion);
    }
    if (kept) this.#answers.set(requestKeyOf(kept), kept);
    if (cause.kind === "fact") {
      this.#handled.add(cause.id);
      this.#unclaimed.delete(cause.id);
    }
    return said;
  }

  /** The outcome of an input that was handled before, in an earlier group or in this one. */
  #repeated({ cause, answer }: Given<Tables, Input>): Outcome | undefined {
    if (cause.kind === "own") return undefined;
    if (cause.kind === "fact") {
      const isNew = this.#opened.fresh.has(cause.id) && !this.#handled.has(cause.id);
      return isNew ? undefined : { ok: true, answer: undefined };
    }
    const key = requestKeyOf(cause);
    const remembered = this.#answers.get(key) ?? this.#opened.remembered.get(key);
    if (remembered === undefined) return undefined;
    if (remembered.hash !== cause.hash) return { ok: false, error: new Refusal("REQUEST_ID_REUSED") };
    try {
      return { ok: true, answer: answer?.decode(remembered.answer) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #envelopesOf(facts: readonly F[], cause: Cause, keys: Keys<Tables>): readonly Envelope[] {
    const envelopes: Envelope[] = [];
    const versions = new Map<string, number>();
    for (const fact of facts) {
      const kind = kindOf(fact.type);
      if (kind === undefined) continue; // It stays inside this service.
      const { data } = fact as unknown as { data: { orderId: string } };
      const aggregateId = data.orderId;
      if (!keys[this.#rules.aggregates]?.includes(aggregateId))
        throw new Error(`${fact.type} is about ${aggregateId}, which the input does not name`);
      const told = versions.get(aggregateId) ?? this.#versions.get(aggregateId);
      const version = (told ?? this.#opened.versions.get(aggregateId) ?? 0) + 1;
      versions.set(aggregateId, version);
      envelopes.push({
        id: this.#rules.newId(),
        type: fact.type,
        aggregateId,
        aggregateVersion: version,
        occurredAt: this.#opened.now,
        causationId: cause.kind === "request" ? cause.requestId : cause.id,
        traceparent: cause.traceparent,
        payload: kind.encode(data as never),
      });
    }
    return envelopes;
  }
}
