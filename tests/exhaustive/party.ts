// One service as far as one order concerns it: its rows, its outbox and its inbox, and what an input makes of them.
//
// What is real: the decider, the lines of `subscriptions.ts`, the decision within a transaction (`Decision`: the inbox's
// answer, versions, envelopes), and the facts' way over the wire. What is left out is that which waits: a transaction
// is here one step from one memory to the next. Memories have numbers, and each step is decided once.
import { type Line, linesOf } from "@quadrille/bus/subscription";
import { type FactKind, kindOf, type Service } from "@quadrille/contracts/events";
import { type Decider, type Fact, type Keys, Refusal, type Rows } from "@quadrille/decider";
import { type Answer, type Cause, Decision } from "@quadrille/outbox/decision";
import { Interned } from "./interned.ts";
import { orderId } from "./terms.ts";

/** A fact in somebody's outbox. Its id says who told it, and the how manieth it was. */
export interface Letter {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly orderId: string };
}

export type Kept<Tables> = { readonly [T in keyof Tables]: Readonly<Record<string, Tables[T]>> };

export interface Memory<Tables> {
  readonly rows: Kept<Tables>;
  /** Numbers of letters, in the order they were told. */
  readonly outbox: readonly number[];
  readonly inbox: ReadonlySet<string>;
}

export interface Step {
  /** Number of the memory afterwards. */
  readonly after: number;
  readonly answer: unknown;
  readonly refusal: string | undefined;
  /** What this step should never do. */
  readonly breach: string | undefined;
}

export interface PartyRules<Tables, Input, F extends Fact, Entry> {
  readonly name: Service;
  readonly decider: Decider<Tables, Input, F, Entry>;
  readonly aggregates: keyof Tables & string;
  lines(store: { handle(input: Input): Promise<void> }): readonly Line[];
  readonly rows: Kept<Tables>;
  /** Leaves out of the rows what nobody decides by, so that memories that differ in nothing else are one. */
  forget(rows: Kept<Tables>, now: Date): Kept<Tables>;
  /** What is wrong about going from one to the other, if anything is. */
  law(before: Kept<Tables>, after: Kept<Tables>): string | undefined;
  readonly answer?: Pick<Answer<Tables, unknown>, "of">;
  /** False for a service that does not look into its inbox: only to see that this is found. */
  readonly hasInbox?: boolean;
}

export const momentsMost = 16;
/** Memories of one service; together with a moment two of them still make one whole number. */
export const memoriesMost = 2 ** 21;
const heardCause = {
  kind: "fact",
  stream: "",
  seq: 0n,
  traceparent: undefined,
  deliveries: 1,
  alone: false,
} as const;

