// The JetStream bus keeps the contract on a real nats-server, and outlives what happens to one.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { nanos } from "@nats-io/transport-node";
import { type Nats, startNats } from "@quadrille/embedded";
import { type Arena, factFor, limitsForTests, linesFor, noLog, parkNothing } from "./arena.ts";
import { type Bus, connectBus, NotPublished } from "./bus.ts";
import { busContract } from "./contract.ts";
import { systemClock } from "./ports.ts";
import { JetStreamArena } from "./testing/jetstream-arena.ts";
import { VirtualClock } from "./virtual-clock.ts";

jest.setTimeout(40_000);

let storeDir: string;
let server: Nats;

const start = (port?: number) => startNats({ storeDir, port, keep: true });

beforeAll(async () => {
  storeDir = await mkdtemp(join(tmpdir(), "quadrille-bus-"));
  server = await startNats({ storeDir });
}, 60_000);
afterAll(async () => {
  await server.stop();
  // The last one to use the folder takes it away.
  await (await startNats({ storeDir, keep: false })).stop();
}, 60_000);

busContract("jetstream", (limits) => JetStreamArena.open(server, limits));

describe("the broker's side", () => {
  test("streams and durables are what the portable subset says", async () => {
    await using arena = await JetStreamArena.open(server, {});
    const bus = arena.connect();
    await bus.ownStream("order");
    const lines = linesFor("payment", async () => {});
    await bus.subscribe("payment", lines, parkNothing).ready;
    const stream = (await arena.jsm.streams.info("QUADRILLE_ORDER")).config;
    expect(stream).toMatchObject({
      subjects: ["quadrille.order.v1.>"],
      retention: "limits",
      storage: "file",
      duplicate_window: nanos(120_000),
      max_age: nanos(3 * 24 * 3_600_000),
      num_replicas: 1,
    });
    const durable = (await arena.jsm.consumers.info("QUADRILLE_ORDER", "payment_hears_order")).config;
    expect(durable).toMatchObject({
      ack_policy: "explicit",
      ack_wait: nanos(30_000),
      max_deliver: -1,
      deliver_policy: "all",
      filter_subject: "quadrille.order.v1.>",
    });
    expect(durable.max_ack_pending).toBeGreaterThanOrEqual(1_000);
  });

  test("a stream that works otherwise is refused, again and again, until someone mends it", async () => {
    await using arena = await JetStreamArena.open(server);
    await arena.jsm.streams.add({
      name: "QUADRILLE_ORDER",
      subjects: ["quadrille.order.v1.>"],
      max_msgs: 10,
      no_ack: true,
    });
    const bus = arena.connect();
    let stands = false;
    void bus.ownStream("order").then(() => {
      stands = true;
    });
    await arena.until(() => arena.differences.length >= 2);
    expect(stands).toBe(false);
    const fields = arena.differences[0]?.differences.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(["max_msgs", "max_age", "no_ack"]));
    expect(arena.differences[0]?.message).toContain("stream QUADRILLE_ORDER: ");
    await arena.jsm.streams.delete("QUADRILLE_ORDER");
    await arena.until(() => stands);
  });

  test("a durable that works otherwise is refused and left as it is", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    await bus.publish(factFor());
    await arena.jsm.consumers.add("QUADRILLE_ORDER", {
      durable_name: "payment_hears_order",
      ack_policy: "explicit",
      max_deliver: 3,
    });
    const lines = linesFor("payment", async () => {});
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await arena.until(() => arena.differences.length > 0);
    expect(arena.differences[0]?.what).toBe("durable payment_hears_order");
    const { config } = await arena.jsm.consumers.info("QUADRILLE_ORDER", "payment_hears_order");
    expect(config.max_deliver).toBe(3);
    expect(hearing.counts.handled).toBe(0);
  });

  test("a stream deleted by hand is made again, and a durable with it", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    const lines = linesFor("payment", async () => {});
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena.until(() => hearing.counts.handled === 1);
    await arena.jsm.streams.delete("QUADRILLE_ORDER");
    await expect(bus.publish(factFor())).rejects.toThrow("no stream takes this fact");
    await publishAgain(arena, bus, factFor());
    await arena.until(() => hearing.counts.handled === 2);
  });

  test("a durable deleted by hand is made again; facts come once more", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    const lines = linesFor("payment", async () => {});
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena.until(() => hearing.counts.handled === 1);
    await arena.jsm.consumers.delete("QUADRILLE_ORDER", "payment_hears_order");
    await arena.until(() => hearing.counts.handled === 2);
  });

  test("a publish the broker does not take says why", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    const { config } = await arena.jsm.streams.info("QUADRILLE_ORDER");
    await arena.jsm.streams.update("QUADRILLE_ORDER", { ...config, max_msg_size: 10 });
    const refused = await bus.publish(factFor()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NotPublished);
    expect(String((refused as NotPublished).cause)).toContain("message size exceeds");
  });
});

