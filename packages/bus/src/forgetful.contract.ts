// What every bus must do when its broker forgets, as one suite: nothing that was told is lost, whatever the broker lost.
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Envelope } from "@quadrille/contracts/envelope";
import { type ForgetfulArena, factFor, limitsForTests } from "./arena.ts";
import { type Bus, type Hearing, type Limits, NotPublished } from "./bus.ts";
import { messageOf } from "./message.ts";
import { Listener, Teller } from "./testing/remembering.ts";

/** Tellers and hearers over one broker, two replicas of each when asked for. */
interface Scene {
  readonly teller: Teller;
  readonly listener: Listener;
  readonly tellers: readonly Bus[];
  readonly hearers: readonly Bus[];
  readonly hearings: Hearing[];
}

const patienceMs = 25_000;

export function forgetfulContract(
  name: string,
  open: (limits: Partial<Limits>) => Promise<ForgetfulArena>,
): void {
  describe(`${name}: what every bus does when its broker forgets`, () => {
    let arena: ForgetfulArena;
    beforeEach(async () => {
      arena = await open(limitsForTests);
    });
    afterEach(async () => {
      await arena[Symbol.asyncDispose]();
    });
    losing(() => arena);
    counting(() => arena);
    marking(() => arena);
    filledAgain(() => arena);
    keeping(() => arena);
  });
  describe(`${name}: what every bus does when a stream is cut at its front`, () => cutting(open));
}

async function scene(arena: ForgetfulArena, replicas: 1 | 2, isHeard = true): Promise<Scene> {
  const teller = new Teller(arena.clock);
  const listener = new Listener(arena.clock);
  const buses = () => Array.from({ length: replicas }, () => arena.connect());
  const [tellers, hearers] = [buses(), buses()];
  const stand = Promise.all(tellers.map((bus) => bus.ownStream("order", teller.places)));
  await settled(arena, stand);
  const all = { teller, listener, tellers, hearers, hearings: [] };
  if (isHeard) await hear(arena, all);
  return all;
}

async function hear(arena: ForgetfulArena, { hearers, listener, hearings }: Scene): Promise<void> {
  hearings.push(...hearers.map((bus) => listener.hear(bus)));
  await settled(arena, Promise.all(hearings.map(({ ready }) => ready)));
}

/** Waits for what the arena's time brings. */
async function settled(arena: ForgetfulArena, done: Promise<unknown>): Promise<void> {
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  await arena.until(() => isDone, patienceMs);
}

/** Publishes again and again, by every replica in turn, until all is told and heard. */
async function untilHeard(arena: ForgetfulArena, { teller, listener, tellers, hearings }: Scene) {
  const isOver = () =>
    teller.unpublished.length === 0 && (hearings.length === 0 || listener.hasAll(teller.ids));
  for (let tries = 0; !isOver(); tries += 1) {
    if (tries > patienceMs / 100)
      throw new Error(
        `${teller.unpublished.length} of ${teller.ids.size} not published, ${listener.inbox.size} heard`,
      );
    await teller.publish(tellers[tries % tellers.length] as Bus);
    await arena.pass(100);
  }
}

/** What the stream holds now, by sequence. */
async function streamOf(arena: ForgetfulArena): Promise<ReadonlyMap<bigint, string>> {
  const found = new Map<bigint, string>();
  using watch = arena.connect().watch(["order"], ({ seq, id }) => found.set(seq, id), { from: "start" });
  await settled(arena, watch.ready);
  await arena.pass(300);
  return found;
}

/** Every fact is in the stream, and the outbox knows where. */
async function expectAllKept(arena: ForgetfulArena, { teller }: Scene): Promise<void> {
  const stream = await streamOf(arena);
  for (const [id, { placement }] of teller.outbox.rows)
    expect([id, stream.get(placement?.seq ?? 0n)]).toEqual([id, id]);
}

