// What every database must remember of where the broker keeps facts, in memory or not.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { OutboxTable } from "../outbox-table.ts";
import type { ServicePlaces } from "../places.ts";
import { testId } from "./bench.ts";

export interface PlacesBench extends AsyncDisposable {
  readonly places: ServicePlaces;
  /** The same database through another replica's connection. */
  readonly others: ServicePlaces;
  readonly outbox: OutboxTable;
  /** As if these had been published so much earlier. */
  age(ids: readonly string[], ms: number): Promise<void>;
  /** Tells so many facts a while ago, so that a sweep may have them; gives their ids, oldest first. */
  tell(count: number): Promise<readonly string[]>;
  hear(stream: string, seq: bigint, storedAt?: Date): Promise<string>;
  pass(ms: number): Promise<void>;
}

export function placesContract(open: () => Promise<PlacesBench>): void {
  let bench: PlacesBench;
  beforeAll(async () => {
    bench = await open();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });
  describe("what was told", () => told(() => bench));
  describe("what was heard", () => heard(() => bench));
  describe("what was seen", () => seen(() => bench));
  describe("epochs", () => epochs(() => bench));
}

const making = (created: string) => ({ created, server: `server of ${created}` });
const streamName = () => `STREAM_${testId()}`;

/** Tells facts and marks them with seqs 11, 12, … */
async function published({ outbox, tell }: PlacesBench, stream: string, count: number, epoch?: number) {
  const ids = await tell(count);
  await outbox.mark(
    ids.map((id, at) => ({
      id,
      placement: { stream, seq: BigInt(11 + at), duplicate: false, ...(epoch !== undefined && { epoch }) },
    })),
  );
  return ids;
}

function told(bench: () => PlacesBench): void {
  test("is found from the highest place down, stream by stream", async () => {
    const { places } = bench();
    const stream = streamName();
    expect(await places.told.place(stream, 0)).toBeUndefined();
    const ids = await published(bench(), stream, 3);
    await published(bench(), streamName(), 5);
    for (const back of [0, 1, 2])
      expect(await places.told.place(stream, back)).toEqual({
        seq: BigInt(13 - back),
        factId: ids[2 - back],
        storedAt: undefined,
      });
    expect(await places.told.place(stream, 3)).toBeUndefined();
  });

  test("and lost is unpublished again, the rest stays as it was", async () => {
    const { places, outbox } = bench();
    const stream = streamName();
    const ids = await published(bench(), stream, 5);
    const before = await outbox.backlog();
    await places.told.forget(stream, 13n);
    expect(await places.told.place(stream, 0)).toMatchObject({ seq: 13n, factId: ids[2] });
    expect(await outbox.backlog()).toBe(before + 2);
    const claimed = await outbox.claim(1_000);
    expect(claimed.map(({ id }) => id).filter((id) => ids.includes(id))).toEqual(ids.slice(3));
    await outbox.mark(ids.slice(3).map((id) => ({ id, placement: { stream, seq: 20n, duplicate: false } })));
    await places.told.forget(stream, 0n);
    expect(await places.told.place(stream, 0)).toBeUndefined();
  });

  test("and cut off young is found above the highest that is old, whatever the rest of them says", async () => {
    const { places, age } = bench();
    const stream = streamName();
    const ids = await published(bench(), stream, 6); // 11 to 16
    const young = (first: bigint) => places.told.youngBelow(stream, first, 60_000);
    expect(await young(11n)).toBeUndefined();
    expect(await young(14n)).toEqual({ above: 0n, below: 14n });
    await age([ids[0] as string, ids[2] as string], 61_000); // 12 was marked late.
    expect(await young(14n)).toBeUndefined();
    expect(await young(16n)).toEqual({ above: 13n, below: 16n });
    expect(await places.told.youngBelow(stream, 14n, 3_600_000)).toEqual({ above: 0n, below: 14n });
    expect(await places.told.youngBelow(streamName(), 100n, 60_000)).toBeUndefined();
  });

  test("and cut off is unpublished again between both ends, and nobody claims it while the broker may recognise it", async () => {
    const { places, outbox, age } = bench();
    const stream = streamName();
    const ids = await published(bench(), stream, 5); // 11 to 15
    await age([ids[1] as string], 120_001); // So long ago that even one that started again has forgotten it.
    await age([ids[2] as string], 30_000);
    const before = await outbox.backlog();
    await places.told.forgetCut(stream, { above: 11n, below: 14n }, 60_000);
    expect(await outbox.backlog()).toBe(before + 2);
    expect(await places.told.place(stream, 1)).toMatchObject({ seq: 14n, factId: ids[3] });
    expect(await places.told.place(stream, 2)).toMatchObject({ seq: 11n, factId: ids[0] });
    expect(await places.told.place(stream, 3)).toBeUndefined();
    const claimed = (await outbox.claim(1_000)).map(({ id }) => id);
    expect(claimed.filter((id) => ids.includes(id))).toEqual([ids[1]]);
    await age([ids[2] as string], 59_000);
    expect((await outbox.claim(1_000)).map(({ id }) => id)).not.toContain(ids[2]);
    await age([ids[2] as string], 1_001);
    const later = (await outbox.claim(1_000)).map(({ id }) => id);
    expect(later.filter((id) => ids.includes(id))).toEqual([ids[2]]);
  });

  test("in an epoch that is over is not marked, in the one that runs it is", async () => {
    const { places, outbox } = bench();
    const stream = streamName();
    const { epoch } = await places.told.end(stream, making("made"));
    await published(bench(), stream, 1, epoch);
    expect(await places.told.place(stream, 0)).toMatchObject({ seq: 11n });
    expect(await places.told.begin(stream)).toBe(true);
    const before = await outbox.backlog();
    await places.told.forget(stream, 0n);
    const late = await published(bench(), stream, 2, epoch);
    expect(await places.told.place(stream, 0)).toBeUndefined();
    expect(await outbox.backlog()).toBe(before + 3);
    await outbox.mark([
      { id: late[0] as string, placement: { stream, seq: 1n, duplicate: false, epoch: epoch + 1 } },
    ]);
    expect(await places.told.place(stream, 0)).toMatchObject({ seq: 1n, factId: late[0] });
  });
}

