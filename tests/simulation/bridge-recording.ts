// Writes down what a run's services committed, group by group, so that the same can be done over SQL.
import type { Service } from "@quadrille/contracts/events";
import type { Fact, Instant } from "@quadrille/decider";
import type { Answer, Cause, Outcome } from "@quadrille/outbox/decision";
import type { Fault, MemoryDatabase } from "@quadrille/outbox/memory";
import { type DecisionOptions, type Ground, type Store, storeOn } from "@quadrille/outbox/store";
import type { Claim, GroupTransaction, Transactions } from "@quadrille/outbox/transaction";

/** One input that was handed to a store. */
export interface Call {
  readonly input: unknown;
  readonly cause: Cause;
  readonly answer: Answer<never, unknown> | undefined;
  /** What its caller heard; undefined when nobody was there to hear it any more. */
  outcome: Outcome | undefined;
}

/** One transaction that was committed. */
export interface CommittedGroup {
  readonly calls: readonly Call[];
  readonly claims: readonly Claim[];
  /** Facts it was asked about that stood in the inbox already. */
  readonly repeated: readonly Claim[];
  readonly now: Instant;
  /** Of the facts it told, in their order. */
  readonly factIds: readonly string[];
  /** False when the connection broke at the commit: then the callers heard nothing of what they were answered. */
  readonly isHeard: boolean;
}

/** What the sweepers would have been answered between two groups. */
export interface Look {
  /** So many groups were committed before it. */
  readonly after: number;
  readonly now: Instant;
  readonly found: Readonly<Record<string, readonly unknown[]>>;
}

/** What is written down of one service. */
export interface History {
  readonly groups: CommittedGroup[];
  readonly looks: Look[];
  /** As it stands; at the run's end it is what the groups led to. */
  database: AnyDatabase | undefined;
}

/** What can be seen of a database without knowing its tables. */
export type AnyDatabase = Pick<
  MemoryDatabase<Record<string, unknown>, unknown>,
  "tables" | "rows" | "entries" | "inbox" | "requests" | "outbox" | "parked"
>;

/** What a service's sweepers ask, by name. */
export type Questions = Readonly<Record<string, (atMost: number) => readonly unknown[]>>;

/** Whose store it is. */
export interface Recorded<Tables, Entry> {
  readonly service: Service;
  readonly database: MemoryDatabase<Tables, Entry>;
  readonly questions: Questions;
}

/** More than a run has rows. */
export const askedMost = 1_000;
/** Every so many groups the sweepers' questions are asked. */
const groupsPerLook = 4;
/** No decider has a table of this name; under it the keys of a group name its inputs. */
const callTable = "bridge.calls";

type Opened = Omit<CommittedGroup, "isHeard" | "factIds"> & { factIds: readonly string[] };

export class Recording {
  readonly histories: Readonly<Record<Service, History>> = {
    order: { groups: [], looks: [], database: undefined },
    product: { groups: [], looks: [], database: undefined },
    member: { groups: [], looks: [], database: undefined },
    payment: { groups: [], looks: [], database: undefined },
  };
  readonly #calls: Call[] = [];
  /** The transaction each replica is in; it is never in two. */
  readonly #opened = new Map<string, Opened>();

  /** A store that decides as any other and is written down. */
  storeOn<Tables, Input, F extends Fact, Entry>(
    about: Recorded<Tables, Entry>,
    replica: string,
    ground: Ground<Tables, Entry>,
    options: DecisionOptions<Tables, Input, F, Entry>,
  ): Store<Tables, Input> {
    this.histories[about.service].database = about.database as unknown as AnyDatabase;
    let calling = "";
    // A group asks for the keys of all its inputs in the order in which it decides them, so they tell which they are.
    const keys = (input: Input) => ({ ...options.decider.keys(input), [callTable]: [calling] });
    const listened: Ground<Tables, Entry> = {
      ...ground,
      transactions: this.#listening(about, replica, ground.transactions),
      isReady: () => ground.isReady(),
      close: () => ground.close(),
    };
    const store = storeOn(listened, { ...options, decider: { ...options.decider, keys } });
    const plain = store.handle as (...given: unknown[]) => Promise<unknown>;
    const handle = async (input: Input, cause: Cause, answer?: Call["answer"]) => {
      const call: Call = { input, cause, answer, outcome: undefined };
      calling = String(this.#calls.push(call) - 1);
      try {
        const said = await plain(input, cause, answer);
        call.outcome = { ok: true, answer: said };
        return said;
      } catch (error) {
        call.outcome = { ok: false, error };
        throw error;
      }
    };
    return Object.assign(store, { handle: handle as typeof store.handle });
  }

  /** A replica is at its commit; the rows change in the same moment. */
  commits(service: Service, replica: string, fault: Fault | undefined): void {
    const opened = this.#opened.get(replica);
    const isKept = fault === undefined || fault === "lost_after" || fault === "crash_after";
    if (opened === undefined || !isKept) return;
    this.histories[service].groups.push({ ...opened, isHeard: fault === undefined });
  }

  #listening<Tables, Entry>(
    about: Recorded<Tables, Entry>,
    replica: string,
    transactions: Transactions<Tables, Entry>,
  ): Transactions<Tables, Entry> {
    const listen = (transaction: GroupTransaction<Tables, Entry>): GroupTransaction<Tables, Entry> => ({
      open: async (asked) => {
        const opened = await transaction.open(asked);
        const names = (asked.keys as Record<string, readonly string[]>)[callTable] ?? [];
        const calls = names.map((name) => this.#calls[Number(name)] as Call);
        const claims = asked.claims.filter(({ factId }) => opened.fresh.has(factId));
        const repeated = asked.claims.filter(({ factId }) => !opened.fresh.has(factId));
        this.#opened.set(replica, { calls, claims, repeated, now: opened.now, factIds: [] });
        this.#look(about);
        return opened;
      },
      write: async (written) => {
        const opened = this.#opened.get(replica) as Opened;
        opened.factIds = written.envelopes.map(({ id }) => id);
        await transaction.write(written);
      },
    });
    return { run: (work) => transactions.run((transaction) => work(listen(transaction))) };
  }

  #look<Tables, Entry>({ service, database, questions }: Recorded<Tables, Entry>): void {
    const { groups, looks } = this.histories[service];
    if (groups.length % groupsPerLook !== 0 || looks.at(-1)?.after === groups.length) return;
    const found = Object.entries(questions).map(([name, ask]) => [name, ask(askedMost)] as const);
    looks.push({ after: groups.length, now: database.now(), found: Object.fromEntries(found) });
  }
}