function losing(arena: () => ForgetfulArena): void {
  for (const replicas of [1, 2] as const) {
    test(`wiped: everything is told again and heard, ${replicas} replicas`, async () => {
      const all = await scene(arena(), replicas);
      all.teller.tell(30);
      await untilHeard(arena(), all);
      await arena().wipe();
      all.teller.tell(5);
      await untilHeard(arena(), all);
      await expectAllKept(arena(), all);
    });

    for (const part of ["all", "messages"] as const) {
      test(`set back, with ${part === "all" ? "durables as old" : "newer durables"}: what was cut off is told again and heard, ${replicas} replicas`, async () => {
        const all = await scene(arena(), replicas);
        all.teller.tell(20);
        await untilHeard(arena(), all);
        const putBack = await arena().copy();
        all.teller.tell(25);
        await untilHeard(arena(), all);
        await putBack(part);
        all.teller.tell(5);
        await untilHeard(arena(), all);
        await expectAllKept(arena(), all);
      });
    }
  }

  test("set back before anything of it was heard: all of it is heard", async () => {
    const all = await scene(arena(), 1);
    all.teller.tell(10);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    const gate = Promise.withResolvers<void>();
    all.listener.gate = gate.promise; // Delivered, and not handled.
    all.teller.tell(10);
    for (let tries = 0; all.teller.unpublished.length > 0 && tries < 50; tries += 1) {
      await all.teller.publish(all.tellers[0] as Bus);
      await arena().pass(20);
    }
    await putBack("messages");
    gate.resolve();
    all.teller.tell(1);
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });

  test("set back to before a hearer began: it hears everything", async () => {
    const all = await scene(arena(), 1, false);
    all.teller.tell(10);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    await hear(arena(), all);
    all.teller.tell(10);
    await untilHeard(arena(), all);
    await putBack("all");
    all.teller.tell(1);
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });

  test("set back to before a purge that its durable remembers: what was let go unheard is heard", async () => {
    const all = await scene(arena(), 1);
    const { teller, listener, tellers } = all;
    teller.tell(20);
    await untilHeard(arena(), all);
    const [waiting] = teller.tell(1);
    listener.refused.add(waiting?.id ?? "");
    await settled(arena(), teller.publishInTurn(tellers[0] as Bus, [waiting as Envelope]));
    await arena().pass(500);
    const putBack = await arena().copy();
    await arena().purge();
    await arena().pass(500);
    await putBack("messages");
    listener.refused.clear();
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });

  test("set back to before a purge, with durables as old: what was let go unheard is heard, whatever was heard after it", async () => {
    const all = await scene(arena(), 1);
    const { teller, listener, tellers } = all;
    teller.tell(20);
    await untilHeard(arena(), all);
    const [waiting, next] = teller.tell(2) as [Envelope, Envelope];
    listener.refused.add(waiting.id);
    await settled(arena(), teller.publishInTurn(tellers[0] as Bus, [waiting, next]));
    await arena().until(() => listener.hasAll([next.id]), patienceMs);
    await arena().pass(500);
    const putBack = await arena().copy();
    await arena().purge();
    await arena().pass(500);
    await putBack("all");
    listener.refused.clear();
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });

  test("a stream that vanishes without a word is made and filled again", async () => {
    const all = await scene(arena(), 2);
    all.teller.tell(20);
    await untilHeard(arena(), all);
    const before = await streamOf(arena());
    expect(before.size).toBe(20);
    await arena().dropStream();
    all.teller.tell(1);
    await untilHeard(arena(), all);
    await Promise.all([...all.tellers, ...all.hearers].map((bus) => bus.check()));
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });
}

/** Whoever publishes on a stream that was made anew by another finds out by the place it is given. */
function counting(arena: () => ForgetfulArena): void {
  test("a place that is not above what there was is not believed", async () => {
    const all = await scene(arena(), 1);
    all.teller.tell(20);
    await untilHeard(arena(), all);
    await arena().dropStream();
    await settled(arena(), arena().connect().ownStream("order"));
    const [fact] = all.teller.tell(1);
    const [bus] = all.tellers;
    await expect(bus?.publish(fact as Envelope)).rejects.toThrow("is being compared");
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });
}

