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
  describe("epochs", () => epochs(() => bench));
}

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

  test("in an epoch that is over is not marked, in the one that runs it is", async () => {
    const { places, outbox } = bench();
    const stream = streamName();
    const { epoch } = await places.told.end(stream, "made");
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

function epochs(bench: () => PlacesBench): void {
  test("a stream is unknown until it bore out what is remembered, and then known by its making", async () => {
    const { places, others } = bench();
    const stream = streamName();
    expect(await places.told.known(stream)).toBeUndefined();
    expect(await places.told.begin(stream)).toBe(true);
    expect(await others.told.known(stream)).toBeUndefined();
    expect(await places.told.end(stream, "first")).toEqual({ created: "first", epoch: 1 });
    expect(await others.told.end(stream, "second")).toEqual({ created: "second", epoch: 1 });
    expect(await places.told.known(stream)).toMatchObject({ created: "second", epoch: 1 });
  });

  test("of two replicas one begins an epoch, the other when it ended, or was given up", async () => {
    const { places, others, pass } = bench();
    const stream = streamName();
    const begun = await Promise.all([places, others].map(({ heard: side }) => side.begin(stream)));
    expect(begun.toSorted()).toEqual([false, true]);
    await places.heard.end(stream, "first");
    expect(await others.heard.begin(stream)).toBe(true);
    await others.heard.abandon(stream);
    expect(await others.heard.begin(stream)).toBe(true);
    expect(await places.heard.begin(stream)).toBe(false);
    await pass(30_001);
    expect(await places.heard.begin(stream)).toBe(true);
    expect(await others.heard.end(stream, "first")).toEqual({ created: "first", epoch: 4 });
  });
}
