import { describe, expect, test } from "@jest/globals";
import type { Envelope, Placement } from "@quadrille/contracts/envelope";
import { type RelayOptions, startRelay } from "./relay.ts";
import { testId } from "./testing/bench.ts";
import { hear, openStock, settled } from "./testing/memory-stock.ts";

/** A broker that can refuse, or wait until it is told to go on. */
function openBroker() {
  const published: string[] = [];
  const broker = {
    published,
    attempts: 0,
    inFlight: 0,
    inFlightMost: 0,
    refuses: (_: Envelope) => false,
    waits: undefined as Promise<void> | undefined,
    async publish(envelope: Envelope): Promise<Placement> {
      broker.attempts += 1;
      broker.inFlight += 1;
      broker.inFlightMost = Math.max(broker.inFlightMost, broker.inFlight);
      await broker.waits;
      broker.inFlight -= 1;
      if (broker.refuses(envelope)) throw new Error("refused by the broker");
      published.push(envelope.id);
      return { stream: "QUADRILLE_PRODUCT", seq: BigInt(published.length), duplicate: false };
    },
  };
  return broker;
}

function open(options: Partial<RelayOptions> = {}) {
  const opened = openStock();
  const broker = openBroker();
  const warnings: string[] = [];
  const log = {
    info: () => undefined,
    warn: (_: object, sentence: string) => warnings.push(sentence),
    error: () => undefined,
  };
  const relayOf = (more: Partial<RelayOptions> = {}) =>
    startRelay({
      outbox: opened.store.outbox,
      publish: broker.publish,
      clock: opened.clock,
      log,
      ...options,
      ...more,
    });
  /** Tells facts, and gives their ids in the order of commits. */
  const tell = async (count: number): Promise<string[]> => {
    const before = opened.database.outbox.rows.size;
    await Promise.all(
      Array.from({ length: count }, () => hear(opened.store, { type: "Release", orderId: testId() })),
    );
    return [...opened.database.outbox.rows.keys()].slice(before);
  };
  return { ...opened, broker, warnings, relayOf, tell };
}

describe("what was committed", () => {
  test("is published at once and marked with its place in the stream", async () => {
    const { broker, relayOf, tell, clock, database } = open();
    await using relay = relayOf();
    const ids = await tell(3);
    await clock.advance(100);
    expect(broker.published).toEqual(ids);
    expect(database.outbox.rows.get(ids[2] as string)?.placement).toEqual({
      stream: "QUADRILLE_PRODUCT",
      seq: 3n,
      duplicate: false,
    });
    expect(await database.outbox.backlog()).toBe(0);
    expect(relay.counts).toEqual({ published: 3, failed: 0, dropped: 0, swept: 0 });
    await relay.sweep();
    await clock.advance(10_000);
    await relay.sweep();
    expect(broker.attempts).toBe(3);
  });

  test("is published in a window", async () => {
    const { broker, relayOf, tell } = open({ windowMost: 4 });
    await using relay = relayOf();
    await tell(30);
    await settled();
    expect(broker.inFlightMost).toBe(4);
    expect(broker.published).toHaveLength(30);
    expect(relay.pending).toBe(0);
  });

  test("stays in the table when memory is full, and is swept from there", async () => {
    const { broker, relayOf, tell, clock, database } = open({ memoryMost: 600, windowMost: 10 });
    await using relay = relayOf();
    const waits = Promise.withResolvers<void>();
    broker.waits = waits.promise;
    await tell(610);
    expect(relay.pending).toBe(600);
    expect(relay.counts.dropped).toBe(10);
    await clock.advance(6_000);
    await relay.sweep(); // No room yet.
    expect(relay.counts.swept).toBe(0);
    waits.resolve();
    await clock.advance(100);
    await relay.sweep();
    await clock.advance(100);
    expect(relay.counts.swept).toBe(10);
    expect(await database.outbox.backlog()).toBe(0);
    expect(broker.attempts).toBe(610);
  });
});

describe("a publish that fails", () => {
  test("leaves its fact to the sweep, and the broker in peace for a while", async () => {
    const { broker, relayOf, tell, clock, warnings } = open();
    await using relay = relayOf();
    broker.refuses = () => true;
    const first = await tell(1);
    await settled();
    const second = await tell(1);
    await settled();
    expect(broker.attempts).toBe(1); // The second waits in memory.
    expect(relay.pending).toBe(1);
    await relay.sweep();
    expect(broker.attempts).toBe(1);
    broker.refuses = () => false;
    await clock.advance(250);
    expect(broker.published).toEqual(second);
    await clock.advance(5_000);
    await relay.sweep();
    expect(broker.published).toEqual([...second, ...first]);
    expect(warnings).toEqual(["the broker did not take a fact; it stays in the outbox"]);

    // A success ended it: the next failure is the first again.
    broker.refuses = () => true;
    await tell(1);
    await settled();
    broker.refuses = () => false;
    const third = await tell(1);
    await clock.advance(249);
    expect(broker.published).toHaveLength(2);
    await clock.advance(1);
    expect(broker.published.at(-1)).toBe(third[0]);
    expect(warnings).toHaveLength(2);
  });

  test("is waited for twice as long each time, half a minute at most, and once for all that were in flight", async () => {
    const { broker, relayOf, tell, clock } = open({ windowMost: 8 });
    await using relay = relayOf();
    broker.refuses = () => true;
    const start = clock.now();
    await tell(200);
    await settled();
    expect(broker.attempts).toBe(8);
    const attempts = [0];
    for (let before = broker.attempts; clock.now() - start < 200_000; ) {
      await clock.advance(50);
      if (broker.attempts > before) attempts.push(clock.now() - start);
      before = broker.attempts;
    }
    const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] as number));
    expect(gaps.slice(0, 8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    expect(relay.counts.published).toBe(0);
  });

  test("for its own sake holds nobody else up for long", async () => {
    const { broker, relayOf, tell, clock, database } = open({ windowMost: 1 });
    await using relay = relayOf();
    let poison: string | undefined;
    broker.refuses = (envelope) => {
      poison ??= envelope.id;
      return envelope.id === poison;
    };
    await tell(50);
    await clock.advance(300);
    expect(broker.published).toHaveLength(49);
    for (let sweep = 0; sweep < 3; sweep += 1) {
      await clock.advance(31_000);
      await relay.sweep();
    }
    expect(relay.counts.failed).toBe(4);
    expect(await database.outbox.backlog()).toBe(1);
  });
});

