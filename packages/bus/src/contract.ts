// What every bus must do, as one suite of tests: each implementation brings its arena and runs it.
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Envelope, FactCause, Parked } from "@quadrille/contracts/envelope";
import { events } from "@quadrille/contracts/events";
import { OrderCancelled } from "@quadrille/contracts/gen/quadrille/order/v1/facts.ts";
import { Refusal } from "@quadrille/decider";
import { type Arena, altered, factFor, limitsForTests, linesFor, parkingLot, parkNothing } from "./arena.ts";
import { type Limits, type Line, NotPublished, on, type Watched } from "./bus.ts";
import { header, type Message, messageOf } from "./message.ts";

export function busContract(name: string, open: (limits: Partial<Limits>) => Promise<Arena>): void {
  describe(`${name}: what every bus does`, () => {
    let arena: Arena;
    beforeEach(async () => {
      arena = await open(limitsForTests);
    });
    afterEach(async () => {
      await arena[Symbol.asyncDispose]();
    });

    delivering(() => arena);
    failing(() => arena);
    unreadable(() => arena);
    sharing(() => arena);
    watching(() => arena);
  });
}

function delivering(arena: () => Arena): void {
  test("a fact is heard once by every service that hears it, with its payload and its cause", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const orderId = randomUUID();
    const heard: { by: string; orderId: string; cause: FactCause }[] = [];
    for (const hearer of ["product", "payment"] as const) {
      const lines = linesFor(hearer, async (data, cause) =>
        heard.push({ by: hearer, orderId: data.orderId, cause }),
      );
      await bus.subscribe(hearer, lines, parkNothing).ready;
    }
    const payload = OrderCancelled.encode(
      OrderCancelled.fromPartial({ orderId, cancelledAt: new Date(0) }),
    ).finish();
    const envelope = { ...factFor(orderId), type: "order.cancelled", payload };
    const placement = await bus.publish(envelope);
    expect(placement).toEqual({ stream: "QUADRILLE_ORDER", seq: 1n, duplicate: false });
    await arena().until(() => heard.length === 2);
    await arena().pass(limitsForTests.ackWaitMs * 1.5);
    expect(heard.map(({ by }) => by).sort()).toEqual(["payment", "product"]);
    const { id, traceparent } = envelope;
    const cause = {
      kind: "fact",
      id,
      traceparent,
      stream: "QUADRILLE_ORDER",
      seq: 1n,
      deliveries: 1,
      alone: false,
    };
    for (const each of heard) expect(each).toMatchObject({ orderId, cause });
  });

  test("a fact published twice is stored once and heard once", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const heard: string[] = [];
    const lines = linesFor("payment", async (_, cause) => heard.push(cause.id));
    const hearing = bus.subscribe("payment", lines, parkNothing);
    const fact = factFor();
    const first = await bus.publish(fact);
    const second = await bus.publish(fact);
    expect(second).toEqual({ ...first, duplicate: true });
    await bus.publish(factFor());
    await arena().until(() => hearing.counts.handled === 2);
    expect(heard.filter((id) => id === fact.id)).toHaveLength(1);
  });

  test("a handler that takes long keeps its fact, and it is acknowledged after the handler resolved", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const done = Promise.withResolvers<void>();
    let calls = 0;
    const lines = linesFor("payment", () => {
      calls += 1;
      return done.promise;
    });
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena().pass(limitsForTests.ackWaitMs * 3);
    expect([calls, hearing.counts.handled]).toEqual([1, 0]);
    done.resolve();
    await arena().until(() => hearing.counts.handled === 1);
    await arena().pass(limitsForTests.ackWaitMs * 1.5);
    expect(calls).toBe(1);
  });

  test("a handler that never ends loses its fact to the next delivery", async () => {
    const bus = arena().connect({ workingMost: 1 });
    await bus.ownStream("order");
    const never = Promise.withResolvers<void>();
    let calls = 0;
    const lines = linesFor("payment", () => {
      calls += 1;
      return calls === 1 ? never.promise : Promise.resolve();
    });
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena().until(() => hearing.counts.handled === 1);
    expect(calls).toBe(2);
    never.resolve();
  });

  test("asked to deliver twice, it calls the handler again after it resolved", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const heard: string[] = [];
    const lines = linesFor("payment", async (_, cause) => heard.push(cause.id));
    const hearing = bus.subscribe("payment", lines, { ...parkNothing, deliverTwice: true });
    const fact = factFor();
    await bus.publish(fact);
    await arena().until(() => hearing.counts.handled === 1);
    expect(heard).toEqual([fact.id, fact.id]);
  });

  test("a stream may be made long after its hearers asked for it", async () => {
    const bus = arena().connect();
    const hearing = bus.subscribe(
      "payment",
      linesFor("payment", async () => {}),
      parkNothing,
    );
    await expect(bus.publish(factFor())).rejects.toThrow(NotPublished);
    await arena().pass(300);
    await bus.ownStream("order");
    await bus.publish(factFor());
    await hearing.ready;
    await arena().until(() => hearing.counts.handled === 1);
  });

  test("no more than so many facts are handled at once, and many are", async () => {
    const bus = arena().connect({ inFlightMost: 40, fetchedMost: 10 });
    await bus.ownStream("order");
    let now = 0;
    let most = 0;
    const lines = linesFor("payment", async () => {
      now += 1;
      most = Math.max(most, now);
      await gate.promise;
      now -= 1;
    });
    const gate = Promise.withResolvers<void>();
    const hearing = bus.subscribe("payment", lines, parkNothing);
    await Promise.all(Array.from({ length: 200 }, () => bus.publish(factFor())));
    await arena().until(() => now === 40);
    gate.resolve();
    await arena().until(() => hearing.counts.handled === 200);
    expect(most).toBe(40);
  });

  test("a fact without a line is kept by the broker until a build hears it", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const heard: string[] = [];
    const lines = linesFor("payment", async ({ orderId }) => heard.push(orderId));
    const lacking = lines.filter((line) => line.kind.type !== "order.confirmation_failed");
    const fact = factFor();
    await using before = bus.subscribe("payment", lacking, parkNothing);
    await before.ready;
    await bus.publish(fact);
    await arena().pass(300);
    expect(heard).toEqual([]);
    await bus.subscribe("payment", lines, parkNothing).ready;
    await arena().until(() => heard.length > 0);
    expect(heard).toEqual([fact.aggregateId]);
  });

  test("what cannot be published is refused, and so is a line too many", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const tooLarge = { ...factFor(), payload: new Uint8Array(256 * 1024 + 1) };
    await expect(bus.publish(tooLarge)).rejects.toThrow("a payload of 262145 bytes is too large");
    await expect(bus.publish({ ...factFor(), type: "order.dreamt" })).rejects.toThrow(
      "no fact of the catalogue",
    );
    const [first, ...others] = linesFor("payment", async () => {});
    const twice = [first as Line, first as Line, ...others];
    expect(() => bus.subscribe("payment", twice, parkNothing)).toThrow(/payment has two lines for order\./);
    const foreign = on(events.paymentVoided, async () => {});
    expect(() => bus.subscribe("payment", [foreign], parkNothing)).toThrow(/payment hears payment\.voided/);
  });
}

