import { describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { type Fault, MemoryDatabase } from "./memory.ts";
import { storeOn } from "./store.ts";
import { factCause, hold, TestClock } from "./testing/memory-stock.ts";
import { type Movement, type Stock, type StockInput, stock } from "./testing/stock.ts";

/** A die that is the same in every run with the same seed. */
function dieOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const orders = 400;
const faults: readonly Fault[] = ["conflict", "busy", "lost", "lost_after", "crash", "crash_after"];
const variants = ["a", "b", "c"];
const holdOf = (order: number) => hold(`order-${order}`, variants[order % 3] as string);

/** Three replicas, each fact heard by two of them at random times, anything failing at any point. */
async function simulate(seed: number) {
  const die = dieOf(seed);
  const clock = new TestClock();
  const trace: string[] = [];
  let isCalm = false;
  const database = new MemoryDatabase<Stock, Movement>({
    initial: stock.initial,
    aggregates: "holds",
    isAbsent: { holds: ({ status }) => status === "ABSENT", variants: ({ status }) => status === "ABSENT" },
    clock,
    lockWaitMs: 50,
    latencyMs: () => Math.ceil(die() * 20),
    fault: (point, replica) => {
      const possible = point === "commit" ? faults : faults.filter((fault) => !fault.endsWith("_after"));
      const fault = isCalm || die() > 0.1 ? undefined : possible[Math.floor(die() * possible.length)];
      trace.push(`${clock.now()} ${replica} ${point} ${fault ?? ""}`);
      return fault;
    },
  });

  let ids = 0;
  const newId = () => {
    ids += 1;
    return `fact-${ids}`;
  };
  const open = (name: string) => {
    const connection = database.connect(name);
    const store = storeOn(connection, { decider: stock, aggregates: "holds", most: 16, newId });
    return { connection, store };
  };
  const replicas = ["one", "two", "three"].map(open);
  /** A replica that died is started again. */
  const replica = async (index: number) => {
    const at = replicas[index] as (typeof replicas)[number];
    if (!(await at.store.isReady())) replicas[index] = open(`${["one", "two", "three"][index]}'`);
    return (replicas[index] as (typeof replicas)[number]).store;
  };

  const answers: Promise<unknown>[] = [];
  const hear = async (input: StockInput, id: string) => {
    const store = await replica(Math.floor(die() * 3));
    answers.push(
      store.handle(input, factCause(id)).then(
        () => "",
        (error) => error,
      ),
    );
  };
  for (const variantId of variants)
    await hear({ type: "Receive", variantId, quantity: 180 }, `receive ${variantId}`);
  for (let order = 0; order < orders; order += 1) {
    for (let time = 0; time < 2; time += 1) await hear(holdOf(order), `hold ${order}`);
    await clock.advance(Math.ceil(die() * 10));
  }
  await clock.advance(60_000);
  isCalm = true;
  // Whatever was not answered is heard again, as from a broker.
  for (const variantId of variants)
    await hear({ type: "Receive", variantId, quantity: 180 }, `receive ${variantId}`);
  await clock.advance(60_000);
  for (let order = 0; order < orders; order += 1) await hear(holdOf(order), `hold ${order}`);
  await clock.advance(60_000);
  return { database, trace, answers };
}

const happened = new Set<string>();

describe.each([1, 2, 3, 4, 5])("seed %i", (seed) => {
  test("keeps every count through conflicts, losses and deaths", async () => {
    const { database, trace, answers } = await simulate(seed);
    const held = [...database.rows.holds.values()].filter(({ state }) => state.status === "HELD");
    const left = variants.map((variantId) => database.read("variants", variantId).available);
    expect(left.every((available) => available >= 0n)).toBe(true);
    expect(left.reduce((sum, available) => sum + available, 0n)).toBe(540n - BigInt(held.length));
    for (const variantId of variants) {
      const moved = database.entries.filter(({ entry }) => entry.variantId === variantId);
      const sum = moved.reduce((total, { entry }) => total + entry.quantity, 0);
      expect(BigInt(sum)).toBe(database.read("variants", variantId).available);
    }
    // Each hold told one fact, its first; each fact stands in the inbox once, with what it did.
    expect(database.outbox.rows.size).toBe(held.length);
    expect([...database.outbox.rows.values()].every(({ envelope }) => envelope.aggregateVersion === 1)).toBe(
      true,
    );
    expect(held).toHaveLength(orders);
    for (const line of trace) happened.add(line.split(" ").at(-1) as string);
    // Nothing is locked any more.
    const errors = await Promise.all(answers.map((answer) => Promise.race([answer, undefined])));
    expect(errors.filter((error) => error instanceof Error && !(error instanceof Refusal))).toEqual([]);
    const { locks } = database;
    const prober = { waiting: undefined, held: [], ended: false };
    for (let order = 0; order < orders; order += 1)
      expect(locks.take(prober, `holds order-${order}`)).toBeUndefined();
  });

  test("runs the same every time", async () => {
    const [one, other] = [await simulate(seed), await simulate(seed)];
    expect(other.trace).toEqual(one.trace);
    expect([...other.database.outbox.rows.keys()]).toEqual([...one.database.outbox.rows.keys()]);
  });
});

test("every kind of fault happened in one of them", () => {
  for (const fault of faults) expect(happened).toContain(fault);
});