export class Party<Tables, Input, F extends Fact, Entry> {
  readonly name: Service;
  readonly initial: number;
  readonly #rules: PartyRules<Tables, Input, F, Entry>;
  readonly #letters: Interned<Letter>;
  readonly #moments: readonly Date[];
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #rows = new Interned<Kept<Tables>>();
  readonly #memories = new Interned<Memory<Tables>>(({ rows, outbox, inbox }) => {
    return `${this.#rows.numberOf(rows)} ${outbox} ${[...inbox].sort()}`;
  });
  readonly #inputs = new Interned<Input>();
  readonly #heard = new Map<number, Step>();
  readonly #handled = new Map<number, Step>();
  readonly #later = new Map<number, number>();
  #input: Input | undefined;

  constructor(
    rules: PartyRules<Tables, Input, F, Entry>,
    letters: Interned<Letter>,
    moments: readonly Date[],
  ) {
    this.name = rules.name;
    if (moments.length > momentsMost) throw new Error(`${moments.length} moments; at most ${momentsMost}`);
    this.#rules = rules;
    this.#letters = letters;
    this.#moments = moments;
    const store = {
      handle: async (input: Input) => {
        this.#input = input;
      },
    };
    this.#lines = linesOf(rules.name, rules.lines(store));
    this.initial = this.#memories.numberOf({ rows: rules.rows, outbox: [], inbox: new Set() });
  }

  /** Distinct memories that were reached. */
  get size(): number {
    return this.#memories.size;
  }

  memory(number: number): Memory<Tables> {
    return this.#memories.at(number);
  }

  /** The number of an input, to be handled by. */
  numberOf(input: Input): number {
    return this.#inputs.numberOf(input);
  }

  hears(type: string): boolean {
    return this.#lines.has((kindOf(type) as FactKind).messageName);
  }

  /** Whether it hears such facts, and this one names any row of it: else it can change nothing, whatever is remembered. */
  isConcernedBy(letter: number): boolean {
    const { type } = this.#letters.at(letter);
    if (!this.hears(type)) return false;
    const keys = this.#rules.decider.keys(this.#inputOf(letter));
    return Object.values(keys).some((named) => (named as readonly string[]).length > 0);
  }

  /** A letter is delivered, for the first time or once more. */
  hear(memory: number, letter: number, moment: number): Step {
    const key = (letter * memoriesMost + memory) * momentsMost + moment;
    const known = this.#heard.get(key);
    if (known !== undefined) return known;
    const { id } = this.#letters.at(letter);
    const step = this.#decide(memory, this.#inputOf(letter), { ...heardCause, id }, moment);
    this.#heard.set(key, step);
    return step;
  }

  #inputOf(letter: number): Input {
    const { id, type, data } = this.#letters.at(letter);
    const line = this.#lines.get((kindOf(type) as FactKind).messageName);
    if (line === undefined) throw new Error(`${this.name} has no line for ${type}`);
    void line.handler(data as never, { ...heardCause, id });
    return this.#input as Input;
  }

  /** A call or a timer. */
  handle(memory: number, input: number, moment: number): Step {
    const key = (input * memoriesMost + memory) * momentsMost + moment;
    const known = this.#handled.get(key);
    if (known !== undefined) return known;
    const step = this.#decide(memory, this.#inputs.at(input), { kind: "own", id: "own" }, moment);
    this.#handled.set(key, step);
    return step;
  }

  /** The same memory when a later moment has come. */
  wait(memory: number, moment: number): number {
    const key = memory * momentsMost + moment;
    let later = this.#later.get(key);
    if (later === undefined) {
      const { rows, outbox, inbox } = this.#memories.at(memory);
      later = this.#memories.numberOf({
        rows: this.#rules.forget(rows, this.#moments[moment] as Date),
        outbox,
        inbox,
      });
      this.#later.set(key, later);
    }
    return later;
  }

  #decide(number: number, input: Input, cause: Cause, moment: number): Step {
    const before = this.#memories.at(number);
    const { decider, aggregates, answer, law } = this.#rules;
    const keys = decider.keys(input);
    const decision = new Decision(
      decider,
      { aggregates, newId: () => "" },
      {
        rows: this.#rowsOf(before, keys),
        fresh: new Set(cause.kind === "fact" && !this.#isKnown(before, cause.id) ? [cause.id] : []),
        versions: new Map([[orderId, before.outbox.length]]),
        remembered: new Map(),
        now: this.#moments[moment] as Date,
      },
    );
    const outcome = decision.decide({
      input,
      cause,
      keys,
      answer: answer as Answer<Tables, unknown> | undefined,
    });
    if (!outcome.ok) {
      const refused = outcome.error instanceof Refusal ? outcome.error.code : undefined;
      const breach =
        refused === undefined || cause.kind === "fact"
          ? `${this.name} fails: ${String(outcome.error)}`
          : undefined;
      return { after: number, answer: undefined, refusal: refused, breach };
    }
    const rows = this.#rules.forget(
      merged(before.rows, decision.written().rows),
      this.#moments[moment] as Date,
    );
    const told = decision.written().envelopes.filter(({ aggregateId }) => aggregateId === orderId);
    const outbox = [...before.outbox];
    for (const { type, aggregateVersion, payload } of told) {
      const id = `${this.name}#${aggregateVersion}`;
      if (aggregateVersion !== outbox.length + 1) throw new Error(`${id} comes after ${outbox.length} facts`);
      const data = untimed((kindOf(type) as FactKind).decode(payload));
      outbox.push(this.#letters.numberOf({ id, type, data }));
    }
    const inbox = cause.kind === "fact" ? new Set([...before.inbox, cause.id]) : before.inbox;
    const after = this.#memories.numberOf({ rows, outbox, inbox });
    if (after >= memoriesMost) throw new Error(`${this.name} has more than ${memoriesMost} memories`);
    return { after, answer: outcome.answer, refusal: undefined, breach: law(before.rows, rows) };
  }

  #isKnown({ inbox }: Memory<Tables>, id: string): boolean {
    return this.#rules.hasInbox !== false && inbox.has(id);
  }

  #rowsOf(memory: Memory<Tables>, keys: Keys<Tables>): Rows<Tables> {
    const { initial } = this.#rules.decider;
    const tables = Object.keys(initial) as (keyof Tables)[];
    const read = (table: keyof Tables) =>
      new Map((keys[table] ?? []).map((key) => [key, memory.rows[table][key] ?? initial[table](key)]));
    return Object.fromEntries(tables.map((table) => [table, read(table)])) as unknown as Rows<Tables>;
  }
}

function merged<Tables>(
  rows: Kept<Tables>,
  changed: { readonly [T in keyof Tables]?: ReadonlyMap<string, Tables[T]> },
): Kept<Tables> {
  const after: Record<string, unknown> = { ...rows };
  for (const [table, states] of Object.entries(changed)) {
    after[table] = {
      ...(after[table] as object),
      ...Object.fromEntries(states as ReadonlyMap<string, unknown>),
    };
  }
  return after as Kept<Tables>;
}

const never = new Date(0);

/** Without the moments that only inform: nobody decides by when something was confirmed, cancelled or approved. */
function untimed<Data extends object>(data: Data): Data {
  const moments = ["confirmedAt", "cancelledAt", "approvedAt"].filter((name) => name in data);
  return { ...data, ...Object.fromEntries(moments.map((name) => [name, never])) };
}