function failing(arena: () => Arena): void {
  test("a handler that throws gets its fact again, from the fourth time alone, and at the eighth it is parked", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const lot = parkingLot();
    const fact = factFor();
    const alone: boolean[] = [];
    let others = 0;
    const lines = linesFor("payment", async (_, cause) => {
      if (cause.id !== fact.id) {
        others += 1;
        return;
      }
      alone.push(cause.alone);
      throw new Error("the ledger is on fire", { cause: new Error("a match") });
    });
    const hearing = bus.subscribe("payment", lines, lot);
    await bus.publish(fact);
    await bus.publish(factFor());
    await arena().until(() => hearing.counts.parked === 1);
    expect(alone).toEqual([false, false, false, true, true, true, true, true]);
    expect(others).toBe(1);
    expect(hearing.counts).toMatchObject({ handled: 1, again: 7, parked: 1 });
    const { payload, headers, ...rest } = lot.parked[0] as Parked;
    expect(rest).toEqual({
      factId: fact.id,
      durable: "payment_hears_order",
      stream: "QUADRILLE_ORDER",
      seq: 1n,
      subject: "quadrille.order.v1.confirmation_failed",
      error: "Error: the ledger is on fire: Error: a match",
    });
    expect(Buffer.from(payload)).toEqual(Buffer.from(fact.payload));
    expect(headers).toEqual(Object.fromEntries(messageOf(fact).headers));
    // Ended for good: the broker does not try it once more.
    await arena().pass(limitsForTests.ackWaitMs * 1.5);
    expect(alone).toHaveLength(8);
  });

  test("a refusal that time may mend is tried for as long as it takes and never parked", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const lot = parkingLot();
    let tries = 0;
    const lines = linesFor("payment", async () => {
      tries += 1;
      if (tries < 12) throw new Refusal(tries % 2 === 0 ? "UNAVAILABLE" : "OVERLOADED");
    });
    const hearing = bus.subscribe("payment", lines, lot);
    await bus.publish(factFor());
    await arena().until(() => hearing.counts.handled === 1);
    expect(hearing.counts).toMatchObject({ again: 11, parked: 0 });
    expect([tries, lot.parked]).toEqual([12, []]);
  });

  test("a refusal that time cannot mend is parked at once", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const lot = parkingLot();
    const lines = linesFor("payment", () => {
      throw new Refusal("AMOUNT_MISMATCH");
    });
    const hearing = bus.subscribe("payment", lines, lot);
    await bus.publish(factFor());
    await arena().until(() => hearing.counts.parked === 1);
    expect(hearing.counts).toMatchObject({ handled: 0, again: 0 });
    expect(lot.parked[0]?.error).toBe("Refusal: AMOUNT_MISMATCH");
  });

  test("the pause before the next try grows", async () => {
    const bus = arena().connect({ backoffFirstMs: 100, backoffMostMs: 60_000 });
    await bus.ownStream("order");
    let tries = 0;
    const lines = linesFor("payment", async () => {
      tries += 1;
      throw new Refusal("UNAVAILABLE");
    });
    bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena().pass(1_000);
    // 50 to 100, 100 to 200, 200 to 400, 400 to 800 ms: between the third and the fifth try after a second.
    expect(tries).toBeGreaterThanOrEqual(3);
    expect(tries).toBeLessThanOrEqual(5);
  });

  test("a fact that cannot be parked just now comes again, and is parked under the same id", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const ids: string[] = [];
    const hearing = bus.subscribe(
      "payment",
      linesFor("payment", async () => {}),
      {
        park: async ({ factId }) => {
          ids.push(factId);
          if (ids.length < 3) throw new Error("no database");
        },
      },
    );
    const message = altered(messageOf(factFor()), {
      [header.id]: undefined,
      [header.publishId]: "not-a-uuid",
    });
    await arena().put(message);
    await arena().until(() => hearing.counts.parked === 1);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(hearing.counts.again).toBe(2);
  });
}

