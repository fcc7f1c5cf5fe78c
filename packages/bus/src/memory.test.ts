// The memory bus keeps the contract, and goes wrong exactly as it is told to.
import { describe, expect, test } from "@jest/globals";
import { type ForgetfulArena, factFor, limitsForTests, linesFor, noLog, parkNothing } from "./arena.ts";
import type { Bus, Limits } from "./bus.ts";
import { busContract } from "./contract.ts";
import { forgetfulContract } from "./forgetful.contract.ts";
import { MemoryBroker, type MemoryBrokerOptions } from "./memory.ts";
import { VirtualClock } from "./virtual-clock.ts";

class MemoryArena implements ForgetfulArena {
  readonly clock = new VirtualClock();
  readonly broker: MemoryBroker;
  readonly #open: Bus[] = [];

  constructor(options: Omit<MemoryBrokerOptions, "clock"> = {}) {
    this.broker = new MemoryBroker({ ...options, clock: this.clock });
  }

  connect(limits: Partial<Limits> = {}): Bus {
    const bus = this.broker.connect({ log: noLog, limits });
    this.#open.push(bus);
    return bus;
  }

  async put(message: Parameters<MemoryBroker["publish"]>[0]): Promise<void> {
    this.broker.publish(message);
  }

  until(holds: () => boolean, withinMs = 10_000): Promise<void> {
    return this.clock.until(holds, withinMs);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async restart(): Promise<void> {
    this.broker.rollBack({ ms: 0 });
  }

  async wipe(): Promise<void> {
    this.broker.wipe();
  }

  async copy() {
    const copiedAt = this.clock.now();
    // In this moment everything was stored at the latest; what comes is stored later.
    await this.clock.advance(1);
    return async (of: "all" | "messages") =>
      this.broker.rollBack({ ms: this.clock.now() - copiedAt }, of === "all" ? "same" : "newer");
  }

  async dropStream(): Promise<void> {
    this.broker.wipe("order");
  }

  async purge(upToSeq?: number): Promise<void> {
    this.broker.purge("order", upToSeq);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((bus) => bus[Symbol.asyncDispose]()));
  }
}

busContract("memory", async (limits) => new MemoryArena({ limits }));
forgetfulContract("memory", async (limits) => new MemoryArena({ limits }));