function heard(bench: () => PlacesBench): void {
  test("is found from the highest place down, with the moment it was stored", async () => {
    const { places, hear } = bench();
    const stream = streamName();
    const storedAt = new Date("2026-01-02T03:04:05.678Z");
    const second = await hear(stream, 7n, storedAt);
    const first = await hear(stream, 5n);
    await hear(streamName(), 9n);
    expect(await places.heard.place(stream, 0)).toEqual({ seq: 7n, factId: second, storedAt });
    expect(await places.heard.place(stream, 1)).toEqual({ seq: 5n, factId: first, storedAt: undefined });
    expect(await places.heard.place(stream, 10)).toBeUndefined();
  });

  test("and lost stays heard, only its place is forgotten", async () => {
    const { places, hear } = bench();
    const stream = streamName();
    for (const seq of [1n, 2n, 3n]) await hear(stream, seq);
    await places.heard.forget(stream, 1n);
    expect(await places.heard.place(stream, 0)).toMatchObject({ seq: 1n });
    expect(await places.heard.place(stream, 1)).toBeUndefined();
  });
}

/** What is remembered of messages that nobody handled. */
function seen(bench: () => PlacesBench): void {
  const storedAt = new Date("2026-01-02T03:04:05.678Z");
  const sight = (seq: bigint) => ({ seq, factId: testId(), storedAt });

  test("is a place among those in the inbox, wherever it stands between them", async () => {
    const { places, hear } = bench();
    const stream = streamName();
    const sighted = sight(6n);
    await places.heard.saw(stream, sighted);
    expect(await places.heard.place(stream, 0)).toEqual(sighted);
    await hear(stream, 7n);
    await hear(stream, 5n);
    const seqs = await Promise.all([0, 1, 2].map((back) => places.heard.place(stream, back)));
    expect(seqs.map((each) => each?.seq)).toEqual([7n, 6n, 5n]);
    expect(await places.heard.place(stream, 3)).toBeUndefined();
    expect(await places.heard.known(stream)).toBeUndefined();
  });

  test("is the highest of them, whichever replica saw it, with a fact or none", async () => {
    const { places, others } = bench();
    const stream = streamName();
    await places.heard.saw(stream, sight(6n));
    await others.heard.saw(stream, { seq: 9n, factId: undefined, storedAt });
    await places.heard.saw(stream, sight(8n));
    expect(await places.heard.place(stream, 0)).toEqual({ seq: 9n, factId: undefined, storedAt });
    expect(await places.heard.place(stream, 1)).toBeUndefined();
  });

  test("is forgotten with the places above what the broker still has, and not below", async () => {
    const { places, hear } = bench();
    const stream = streamName();
    await hear(stream, 3n);
    await places.heard.saw(stream, sight(6n));
    await places.heard.forget(stream, 6n);
    expect(await places.heard.place(stream, 0)).toMatchObject({ seq: 6n });
    await places.heard.forget(stream, 5n);
    expect(await places.heard.place(stream, 0)).toMatchObject({ seq: 3n });
    await places.heard.saw(stream, sight(4n));
    expect(await places.heard.place(stream, 0)).toMatchObject({ seq: 4n });
  });
}

function epochs(bench: () => PlacesBench): void {
  test("a stream is unknown until it bore out what is remembered, and then known by its making", async () => {
    const { places, others } = bench();
    const stream = streamName();
    expect(await places.told.known(stream)).toBeUndefined();
    expect(await places.told.begin(stream)).toBe(true);
    expect(await others.told.known(stream)).toBeUndefined();
    expect(await places.told.end(stream, making("first"))).toEqual({ ...making("first"), epoch: 1 });
    expect(await others.told.end(stream, making("second"))).toEqual({ ...making("second"), epoch: 1 });
    expect(await places.told.known(stream)).toMatchObject({ ...making("second"), epoch: 1 });
  });

  test("of two replicas one begins an epoch, the other when it ended, or was given up", async () => {
    const { places, others, pass } = bench();
    const stream = streamName();
    const begun = await Promise.all([places, others].map(({ heard: side }) => side.begin(stream)));
    expect(begun.toSorted()).toEqual([false, true]);
    await places.heard.end(stream, making("first"));
    expect(await others.heard.begin(stream)).toBe(true);
    await others.heard.abandon(stream);
    expect(await others.heard.begin(stream)).toBe(true);
    expect(await places.heard.begin(stream)).toBe(false);
    await pass(30_001);
    expect(await places.heard.begin(stream)).toBe(true);
    expect(await others.heard.end(stream, making("first"))).toEqual({ ...making("first"), epoch: 4 });
  });
}