function unreadable(arena: () => Arena): void {
  const good = messageOf(factFor());
  const cases: Record<string, { message: Message; error: string }> = {
    "bytes that are not the message": {
      message: { ...good, payload: new Uint8Array([255, 255, 255]) },
      error: "Undecodable: not a order.confirmation_failed",
    },
    "a message without what it cannot do without": {
      message: { ...good, payload: new Uint8Array() },
      error: "Undecodable: order.confirmation_failed without orderId",
    },
    "no type": {
      message: altered(good, { [header.type]: undefined }),
      error: "Undecodable: no ce-type",
    },
    "another fact's subject": {
      message: altered(good, { [header.type]: "quadrille.payment.v1.PaymentVoided" }),
      error: "Undecodable: payment.voided on quadrille.order.v1.confirmation_failed",
    },
    "no fact id": {
      message: altered(good, { [header.id]: "1", [header.publishId]: undefined }),
      error: "no fact id that is a UUID",
    },
  };
  for (const [title, { message, error }] of Object.entries(cases)) {
    test(`parked at once: ${title}`, async () => {
      const bus = arena().connect();
      await bus.ownStream("order");
      const lot = parkingLot();
      const lines = linesFor("payment", async () => {});
      const hearing = bus.subscribe("payment", lines, lot);
      await arena().put(message);
      await arena().until(() => hearing.counts.parked === 1);
      expect(lot.parked[0]?.error).toContain(error);
      expect(hearing.counts).toMatchObject({ handled: 0, again: 0 });
    });
  }

  test("parked at once: a payload larger than what is read", async () => {
    const publisher = arena().connect();
    await publisher.ownStream("order");
    const lot = parkingLot();
    const lines = linesFor("payment", async () => {});
    const hearing = arena().connect({ payloadMost: 20 }).subscribe("payment", lines, lot);
    await publisher.publish(factFor());
    await arena().until(() => hearing.counts.parked === 1);
    expect(lot.parked[0]?.error).toMatch(/a payload of \d+ bytes; at most 20 are read/);
  });

  test("a type this build does not know is acknowledged and counted, one without a line here too", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const unknown: string[] = [];
    const lines = linesFor("payment", async () => {});
    const options = { ...parkNothing, onUnknown: (type: string) => unknown.push(type) };
    const hearing = bus.subscribe("payment", lines, options);
    const type = "quadrille.order.v1.OrderDreamt";
    await arena().put({
      ...altered(good, { [header.type]: type, [header.publishId]: randomUUID() }),
      subject: "quadrille.order.v1.dreamt",
    });
    await bus.publish({ ...factFor(), type: "order.placed" });
    await arena().until(() => hearing.counts.unheard === 1 && hearing.counts.unknown === 1);
    await arena().pass(limitsForTests.ackWaitMs * 1.5);
    expect(unknown).toEqual([type]);
    expect(hearing.counts).toEqual({ handled: 0, unheard: 1, unknown: 1, parked: 0, again: 0 });
  });

  test("the id of a fact published anew is the fact's, whatever the publish was called", async () => {
    const bus = arena().connect();
    await bus.ownStream("order");
    const fact = factFor();
    const heard: (string | undefined)[] = [];
    const lines = linesFor("payment", async (_, cause) => heard.push(cause.id, cause.traceparent));
    bus.subscribe("payment", lines, parkNothing);
    const changes = {
      [header.id]: fact.id.toUpperCase(),
      [header.publishId]: randomUUID(),
      [header.traceparent]: "x",
    };
    await arena().put(altered(messageOf(fact), changes));
    await arena().until(() => heard.length > 0);
    expect(heard).toEqual([fact.id, undefined]);
  });
}

