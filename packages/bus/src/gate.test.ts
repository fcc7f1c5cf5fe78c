// When a service may publish, and what shuts it out again.
import { expect, test } from "@jest/globals";
import type { Cut, KnownStream, Place, ToldPlaces } from "@quadrille/contracts/places";
import { noLog } from "./arena.ts";
import { StreamGone, type StreamNow } from "./epoch.ts";
import { Gate } from "./gate.ts";
import { defaultLimits } from "./limits.ts";

const fact = (seq: number): Place => ({ seq: BigInt(seq), factId: `fact ${seq}`, storedAt: undefined });

function open(over = new AbortController()) {
  const remembered = {
    highest: fact(9) as Place | undefined,
    known: { created: "made", server: "started", epoch: 3 },
    cut: undefined as Cut | undefined,
  };
  const places: ToldPlaces = {
    known: async () => remembered.known,
    place: async (_, back) => (back === 0 ? remembered.highest : undefined),
    begin: async () => true,
    async forget() {
      remembered.highest = undefined;
    },
    async end(_, { created, server }): Promise<KnownStream> {
      remembered.known = { created, server, epoch: remembered.known.epoch + 1 };
      return remembered.known;
    },
    async abandon() {},
    youngBelow: async () => remembered.cut,
    async forgetCut() {
      remembered.cut = undefined;
    },
  };
  const broker = { created: "made", first: 1, last: 12, holes: 0 };
  const look = async (): Promise<StreamNow> => ({
    name: "STREAM",
    created: broker.created,
    server: "started",
    first: BigInt(broker.first),
    last: BigInt(broker.last),
    holes: broker.holes,
    at: async (seq) => fact(Number(seq)),
  });
  const said: string[] = [];
  const log = { ...noLog, error: (_: object, sentence: string) => void said.push(sentence) };
  const gate = new Gate(places, "STREAM", defaultLimits, log);
  return { gate, remembered, broker, said, look, opening: gate.open(look, over.signal), over };
}

const placed = (seq: number, duplicate = false) => ({ stream: "STREAM", seq: BigInt(seq), duplicate });

async function opened() {
  const all = open();
  await all.opening;
  const leave = () => {
    const { leave } = all.gate;
    if (leave === undefined) throw new Error("the gate is shut");
    return leave;
  };
  return { ...all, leave };
}

test("is shut until the comparison passed, and stays shut if that is over by then", async () => {
  const first = open();
  expect(first.gate.leave).toBeUndefined();
  await first.opening;
  expect(first.gate.leave).toMatchObject({ pass: { epoch: 3 }, floor: 12n });
  const late = open();
  late.over.abort();
  await late.opening;
  expect(late.gate.leave).toBeUndefined();
});

test("gives each place its epoch, and takes a duplicate wherever it is", async () => {
  const { gate, leave } = await opened();
  expect(gate.stamped(leave(), placed(13))).toEqual({ ...placed(13), epoch: 3 });
  expect(gate.stamped(leave(), placed(2, true))).toEqual({ ...placed(2, true), epoch: 3 });
  expect(gate.leave?.floor).toBe(13n);
});

test("is shut by a place that is not above what there was when the fact was sent", async () => {
  const { gate, leave } = await opened();
  const early = leave();
  expect(gate.stamped(leave(), placed(20))).toBeDefined();
  expect(gate.stamped(early, placed(14))).toBeDefined(); // Sent before, answered after.
  expect(gate.leave?.floor).toBe(20n);
  expect(gate.stamped(leave(), placed(20))).toBeUndefined();
  expect(gate.leave).toBeUndefined();
});

test("begins an epoch after such a place, even if nothing seems to be lost, and not again", async () => {
  const { gate, leave, look } = await opened();
  gate.stamped(leave(), placed(12));
  await gate.open(look, new AbortController().signal);
  expect(gate.leave).toMatchObject({ pass: { epoch: 4 } });
  await gate.open(look, new AbortController().signal);
  expect(gate.leave).toMatchObject({ pass: { epoch: 4 } });
});

test("is not shut by what was sent before it was opened anew", async () => {
  const { gate, leave, look } = await opened();
  const old = leave();
  gate.shut();
  await gate.open(look, new AbortController().signal);
  expect(gate.stamped(old, placed(1))).toBeUndefined();
  expect(gate.leave).toBeDefined();
});

test("stays open while the stream is what is remembered, and is shut by a comparison that says otherwise", async () => {
  const { gate, look, broker } = await opened();
  expect(await gate.check(look)).toBe(true);
  broker.last = 8;
  expect(await gate.check(look)).toBe(false);
  expect(gate.leave).toBeUndefined();
  expect(await gate.check(look)).toBe(true); // Whoever shut it opens it.
});

test("is shut by another replica's epoch, whose marks this one does not make", async () => {
  const { gate, look, remembered } = await opened();
  remembered.known = { created: "made", server: "started", epoch: 4 };
  expect(await gate.check(look)).toBe(false);
});

test("is shut by what was cut off young at the front, and opens when that is forgotten", async () => {
  const { gate, look, broker, remembered, said } = await opened();
  broker.first = 10;
  expect(await gate.check(look)).toBe(true);
  remembered.cut = { above: 0n, below: 10n };
  expect(await gate.check(look)).toBe(false);
  await gate.open(look, new AbortController().signal);
  expect(gate.leave).toMatchObject({ pass: { epoch: 4 } });
  expect(said).toEqual(["the broker let facts go before they were old; they are published again"]);
});

test("stays open over a stream with holes, and says that nobody mends them", async () => {
  const { gate, look, broker, said } = await opened();
  broker.holes = 2;
  expect(await gate.check(look)).toBe(true);
  expect(said).toEqual(["the broker lost facts in the middle of a stream"]);
});

test("is shut when the stream is gone, so that its teller makes it anew", async () => {
  const { gate } = await opened();
  const gone = () => Promise.reject(new StreamGone("STREAM"));
  expect(await gate.check(gone)).toBe(false);
  expect(gate.leave).toBeUndefined();
});

test("stays as it is when the broker cannot be asked", async () => {
  const { gate } = await opened();
  const silent = () => Promise.reject(new Error("no answer"));
  await expect(gate.check(silent)).rejects.toThrow("no answer");
  expect(gate.leave).toBeDefined();
});
