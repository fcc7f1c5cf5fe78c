// A real nats-server is killed and its store taken away, or set back, and no fact is lost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { limitsForTests, noLog } from "./arena.ts";
import type { Limits } from "./bus.ts";
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

describe("facts that came of age", () => {
  test("are not lost, nor told again; a hearer that had not heard them says so", async () => {
    await using arena = await open();
    const [teller, listener] = [new Teller(arena.clock), new Listener(arena.clock)];
    const errors: string[] = [];
    const log = { ...noLog, error: (_: object, sentence: string) => void errors.push(sentence) };
    const [one, other] = [arena.connect(), arena.connect({}, { log })];
    await one.ownStream("order", teller.places);
    await listener.hear(other).ready;
    await teller.publishInTurn(one, teller.tell(20));
    await arena.until(() => listener.hasAll(teller.ids));
    await arena.pass(limitsForTests.ackWaitMs);
    await arena.jsm.streams.purge("QUADRILLE_ORDER");
    await arena.restart();
    await arena.until(() => other.isConnected() && one.isConnected());
    await Promise.all([one.check(), other.check()]);
    expect(errors).toEqual([]);
    expect(teller.unpublished).toEqual([]);

    const early = teller.tell(2);
    listener.refused.add(early[0]?.id ?? "");
    listener.refused.add(early[1]?.id ?? "");
    await arena.until(() => one.isConnected());
    for (let tries = 0; teller.unpublished.length > 0 && tries < 100; tries += 1) {
      await teller.publish(one);
      await arena.pass(50);
    }
    await arena.jsm.streams.purge("QUADRILLE_ORDER", { seq: 22 });
    await other.check();
    await arena.restart();
    const after = teller.tell(3);
    for (let tries = 0; !listener.hasAll(after.map(({ id }) => id)) && tries < 400; tries += 1) {
      await teller.publish(one);
      await arena.pass(50);
    }
    expect(listener.inbox.size).toBe(23);
    expect(new Set(errors)).toEqual(new Set(["the broker let facts go before they were heard"]));
    expect((await teller.places.known("QUADRILLE_ORDER"))?.epoch).toBe(0);
    expect([...listener.deliveries.values()].every((times) => times === 1)).toBe(true);
  });
});