function sharing(arena: () => Arena): void {
  test("two replicas share a durable, and neither gets less than a fifth", async () => {
    const [one, other] = [arena().connect(), arena().connect()];
    await one.ownStream("order");
    const heard = new Map<string, number>();
    const lines = linesFor("payment", async (_, { id }) => {
      heard.set(id, (heard.get(id) ?? 0) + 1);
      await Promise.resolve();
    });
    const first = one.subscribe("payment", lines, parkNothing);
    const second = other.subscribe("payment", lines, parkNothing);
    await Promise.all([first.ready, second.ready]);
    await arena().pass(50);
    await Promise.all(Array.from({ length: 400 }, () => one.publish(factFor())));
    await arena().until(() => first.counts.handled + second.counts.handled === 400);
    expect(heard.size).toBe(400);
    expect(Math.min(first.counts.handled, second.counts.handled)).toBeGreaterThanOrEqual(80);
  });

  test("closing finishes what is in flight and leaves the rest to another replica at once", async () => {
    const leaving = arena().connect({ inFlightMost: 2, ackWaitMs: 30_000 });
    await leaving.ownStream("order");
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const slow = linesFor("payment", () => {
      begun += 1;
      return gate.promise;
    });
    const left = leaving.subscribe("payment", slow, parkNothing);
    await Promise.all(Array.from({ length: 20 }, () => leaving.publish(factFor())));
    await arena().until(() => begun === 2);
    let closed = false;
    const closing = left[Symbol.asyncDispose]().then(() => {
      closed = true;
    });
    await arena().pass(200);
    expect(closed).toBe(false);
    gate.resolve();
    await arena().until(() => closed);
    await closing;
    expect([begun, left.counts.handled]).toEqual([2, 2]);
    const lines = linesFor("payment", async () => {});
    const staying = arena().connect({ ackWaitMs: 30_000 }).subscribe("payment", lines, parkNothing);
    await arena().until(() => staying.counts.handled === 18);
    await leaving[Symbol.asyncDispose]();
    expect(leaving.isConnected()).toBe(false);
    await expect(leaving.publish(factFor())).rejects.toThrow(NotPublished);
  });

  test("closing does not wait for ever", async () => {
    const bus = arena().connect({ drainMs: 100 });
    await bus.ownStream("order");
    const never = Promise.withResolvers<void>();
    let begun = false;
    const lines = linesFor("payment", () => {
      begun = true;
      return never.promise;
    });
    bus.subscribe("payment", lines, parkNothing);
    await bus.publish(factFor());
    await arena().until(() => begun);
    let closed = false;
    void bus[Symbol.asyncDispose]().then(() => {
      closed = true;
    });
    await arena().until(() => closed, 3_000);
    never.resolve();
  });
}