describe("a sweep", () => {
  test("gives up its claim on what the broker did not take, for the next one to have", async () => {
    const { broker, relayOf, tell, clock } = open();
    const ids = await tell(3);
    await using relay = relayOf();
    broker.refuses = () => true;
    await clock.advance(5_001);
    void relay.sweep();
    await clock.advance(1_000);
    broker.refuses = () => false;
    await clock.advance(5_000);
    await relay.sweep();
    expect(broker.published).toEqual(ids);
  });

  test("takes over what a process that died had told, batch by batch", async () => {
    const { broker, relayOf, tell, clock, database } = open();
    const ids = await tell(1_200);
    await using relay = relayOf();
    await relay.sweep();
    expect(broker.attempts).toBe(0); // Too young: whoever told them is publishing them.
    await clock.advance(5_001);
    await relay.sweep();
    expect(broker.published).toEqual(ids);
    expect(relay.counts.swept).toBe(1_200);
    await clock.advance(100);
    expect(await database.outbox.backlog()).toBe(0);
  });

  test("leaves to another relay what that one claimed, until the claim ends", async () => {
    const { broker, relayOf, tell, clock } = open();
    const ids = await tell(2);
    await using dying = relayOf({ publish: () => new Promise(() => undefined), drainMs: 0 });
    await using living = relayOf();
    await clock.advance(5_001);
    void dying.sweep();
    await living.sweep();
    expect(broker.published).toEqual([]);
    await clock.advance(30_001);
    await living.sweep();
    expect(broker.published).toEqual(ids);
    const closing = dying[Symbol.asyncDispose]();
    await clock.advance(1);
    await closing;
  });

  test("does not publish what is in memory a second time", async () => {
    const { broker, relayOf, tell, clock } = open();
    await using relay = relayOf();
    const waits = Promise.withResolvers<void>();
    broker.waits = waits.promise;
    await tell(2);
    await clock.advance(5_001);
    await relay.sweep();
    expect(broker.attempts).toBe(2);
    waits.resolve();
    await settled();
    expect(broker.published).toHaveLength(2);
  });

  test("that runs is the one that is waited for", async () => {
    const { relayOf } = open();
    await using relay = relayOf();
    expect(relay.sweep()).toBe(relay.sweep());
  });

  test("that the database does not answer is tried again later", async () => {
    const { store, relayOf, warnings } = open();
    const claim = () => Promise.reject(new Error("no database"));
    await using relay = relayOf({ outbox: { ...store.outbox, claim } });
    await relay.sweep();
    expect(warnings).toEqual(["the outbox could not be swept"]);
  });
});

test("marks the database does not take are made at the next sweep", async () => {
  const { store, relayOf, tell, clock, database, warnings } = open();
  let isBroken = true;
  const mark: typeof store.outbox.mark = (published) =>
    isBroken ? Promise.reject(new Error("no database")) : store.outbox.mark(published);
  await using relay = relayOf({ outbox: { ...store.outbox, mark } });
  await tell(3);
  await clock.advance(100);
  await tell(2);
  await clock.advance(100);
  expect(await database.outbox.backlog()).toBe(5);
  expect(warnings).toContain("published facts could not be marked");
  isBroken = false;
  await relay.sweep();
  expect(await database.outbox.backlog()).toBe(0);
});

describe("closing", () => {
  test("sends and marks what is in memory, and hears of no later commit", async () => {
    const { broker, relayOf, tell, database } = open({ windowMost: 2 });
    const relay = relayOf();
    const ids = await tell(7);
    await relay[Symbol.asyncDispose]();
    expect(broker.published).toEqual(ids);
    expect(await database.outbox.backlog()).toBe(0);
    await tell(1);
    expect(broker.attempts).toBe(7);
  });

  test("does not wait longer than it may for a broker that does not answer", async () => {
    const { broker, relayOf, tell, clock } = open({ windowMost: 2, drainMs: 3_000 });
    const relay = relayOf();
    broker.waits = new Promise(() => undefined);
    await tell(5);
    let isClosed = false;
    const closing = relay[Symbol.asyncDispose]().then(() => {
      isClosed = true;
    });
    await clock.advance(2_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closing;
    expect(broker.attempts).toBe(2);
  });

  test("leaves the rest to the table when the broker refuses", async () => {
    const { broker, relayOf, tell, database } = open({ windowMost: 1 });
    const relay = relayOf();
    broker.refuses = () => true;
    await tell(5);
    await relay[Symbol.asyncDispose]();
    expect(broker.attempts).toBe(1);
    expect(await database.outbox.backlog()).toBe(5);
  });
});