/** What the broker answered before it was set back is known too late. */
function marking(arena: () => ForgetfulArena): void {
  test("a fact that is marked when another may have its place is told again", async () => {
    const all = await scene(arena(), 2);
    all.teller.tell(20);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    await markLate(all, () => putBack("all"));
  });

  test("so is one that is marked when its stream is another, although nothing was remembered of either", async () => {
    const all = await scene(arena(), 2);
    await markLate(all, async () => {
      await arena().dropStream();
      await settled(arena(), all.tellers[1]?.check() ?? Promise.resolve());
    });
  });

  /** By one replica, when the other has published again. */
  async function markLate(all: Scene, lose: () => Promise<void>): Promise<void> {
    const { teller, tellers } = all;
    const [one, other] = tellers as [Bus, Bus];
    const [late] = teller.tell(1) as [Envelope];
    const placement = await one.publish(late);
    await lose();
    const next = teller.tell(2);
    await untilPublished(arena(), teller, other, next.slice(0, 1));
    await teller.outbox.mark([{ id: late.id, placement }]);
    await untilPublished(arena(), teller, other, next.slice(1));
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  }

  async function untilPublished(
    arena: ForgetfulArena,
    { outbox }: Teller,
    bus: Bus,
    facts: readonly Envelope[],
  ): Promise<void> {
    for (const fact of facts) {
      for (let tries = 0; outbox.rows.get(fact.id)?.placement === undefined; tries += 1) {
        if (tries > patienceMs / 50) throw new Error("it cannot be published");
        await bus.publish(fact).then(
          (placement) => outbox.mark([{ id: fact.id, placement }]),
          () => arena.pass(50),
        );
      }
    }
  }
}

/** The hearer looks only when the stream is filled again, so that nothing seems to be missing. */
function filledAgain(arena: () => ForgetfulArena): void {
  const unheard = "order.placed"; // By payment: acknowledged, and not in its inbox.

  /** Twenty facts that were heard, then these; set back to the twenty, and filled again in that order before anyone hears. */
  async function setBackAndFilled(
    types: readonly (string | undefined)[],
    refused: number,
    order: readonly number[],
  ): Promise<Scene> {
    const all = await scene(arena(), 1);
    const { teller, listener, tellers } = all;
    const [bus] = tellers as [Bus];
    teller.tell(20);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    const facts = types.map((type) => teller.tell(1, type)[0] as Envelope);
    const waiting = facts[refused] as Envelope;
    listener.refused.add(waiting.id);
    await settled(arena(), teller.publishInTurn(bus, facts));
    const heard = facts.filter((fact) => fact.type !== unheard && fact !== waiting);
    await arena().until(() => listener.hasAll(heard.map(({ id }) => id)), patienceMs);
    await arena().pass(500);
    const look = Promise.withResolvers<void>();
    listener.memory = look.promise;
    await putBack("messages");
    await refilled(
      teller,
      bus,
      order.map((at) => facts[at] as Envelope),
    );
    listener.refused.clear();
    look.resolve();
    return all;
  }

  async function refilled(teller: Teller, bus: Bus, facts: readonly Envelope[]): Promise<void> {
    for (let tries = 0; teller.unpublished.length < facts.length; tries += 1) {
      if (tries > patienceMs / 50) throw new Error("the teller did not see what was lost");
      await arena().pass(50);
    }
    await arena().pass(50); // Until the gate is open.
    await teller.publishInTurn(bus, facts);
    await teller.publish(bus); // And what was there all along, because so many steps back were one too many.
  }

  test("filled again with one pair exchanged below the highest place: what waited is heard", async () => {
    const all = await setBackAndFilled(Array.from({ length: 5 }), 1, [1, 0, 2, 3, 4]);
    await untilHeard(arena(), all);
    await expectAllKept(arena(), all);
  });

  test("filled again where facts stood that leave no row in the inbox: what waited is heard", async () => {
    const all = await setBackAndFilled([unheard, undefined], 1, [1, 0]);
    await arena().until(() => all.listener.inbox.size === 21, patienceMs);
    await expectAllKept(arena(), all);
  });

  test("filled again while every hearer is away, where a fact stood that nobody knows of: what stands there now is heard", async () => {
    const all = await scene(arena(), 1);
    const { teller, listener, tellers, hearings } = all;
    teller.tell(20);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    await arena().put(messageOf({ ...factFor(), type: unheard })); // As if its teller had died before it marked it.
    await arena().until(() => hearings[0]?.counts.unheard === 1, patienceMs);
    await arena().pass(500);
    await settled(arena(), Promise.resolve(hearings[0]?.[Symbol.asyncDispose]()));
    await putBack("messages");
    await settled(arena(), tellers[0]?.check() ?? Promise.resolve());
    const [fact] = teller.tell(1);
    for (let tries = 0; teller.unpublished.length > 0 && tries < 100; tries += 1) {
      await teller.publish(tellers[0] as Bus);
      await arena().pass(100);
    }
    expect((await streamOf(arena())).get(21n)).toBe(fact?.id);
    await settled(arena(), listener.hear(arena().connect()).ready);
    await arena().until(() => listener.hasAll(teller.ids), patienceMs);
  });

  test("a hearer that begins when its durable is ahead of the stream hears what comes", async () => {
    const all = await scene(arena(), 1);
    const { teller, listener, tellers, hearings } = all;
    teller.tell(20);
    await untilHeard(arena(), all);
    const putBack = await arena().copy();
    const facts = teller.tell(5, unheard);
    await settled(arena(), teller.publishInTurn(tellers[0] as Bus, facts));
    await arena().until(() => hearings[0]?.counts.unheard === 5, patienceMs);
    await settled(arena(), Promise.resolve(hearings[0]?.[Symbol.asyncDispose]()));
    const heir = arena().connect();
    await putBack("messages");
    const hearing = listener.hear(heir);
    await settled(arena(), hearing.ready);
    const heard = teller.tell(5);
    await refilled(teller, tellers[0] as Bus, [...heard, ...facts]);
    await arena().until(() => listener.hasAll(heard.map(({ id }) => id)), patienceMs);
  });
}