function watching(arena: () => Arena): void {
  test("a watch from now sees what follows, on every replica, in order", async () => {
    const [one, other] = [arena().connect(), arena().connect()];
    await one.ownStream("order");
    await one.publish(factFor());
    const seen: Watched[][] = [[], []];
    const watches = [one, other].map((bus, at) => bus.watch(["order"], (fact) => seen[at]?.push(fact)));
    await Promise.all(watches.map((watch) => watch.ready));
    await arena().put({ ...messageOf(factFor()), headers: [] });
    const facts = [factFor(), factFor()];
    for (const fact of facts) await one.publish(fact);
    await arena().until(() => seen.every((each) => each.length >= 2));
    for (const each of seen) {
      expect(each.map(({ seq }) => seq)).toEqual([3n, 4n]);
      const { payload, ...rest } = facts[0] as Envelope;
      expect(each[0]).toMatchObject({ ...rest, stream: "QUADRILLE_ORDER" });
      expect(Buffer.from(each[0]?.payload ?? [])).toEqual(Buffer.from(payload));
    }
    watches[0]?.[Symbol.dispose]();
    await one.publish(factFor());
    await arena().until(() => seen[1]?.length === 3);
    expect(seen[0]).toHaveLength(2);
  });

  test("a watch from the start sees everything, and one that throws sees the next all the same", async () => {
    const bus = arena().connect();
    const seen: bigint[] = [];
    bus.watch(
      ["order"],
      ({ seq }) => {
        seen.push(seq);
        throw new Error("no terminal");
      },
      { from: "start" },
    );
    await bus.ownStream("order");
    for (let told = 0; told < 3; told += 1) await bus.publish(factFor());
    await arena().until(() => seen.length === 3);
    expect(seen).toEqual([1n, 2n, 3n]);
  });

  test("a watch that ends before its stream is there never begins", async () => {
    const bus = arena().connect();
    const seen: bigint[] = [];
    const watch = bus.watch(["order"], ({ seq }) => seen.push(seq), { from: "start" });
    watch[Symbol.dispose]();
    await bus.ownStream("order");
    await bus.publish(factFor());
    await arena().pass(500);
    expect(seen).toEqual([]);
  });
}