describe("connecting", () => {
  test("answers come on subjects that carry the service's name, so the name has to fit into one", async () => {
    await using arena = await JetStreamArena.open(server);
    expect(() => arena.connect({}, { name: "order.1" })).toThrow("cannot be part of a subject");
    const replies: string[] = [];
    arena.nc.subscribe("quadrille.order.v1.>", {
      callback: (_, { reply }) => void replies.push(reply ?? ""),
    });
    await arena.nc.flush();
    const bus = arena.connect({}, { name: "order" });
    await bus.ownStream("order");
    await bus.publish(factFor());
    await arena.until(() => replies.length === 1);
    expect(replies[0]).toMatch(/^_INBOX_order\./);
  });

  test("a fact whose headers would break the protocol is refused", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    await expect(bus.publish({ ...factFor(), aggregateId: "1\r\nce-id: 2" })).rejects.toThrow();
    await bus.publish(factFor());
  });

  test("what the broker itself refuses to take in is not published", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect({ payloadMost: 4 * 1024 * 1024 });
    await bus.ownStream("order");
    const large = { ...factFor(), payload: new Uint8Array(2 * 1024 * 1024) };
    await expect(bus.publish(large)).rejects.toThrow("the fact could not be sent");
    await bus.publish(factFor());
  });
});

describe("a broker that goes away", () => {
  test("killed and started again, it is found again; meanwhile publishing fails at once", async () => {
    await using arena = await JetStreamArena.open(server);
    const bus = arena.connect();
    await bus.ownStream("order");
    const heard = new Set<string>();
    const lines = linesFor("payment", async (_, { id }) => heard.add(id));
    const hearing = bus.subscribe("payment", lines, parkNothing);
    const seen: bigint[] = [];
    bus.watch(["order"], ({ seq }) => seen.push(seq), { from: "start" });
    await bus.publish(factFor());
    await arena.until(() => hearing.counts.handled === 1 && seen.length === 1);

    const { port } = server;
    const lost = bus.publish(factFor()).catch((error: unknown) => error);
    server.kill("SIGKILL");
    await server.exited;
    await lost;
    await arena.until(() => !bus.isConnected());
    const before = systemClock.now();
    await expect(bus.publish(factFor())).rejects.toThrow("there is no connection to the broker");
    expect(systemClock.now() - before).toBeLessThan(100);
    await server.stop();
    server = await start(port);

    await arena.until(() => bus.isConnected());
    const fact = factFor();
    await publishAgain(arena, bus, fact);
    await arena.until(() => heard.has(fact.id));
    await arena.until(() => seen.length >= 2);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("a publish without an answer is given up when its own time is over", async () => {
    await using arena = await JetStreamArena.open(server);
    const clock = new VirtualClock();
    const bus = arena.connect({ publishTimeoutMs: 300, publishingMost: 3 }, { clock });
    await bus.ownStream("order");
    const ends: string[] = [];
    const publish = (name: string) =>
      bus.publish(factFor()).catch((error: unknown) => ends.push(`${name} at ${clock.now()}: ${error}`));
    server.kill("SIGSTOP");
    await pause(300); // A signal stops the threads of a process one by one; until the last, it still answers.
    try {
      void publish("early");
      await clock.advance(100);
      void publish("late");
      void publish("late too");
      await expect(bus.publish(factFor())).rejects.toThrow("3 publishes wait for the broker already");
      await clock.advance(1_000);
    } finally {
      server.kill("SIGCONT");
    }
    const why = "NotPublished: no answer from the broker within 300 ms";
    expect(ends).toEqual([`early at 300: ${why}`, `late at 400: ${why}`, `late too at 400: ${why}`]);
    await bus.publish(factFor());
  });

  test("a bus opened before its broker is there starts, waits, and can be closed while it waits", async () => {
    const port = server.port;
    await server.stop();
    const options = { servers: [`nats://127.0.0.1:${port}`], name: "test", replicas: 1, log: noLog };
    const onConfigDiffers = () => {};
    const early = connectBus({ ...options, onConfigDiffers, limits: limitsForTests });
    const other = connectBus({ ...options, onConfigDiffers });
    const owned = early.ownStream("order");
    const lines = linesFor("payment", async () => {});
    const hearing = early.subscribe("payment", lines, parkNothing);
    void other.ownStream("order");
    expect(early.isConnected()).toBe(false);
    await expect(early.publish(factFor())).rejects.toThrow(NotPublished);
    await other[Symbol.asyncDispose]();

    server = await start(port);
    await using arena = await JetStreamArena.open(server);
    await owned;
    await hearing.ready;
    await early.publish(factFor());
    await arena.until(() => hearing.counts.handled === 1);

    // Closed while it tries to reconnect, it does not hang.
    await server.stop();
    await arena.until(() => !early.isConnected());
    await early[Symbol.asyncDispose]();
    server = await start(port);
    await arena.until(() => !arena.nc.isClosed());
  });

  test("a session that is over acknowledges nothing in the next one", async () => {
    await using arena = await JetStreamArena.open(server, { ...limitsForTests, ackWaitMs: 4_000 });
    const bus = arena.connect();
    await bus.ownStream("order");
    const gate = Promise.withResolvers<void>();
    const tries: string[] = [];
    const lines = linesFor("payment", async (_, { id }) => {
      tries.push(id);
      if (tries.length === 1) await gate.promise;
    });
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena.until(() => tries.length === 1);
    const { port } = server;
    await server.stop();
    await arena.until(() => !bus.isConnected());
    server = await start(port);
    await arena.until(() => bus.isConnected());
    gate.resolve();
    await arena.until(() => hearing.counts.handled >= 1);
    // Not acknowledged in the new session, it comes again; its inbox recognises it.
    await arena.until(() => tries.length === 2);
    expect(tries[0]).toBe(tries[1]);
  });
});

/** As the relay does it: the same fact until the broker has it. */
async function publishAgain(arena: Arena, bus: Bus, fact: ReturnType<typeof factFor>): Promise<void> {
  for (;;) {
    try {
      await bus.publish(fact);
      return;
    } catch {
      await arena.pass(50);
    }
  }
}