function keeping(arena: () => ForgetfulArena): void {
  test("a broker that only starts again is told nothing twice", async () => {
    const all = await scene(arena(), 2);
    all.teller.tell(30);
    await untilHeard(arena(), all);
    await arena().pass(limitsForTests.ackWaitMs * 2); // An acknowledgement may have been on its way.
    const heard = new Map(all.listener.deliveries);
    const before = await streamOf(arena());
    await arena().restart();
    all.teller.tell(5);
    await untilHeard(arena(), all);
    await Promise.all([...all.tellers, ...all.hearers].map((bus) => bus.check()));
    const after = await streamOf(arena());
    expect([...after].slice(0, 30)).toEqual([...before]);
    expect(after.size).toBe(35);
    for (const [id, times] of heard) expect([id, all.listener.deliveries.get(id)]).toEqual([id, times]);
    // Marks may have been on their way. Two replicas that look at the same moment may begin one each.
    expect([1, 2]).toContain((await all.teller.places.known("QUADRILLE_ORDER"))?.epoch);
    expect((await all.listener.places.known("QUADRILLE_ORDER"))?.epoch).toBe(0);
  });

  test("nothing is published and nothing heard before the broker was compared with what is remembered", async () => {
    const all = await scene(arena(), 1, false);
    all.teller.tell(3);
    await untilHeard(arena(), all);
    const answer = Promise.withResolvers<void>();
    const late = arena().connect();
    const stands = late.ownStream("order", {
      ...all.teller.places,
      known: async (stream) => {
        await answer.promise;
        return await all.teller.places.known(stream);
      },
    });
    all.listener.memory = answer.promise;
    const hearing = all.listener.hear(arena().connect());
    await arena().pass(500);
    const [fact] = all.teller.tell(1);
    await expect(late.publish(fact as Envelope)).rejects.toThrow(NotPublished);
    expect(all.listener.deliveries.size).toBe(0);
    answer.resolve();
    await settled(arena(), Promise.all([stands, hearing.ready]));
    await late.publish(fact as Envelope);
    await arena().until(() => all.listener.hasAll(all.teller.ids), patienceMs);
  });
}