describe("the memory bus", () => {
  test("forgets after the window that it has a fact already", async () => {
    await using arena = new MemoryArena();
    const bus = arena.connect();
    await bus.ownStream("order");
    const fact = factFor();
    await bus.publish(fact);
    await arena.pass(119_999);
    expect((await bus.publish(fact)).duplicate).toBe(true);
    await arena.pass(1);
    expect(await bus.publish(fact)).toEqual({ stream: "QUADRILLE_ORDER", seq: 2n, duplicate: false });
  });

  test("a publish may be lost, or stored without an answer", async () => {
    const fates = ["lost", "unanswered", "stored"] as const;
    let at = 0;
    await using arena = new MemoryArena({ faults: { publish: () => fates[at++] ?? "stored" } });
    const bus = arena.connect();
    await bus.ownStream("order");
    const fact = factFor();
    await expect(bus.publish(fact)).rejects.toThrow("no answer from the broker");
    await expect(bus.publish(fact)).rejects.toThrow("no answer from the broker");
    expect(await bus.publish(fact)).toEqual({ stream: "QUADRILLE_ORDER", seq: 1n, duplicate: true });
  });

  test("a delivery may be lost, doubled, or overtaken", async () => {
    const copies = new Map([
      [1, [50]],
      [2, [0, 0]],
    ]);
    await using arena = new MemoryArena({
      limits: limitsForTests,
      faults: {
        deliver: ({ seq, deliveries }) => (deliveries > 1 ? [0] : (copies.get(seq) ?? [])),
      },
    });
    const bus = arena.connect();
    await bus.ownStream("order");
    const heard: bigint[] = [];
    const lines = linesFor("payment", async (_, { seq }) => heard.push(seq));
    bus.subscribe("payment", lines, parkNothing);
    for (let told = 0; told < 3; told += 1) await bus.publish(factFor());
    await arena.pass(100);
    expect(heard).toEqual([2n, 2n, 1n]);
    await arena.pass(limitsForTests.ackWaitMs);
    expect(heard).toEqual([2n, 2n, 1n, 3n]);
  });

  test("an answer may be lost, and then the fact comes again", async () => {
    let lost = 0;
    await using arena = new MemoryArena({
      limits: limitsForTests,
      faults: { answer: () => lost++ > 0 },
    });
    const bus = arena.connect();
    await bus.ownStream("order");
    let heard = 0;
    bus.subscribe(
      "payment",
      linesFor("payment", async () => (heard += 1)),
      parkNothing,
    );
    await bus.publish(factFor());
    await arena.pass(limitsForTests.ackWaitMs - 1);
    expect(heard).toBe(1);
    await arena.pass(limitsForTests.ackWaitMs * 3);
    expect(heard).toBe(2);
  });

  test("what arrives at a replica that closed goes to another at once", async () => {
    await using arena = new MemoryArena({ faults: { deliver: () => [50] } });
    const [leaving, staying] = [arena.connect(), arena.connect()];
    await leaving.ownStream("order");
    const lines = linesFor("payment", async () => {});
    const left = leaving.subscribe("payment", lines, parkNothing);
    await leaving.publish(factFor());
    await arena.pass(10);
    const stayed = staying.subscribe("payment", lines, parkNothing);
    await left[Symbol.asyncDispose]();
    await arena.until(() => stayed.counts.handled === 1, 200);
    expect(left.counts.handled).toBe(0);
  });

  test("a replica that dies answers nothing, and its facts come to another when the broker's patience ends", async () => {
    await using arena = new MemoryArena({ limits: limitsForTests });
    const dying = arena.broker.connect({ log: noLog });
    await dying.ownStream("order");
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const stuck = linesFor("payment", () => {
      begun += 1;
      return gate.promise;
    });
    dying.subscribe("payment", stuck, parkNothing);
    for (let told = 0; told < 2; told += 1) await dying.publish(factFor());
    await arena.until(() => begun === 2);
    dying.crash();
    dying.crash();
    gate.resolve();
    await expect(dying.publish(factFor())).rejects.toThrow("the bus is closed");
    const heir = arena.connect().subscribe(
      "payment",
      linesFor("payment", async () => {}),
      parkNothing,
    );
    await arena.pass(limitsForTests.ackWaitMs - 10);
    expect(heir.counts.handled).toBe(0);
    await arena.until(() => heir.counts.handled === 2, 50);
  });

  test("sends no more unacknowledged facts than the durable allows", async () => {
    await using arena = new MemoryArena({ limits: { ackPendingMost: 3 } });
    const bus = arena.connect();
    await bus.ownStream("order");
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const lines = linesFor("payment", () => {
      begun += 1;
      return gate.promise;
    });
    const hearing = bus.subscribe("payment", lines, parkNothing);
    for (let told = 0; told < 5; told += 1) await bus.publish(factFor());
    await arena.pass(10);
    expect(begun).toBe(3);
    gate.resolve();
    await arena.until(() => hearing.counts.handled === 5);
  });

  test("two runs with the same faults are the same run", async () => {
    const run = async () => {
      let seed = 7;
      const random = () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed / 2_147_483_647;
      };
      const deliver = () => (random() < 0.2 ? [] : [Math.floor(random() * 100)]);
      const faults = { deliver, answer: () => random() < 0.8 };
      await using arena = new MemoryArena({ limits: limitsForTests, random, faults });
      const bus = arena.connect();
      await bus.ownStream("order");
      const heard: string[] = [];
      const lines = linesFor("payment", async (_, { seq }) => heard.push(`${arena.clock.now()}:${seq}`));
      bus.subscribe("payment", lines, parkNothing);
      for (let told = 0; told < 50; told += 1) await bus.publish(factFor());
      await arena.pass(20_000);
      return heard;
    };
    const once = await run();
    expect(new Set(once.map((line) => line.split(":")[1])).size).toBe(50);
    expect(once.length).toBeGreaterThan(50);
    expect(await run()).toEqual(once);
  });
});
