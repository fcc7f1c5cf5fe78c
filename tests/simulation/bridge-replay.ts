// Does over SQL what a run did over memory, group by group, and says where the two differ.
import { type Service, services } from "@quadrille/contracts/events";
import type { Outcome } from "@quadrille/outbox/decision";
import { canonical } from "./bridge-canonical.ts";
import { askedMost, type CommittedGroup, type History, type Look } from "./bridge-recording.ts";
import { differences, rowsIn, type Stores, snapshotOfMemory, snapshotOfSql } from "./bridge-snapshot.ts";
import { openSql, type Sql } from "./bridge-sql.ts";

/** What was done and compared. */
export interface Replayed {
  groups: number;
  inputs: number;
  /** Answers and refusals held against each other; the others were heard by nobody. */
  answers: number;
  refusals: number;
  /** Sweepers' questions, and what they found. */
  looks: number;
  found: number;
  rows: number;
  readonly differences: string[];
}

export const nothingReplayed = (): Replayed => {
  return { groups: 0, inputs: 0, answers: 0, refusals: 0, looks: 0, found: 0, rows: 0, differences: [] };
};

export type Bridge = Readonly<Record<Service, Sql>> & AsyncDisposable;

export async function openBridge(): Promise<Bridge> {
  await using opening = new AsyncDisposableStack();
  const opened = await Promise.all(services.map(async (service) => opening.use(await openSql(service))));
  const open = opening.move();
  const byService: unknown = Object.fromEntries(opened.map((sql) => [sql.service, sql]));
  return { ...(byService as Record<Service, Sql>), [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** The services do not wait for each other: what one heard of another is written down with its inputs. */
export async function replayAll(
  bridge: Bridge,
  histories: Readonly<Record<Service, History>>,
  replayed: Replayed,
): Promise<void> {
  await Promise.all(
    services.map(async (service) => {
      await replay(bridge[service], histories[service], replayed);
      await compare(bridge[service], histories[service], replayed);
    }),
  );
}

/** Empties the database, then does what the history did. */
export async function replay(sql: Sql, { groups, looks }: History, replayed: Replayed): Promise<void> {
  await sql.empty();
  const looksLeft = [...looks];
  for (let done = 0; done <= groups.length; done += 1) {
    while (looksLeft[0]?.after === done) await look(sql, looksLeft.shift() as Look, replayed);
    const group = groups[done];
    if (group !== undefined) await replayGroup(sql, group, `group ${done + 1}`, replayed);
  }
}

async function replayGroup(
  { service, store, setNow, setFactIds }: Sql,
  { calls, now, factIds, isHeard }: CommittedGroup,
  name: string,
  replayed: Replayed,
): Promise<void> {
  await setNow(now);
  setFactIds(factIds);
  let commits = 0;
  const forget = store.onCommit(() => {
    commits += 1;
  });
  const handle = store.handle as (...given: unknown[]) => Promise<unknown>;
  // In one turn of the event loop, so it is one group.
  const outcomes = await Promise.all(
    calls.map(({ input, cause, answer }) => handle(input, cause, answer).then(answered, refused)),
  );
  forget();
  replayed.groups += 1;
  replayed.inputs += calls.length;
  if (commits !== 1) replayed.differences.push(`${service} ${name}: ${commits} transactions instead of one`);
  for (const [index, { outcome }] of calls.entries()) {
    if (!isHeard || outcome === undefined) continue;
    const [inMemory, inSql] = [textOf(outcome), textOf(outcomes[index] as Outcome)];
    replayed.answers += 1;
    if (!outcome.ok) replayed.refusals += 1;
    if (inMemory !== inSql)
      replayed.differences.push(
        `${service} ${name}, input ${index + 1}: ${inMemory} in memory, ${inSql} in SQL`,
      );
  }
}

const answered = (answer: unknown): Outcome => ({ ok: true, answer });
const refused = (error: unknown): Outcome => ({ ok: false, error });
const textOf = (outcome: Outcome) => canonical(outcome.ok ? { answer: outcome.answer } : outcome.error);

async function look(sql: Sql, { after, now, found }: Look, replayed: Replayed): Promise<void> {
  await sql.setNow(now);
  const store = sql.store as unknown as Record<string, (atMost: number) => Promise<readonly unknown[]>>;
  for (const [question, expected] of Object.entries(found)) {
    const given = (await store[question]?.(askedMost)) ?? [];
    replayed.looks += 1;
    replayed.found += expected.length;
    // Of what became due in the same moment nobody says which comes first.
    const [inMemory, inSql] = [expected, given].map((rows) => rows.map(canonical).sort().join(", "));
    if (inMemory !== inSql)
      replayed.differences.push(
        `${sql.service} ${question} after ${after} groups: ${inMemory} in memory, ${inSql} in SQL`,
      );
  }
}

/** Holds every row of both against each other. */
export async function compare(sql: Sql, history: History, replayed: Replayed): Promise<void> {
  const inMemory = snapshotOfMemory(history);
  const stores = { [sql.service]: sql.store } as unknown as Stores;
  const inSql = await snapshotOfSql(sql.service, stores, sql.query);
  replayed.rows += rowsIn(inMemory);
  for (const difference of differences(inMemory, inSql))
    replayed.differences.push(`${sql.service} ${difference}`);
}
