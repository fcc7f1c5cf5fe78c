// A real nats-server is killed and its store taken away, or set back, and no fact is lost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, jest, test } from "@jest/globals";
import { limitsForTests, noLog } from "./arena.ts";
import type { Bus, Limits } from "./bus.ts";
import { forgetfulContract } from "./forgetful.contract.ts";
import { RobbedArena } from "./testing/jetstream-arena.ts";
import { Listener, Teller } from "./testing/remembering.ts";

jest.setTimeout(60_000);

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

async function open(limits: Partial<Limits> = limitsForTests): Promise<RobbedArena> {
  const folder = await mkdtemp(join(tmpdir(), "quadrille-forgetful-"));
  folders.push(folder);
  return await RobbedArena.start(folder, limits);
}

forgetfulContract("jetstream", open);

/** Errors of a hearer are kept. */
async function heardBy(arena: RobbedArena) {
  const [teller, listener] = [new Teller(arena.clock), new Listener(arena.clock)];
  const errors: string[] = [];
  const log = { ...noLog, error: (_: object, sentence: string) => void errors.push(sentence) };
  const [one, other] = [arena.connect(), arena.connect({}, { log })];
  await one.ownStream("order", teller.places);
  await listener.hear(other).ready;
  await teller.publishInTurn(one, teller.tell(20));
  await arena.until(() => listener.hasAll(teller.ids));
  return { teller, listener, errors, one, other };
}

test("facts that came of age are not lost, nor told again", async () => {
  const streamAgeMs = 3_000;
  await using arena = await open({ ...limitsForTests, streamAgeMs, duplicateWindowMs: 1_000 });
  const { teller, listener, errors, one, other } = await heardBy(arena);
  await arena.pass(streamAgeMs + 500);
  await arena.restart();
  teller.tell(1);
  await untilPublished(arena, one, teller);
  await Promise.all([one.check(), other.check()]);
  await arena.until(() => listener.inbox.size === 21);
  const { first_seq: first } = (await arena.jsm.streams.info("QUADRILLE_ORDER")).state;
  expect(first).toBe(21);
  expect(errors).toEqual([]);
  expect((await teller.places.known("QUADRILLE_ORDER"))?.epoch).toBe(1); // It started again.
  expect([...listener.deliveries.values()].every((times) => times === 1)).toBe(true);
});

test("facts that were let go unheard are told again, and their hearer says so", async () => {
  await using arena = await open({ ...limitsForTests, duplicateWindowMs: 1_000 });
  const { teller, listener, errors, one, other } = await heardBy(arena);
  await arena.pass(limitsForTests.ackWaitMs);
  for (const { id } of teller.tell(2)) listener.refused.add(id);
  await untilPublished(arena, one, teller);
  await arena.purge(21);
  await other.check();
  await arena.restart();
  listener.refused.clear();
  teller.tell(3);
  for (let tries = 0; !listener.hasAll(teller.ids) && tries < 400; tries += 1) {
    await teller.publish(one);
    await arena.pass(50);
  }
  expect(listener.inbox.size).toBe(25);
  expect(new Set(errors)).toEqual(new Set(["the broker let facts go before they were heard"]));
  expect((await teller.places.known("QUADRILLE_ORDER"))?.epoch).toBe(1);
});

test("a hole in a stream is told of", async () => {
  await using arena = await open();
  const teller = new Teller(arena.clock);
  const errors: object[] = [];
  const log = { ...noLog, error: (about: object, sentence: string) => void errors.push({ about, sentence }) };
  const one = arena.connect({}, { log });
  await one.ownStream("order", teller.places);
  await teller.publishInTurn(one, teller.tell(5));
  await one.check();
  expect(errors).toEqual([]);
  await arena.jsm.streams.deleteMessage("QUADRILLE_ORDER", 3);
  await one.check();
  const sentence = "the broker lost facts in the middle of a stream";
  expect(errors).toEqual([{ about: { stream: "QUADRILLE_ORDER", holes: 1 }, sentence }]);
});

async function untilPublished(arena: RobbedArena, bus: Bus, teller: Teller): Promise<void> {
  for (let tries = 0; teller.unpublished.length > 0 && tries < 100; tries += 1) {
    await teller.publish(bus);
    await arena.pass(50);
  }
  expect(teller.unpublished).toEqual([]);
}