/** The broker goes on recognising what it let go, for so long. */
const cutLimits = { ...limitsForTests, duplicateWindowMs: 1_500, streamAgeMs: 60_000 };

function cutting(open: (limits: Partial<Limits>) => Promise<ForgetfulArena>): void {
  const checked = ({ tellers, hearers }: Scene) =>
    Promise.all([...tellers, ...hearers].map((bus) => bus.check()));
  const epochOf = async ({ teller }: Scene) => (await teller.places.known("QUADRILLE_ORDER"))?.epoch;

  async function published(arena: ForgetfulArena, { teller, tellers }: Scene, count: number): Promise<void> {
    const facts = teller.tell(count);
    await settled(arena, teller.publishInTurn(tellers[0] as Bus, facts));
  }

  for (const upTo of [undefined, 18]) {
    test(`purged ${upTo === undefined ? "whole" : "in part"} while its hearer was away: what is gone is told again and heard`, async () => {
      await using arena = await open(cutLimits);
      const all = await scene(arena, 2);
      all.teller.tell(10);
      await untilHeard(arena, all);
      await settled(arena, Promise.all(all.hearings.map((hearing) => hearing[Symbol.asyncDispose]())));
      await published(arena, all, 15);
      await arena.purge(upTo);
      await hear(arena, { ...all, hearers: [arena.connect()] });
      await settled(arena, checked(all));
      await untilHeard(arena, all);
      await expectAllKept(arena, all);
      expect(await epochOf(all)).toBe(1);
    });
  }

  test("purged and started again under a hearer that waits: what is gone is told again and heard", async () => {
    await using arena = await open(cutLimits);
    const all = await scene(arena, 1);
    all.teller.tell(10);
    await untilHeard(arena, all);
    const facts = all.teller.tell(5);
    for (const { id } of facts) all.listener.refused.add(id);
    await settled(arena, all.teller.publishInTurn(all.tellers[0] as Bus, facts));
    await arena.pass(200);
    await arena.purge();
    await arena.restart();
    all.listener.refused.clear();
    await untilHeard(arena, all);
    all.teller.tell(1); // By then whoever publishes has compared.
    await untilHeard(arena, all);
    await settled(arena, checked(all));
    await untilHeard(arena, all);
    await expectAllKept(arena, all);
  });

  test("purged when it had started again, and recognises for longer what it had: what is gone is told again once", async () => {
    const duplicateWindowMs = 4_000;
    await using arena = await open({ ...cutLimits, duplicateWindowMs });
    const all = await scene(arena, 1);
    await published(arena, all, 10);
    await arena.pass(duplicateWindowMs / 2);
    await arena.restart();
    all.teller.tell(1);
    await untilHeard(arena, all);
    await arena.purge();
    await settled(arena, checked(all));
    await arena.until(() => all.teller.unpublished.length === 11, patienceMs);
    await untilHeard(arena, all);
    await expectAllKept(arena, all);
    expect(await epochOf(all)).toBe(2); // One for the start, one for the cut.
  });

  test("what came of age is told to nobody again", async () => {
    const streamAgeMs = 3_000;
    await using arena = await open({ ...cutLimits, streamAgeMs });
    const all = await scene(arena, 2);
    all.teller.tell(10);
    await untilHeard(arena, all);
    await arena.pass(streamAgeMs + 500);
    await arena.purge(10);
    await settled(arena, checked(all));
    expect(all.teller.unpublished).toEqual([]);
    await published(arena, all, 5);
    await untilHeard(arena, all);
    await arena.purge(13);
    await settled(arena, checked(all));
    await arena.until(() => all.teller.unpublished.length === 3, patienceMs);
    expect(await epochOf(all)).toBe(1);
    await untilHeard(arena, all);
    expect((await streamOf(arena)).size).toBe(5);
  });
}
