// What is compared, what counts as lost, and from where a durable is made anew.
import { describe, expect, test } from "@jest/globals";
import type { Cut, KnownStream, Making, Place, ToldPlaces } from "@quadrille/contracts/places";
import {
  compare,
  type DurableNow,
  type HeardStream,
  lookHeard,
  type StreamNow,
  settleHeard,
  settleTold,
} from "./epoch.ts";

const minute = 60_000;
const at = (seq: number) => new Date(seq * minute);
const place = (seq: number, factId = `fact ${seq}`, storedAt: Date | undefined = at(seq)): Place => ({
  seq: BigInt(seq),
  factId,
  storedAt,
});

/** A stream with these messages; the lowest of them is the first, or comes after everything that was. */
function streamOf(
  places: readonly Place[],
  { created = "made", server = "started", first = 0n, last = 0n } = {},
) {
  const bySeq = new Map(places.map((each) => [each.seq, each]));
  const seqs = places.map(({ seq }) => Number(seq));
  const stream: StreamNow = {
    name: "STREAM",
    created,
    server,
    first: first || BigInt(Math.min(...seqs, Number.MAX_SAFE_INTEGER)),
    last: last || BigInt(Math.max(0, ...seqs)),
    holes: 0,
    at: async (seq) => bySeq.get(seq),
  };
  return stream;
}

/** Ten minutes, less the tenth that a mark may be late. */
const keeping = { streamAgeMs: 10 * minute, duplicateWindowMs: 2 * minute };

class Remembered implements ToldPlaces {
  readonly places: Place[];
  readonly deeds: string[] = [];
  knownAs: KnownStream | undefined;
  isBusy = false;
  /** Facts are published when they are stored. */
  now = at(0);

  constructor(places: readonly Place[], created: string | null = "made") {
    this.places = [...places].sort((one, other) => Number(other.seq - one.seq));
    this.knownAs = created === null ? undefined : { created, server: "started", epoch: 3 };
  }

  known = async () => this.knownAs;
  place = async (_: string, back: number) => this.places[back];
  begin = async () => {
    this.deeds.push("begin");
    return !this.isBusy;
  };
  forget = async (_: string, above: bigint) => {
    this.deeds.push(`forget above ${above}`);
    this.places.splice(0, this.places.length, ...this.places.filter(({ seq }) => seq <= above));
  };
  youngBelow = async (_: string, first: bigint, youngMs: number): Promise<Cut | undefined> => {
    const [highest, ...more] = this.places.filter(({ seq }) => seq < first);
    const isOld = ({ storedAt }: Place) => this.now.getTime() - Number(storedAt?.getTime()) >= youngMs;
    if (highest === undefined || isOld(highest)) return undefined;
    return { above: more.find(isOld)?.seq ?? 0n, below: first };
  };
  forgetCut = async (_: string, { above, below }: Cut, windowMs: number) => {
    this.deeds.push(`forget ${above} to ${below}, for ${windowMs} ms`);
    const isKept = ({ seq }: Place) => seq <= above || seq >= below;
    this.places.splice(0, this.places.length, ...this.places.filter(isKept));
  };
  end = async (_: string, { created, server }: Making) => {
    this.deeds.push(`end ${created}`);
    this.knownAs = { created, server, epoch: 4 };
    return this.knownAs;
  };
  abandon = async () => void this.deeds.push("abandon");
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, each) => from + each);
const places = (from: number, to: number) => range(from, to).map((seq) => place(seq));

const compared = async (remembered: Remembered, stream: StreamNow) => {
  const { isIntact, upTo } = await compare(remembered, "STREAM", async () => stream);
  return [isIntact, upTo?.seq];
};

describe("a comparison", () => {
  test("is satisfied with the highest place, whatever came after it", async () => {
    expect(await compared(new Remembered(places(1, 9)), streamOf(places(1, 20)))).toEqual([true, 9n]);
    expect(await compared(new Remembered([]), streamOf(places(1, 20)))).toEqual([true, undefined]);
    expect(await compared(new Remembered([], null), streamOf([]))).toEqual([true, undefined]);
  });

  test("steps back 1, 10, 100 places to one that holds", async () => {
    const remembered = new Remembered(places(1, 300));
    expect(await compared(remembered, streamOf(places(1, 299)))).toEqual([false, 299n]);
    expect(await compared(remembered, streamOf(places(1, 298)))).toEqual([false, 290n]);
    expect(await compared(remembered, streamOf(places(1, 250)))).toEqual([false, 200n]);
    expect(await compared(remembered, streamOf(places(1, 150)))).toEqual([false, undefined]);
  });

  test.each([
    ["another fact", place(9, "another")],
    ["the same fact, stored again later", place(9, "fact 9", at(10))],
  ])("finds %s at the place", async (_, found) => {
    const stream = streamOf([...places(1, 8), found, place(10)]);
    expect(await compared(new Remembered(places(1, 9)), stream)).toEqual([false, 8n]);
  });

  test("takes the moment for the same where one of two clocks is rounded, or nobody said", async () => {
    const rounded = streamOf([place(9, "fact 9", new Date(at(9).getTime() + 1))]);
    expect(await compared(new Remembered([place(9)]), rounded)).toEqual([true, 9n]);
    const unsaid = new Remembered([{ ...place(9), storedAt: undefined }]);
    expect(await compared(unsaid, streamOf([place(9)]))).toEqual([true, 9n]);
  });

  test("takes what is below the first for old, not for lost, also when it ages meanwhile", async () => {
    expect(await compared(new Remembered(places(1, 9)), streamOf(places(12, 20)))).toEqual([true, 9n]);
    const looks = [streamOf([], { first: 9n, last: 9n }), streamOf([], { first: 10n, last: 9n })];
    const later = await compare(new Remembered([place(9)]), "STREAM", async () => looks.shift() as StreamNow);
    expect(later.isIntact).toBe(true);
    const gone = streamOf([], { first: 9n, last: 9n });
    expect(await compared(new Remembered([place(9)]), gone)).toEqual([false, undefined]);
  });

  test("takes nothing for granted in a stream that was made anew", async () => {
    const anew = streamOf(places(12, 20), { created: "anew" });
    expect(await compared(new Remembered(places(1, 9)), anew)).toEqual([false, undefined]);
    expect(await compared(new Remembered([]), anew)).toEqual([true, undefined]);
  });
});

const errors = () => {
  const said: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => said.push(text) };
  return { said, log };
};

describe("what was told", () => {
  test("and is there is let through with its epoch and its floor", async () => {
    const remembered = new Remembered(places(1, 9));
    const { log } = errors();
    const pass = await settleTold(remembered, "STREAM", async () => streamOf(places(1, 20)), keeping, log);
    expect(pass).toEqual({ epoch: 3, floor: 20n });
    expect(remembered.deeds).toEqual([]);
  });

  test("and is lost is forgotten within a new epoch", async () => {
    const remembered = new Remembered(places(1, 9));
    const { log, said } = errors();
    const pass = await settleTold(remembered, "STREAM", async () => streamOf(places(1, 8)), keeping, log);
    expect(remembered.deeds).toEqual(["begin", "forget above 8", "end made"]);
    expect(pass).toEqual({ epoch: 4, floor: 8n });
    expect(said).toHaveLength(1);
  });

  test("and is claimed, late, at the very place that holds is forgotten with that place, once", async () => {
    const remembered = new Remembered([...places(1, 2), place(3, "lost before"), place(3)]);
    remembered.begin = async () => {
      if (remembered.deeds.length > 10) throw new Error("again and again");
      return true;
    };
    const { log, said } = errors();
    await settleTold(remembered, "STREAM", async () => streamOf(places(1, 9)), keeping, log);
    expect(remembered.places.map(({ factId }) => factId)).toEqual(["fact 2", "fact 1"]);
    expect(said).toHaveLength(1);
  });

  test("is claimed under no epoch from before its stream was made anew, or its broker started again, even if nothing seems to be missing", async () => {
    for (const now of [{ created: "anew" }, { server: "started again" }]) {
      const remembered = new Remembered([]);
      const look = async () => streamOf([], now);
      const pass = await settleTold(remembered, "STREAM", look, keeping, errors().log);
      expect(remembered.deeds).toEqual(["begin", `end ${now.created ?? "made"}`]);
      expect(pass).toEqual({ epoch: 4, floor: 0n });
    }
  });

  test("is let through with the epoch that another replica began and ended meanwhile", async () => {
    const remembered = new Remembered(places(1, 8));
    const { place: placeOf } = remembered;
    remembered.place = async (name, back) => {
      remembered.knownAs = { created: "made", server: "started", epoch: 4 };
      return await placeOf(name, back);
    };
    const pass = await settleTold(
      remembered,
      "STREAM",
      async () => streamOf(places(1, 8)),
      keeping,
      errors().log,
    );
    expect(pass).toEqual({ epoch: 4, floor: 8n });
  });

  test("is left to another replica that is at it, and an epoch that fails is given up", async () => {
    const busy = new Remembered(places(1, 9));
    busy.isBusy = true;
    const settle = (remembered: Remembered) =>
      settleTold(remembered, "STREAM", async () => streamOf(places(1, 8)), keeping, errors().log);
    await expect(settle(busy)).rejects.toThrow("another replica");
    expect(busy.deeds).toEqual(["begin"]);
    const failing = new Remembered(places(1, 9));
    failing.forget = () => Promise.reject(new Error("no database"));
    await expect(settle(failing)).rejects.toThrow("no database");
    expect(failing.deeds).toEqual(["begin", "abandon"]);
  });
});

describe("what was told and cut off at the front", () => {
  async function afterwards(now: number, stream: StreamNow, told = places(1, 20)) {
    const remembered = new Remembered(told);
    remembered.now = at(now);
    const { log, said } = errors();
    const pass = await settleTold(remembered, "STREAM", async () => stream, keeping, log);
    return { pass, deeds: remembered.deeds, left: remembered.places.map(({ seq }) => Number(seq)), said };
  }
  const front = (seq: number) => streamOf([], { first: BigInt(seq), last: 20n });

  test("is left alone when the highest of it is as old as the stream keeps facts, but for late marks", async () => {
    const whole = streamOf(places(15, 20));
    expect(await afterwards(23, whole)).toMatchObject({ deeds: [], said: [], pass: { epoch: 3 } });
    const { deeds } = await afterwards(22, whole);
    expect(deeds).toEqual(["begin", "forget 13 to 15, for 121000 ms", "end made"]);
  });

  test("is forgotten within a new epoch when it is young, and what was old before is not", async () => {
    const { deeds, left, said, pass } = await afterwards(20, front(21));
    expect(deeds).toEqual(["begin", "forget 11 to 21, for 121000 ms", "end made"]);
    expect(left).toEqual(range(1, 11).reverse());
    expect(said).toEqual(["the broker let facts go before they were old; they are published again"]);
    expect(pass).toEqual({ epoch: 4, floor: 20n });
  });

  test("is forgotten before what was lost at the end, so that whoever dies between finds that again", async () => {
    const { deeds, left, said } = await afterwards(25, streamOf(places(18, 20)), places(1, 21));
    expect(deeds).toEqual(["begin", "forget 16 to 18, for 121000 ms", "forget above 20", "end made"]);
    expect(left.slice(0, 4)).toEqual([20, 19, 18, 16]);
    expect(said).toHaveLength(2);
  });

  test("is nothing while the stream begins at one, and then nobody asks when it was published", async () => {
    const remembered = new Remembered(places(1, 20));
    remembered.youngBelow = () => Promise.reject(new Error("asked"));
    const look = async () => streamOf(places(1, 20));
    await settleTold(remembered, "STREAM", look, keeping, errors().log);
    expect(remembered.deeds).toEqual([]);
  });
});

/** A durable that says what was done to it. */
function durableOn(stream: StreamNow, now: DurableNow | undefined) {
  let durable = now;
  const deeds: string[] = [];
  const heard: HeardStream = {
    name: "STREAM",
    durable: "durable",
    look: async () => stream,
    durableNow: async () => durable,
    async make(from) {
      deeds.push(from === undefined ? "make" : `make from ${from.getTime() / minute}`);
      durable = { delivered: 0n, floor: 0n };
    },
    async remove() {
      deeds.push("remove");
      durable = undefined;
    },
  };
  return { heard, deeds };
}

const durable = (delivered: number, floor = delivered): DurableNow => ({
  delivered: BigInt(delivered),
  floor: BigInt(floor),
});

async function settled(
  remembered: Remembered,
  stream: StreamNow,
  now: DurableNow | undefined,
): Promise<{ deeds: string[]; said: string[] }> {
  const { heard, deeds } = durableOn(stream, now);
  const { log, said } = errors();
  await settleHeard(remembered, heard, log);
  return { deeds: [...deeds, ...remembered.deeds], said };
}

describe("a durable", () => {
  test("that stands where it should is left alone; one that is not there is made", async () => {
    const stream = streamOf(places(1, 30));
    expect(await settled(new Remembered(places(1, 9)), stream, durable(20, 9))).toEqual({
      deeds: [],
      said: [],
    });
    expect(await settled(new Remembered(places(1, 9)), stream, undefined)).toMatchObject({ deeds: ["make"] });
    expect((await settled(new Remembered([], null), stream, undefined)).deeds).toEqual(["make", "end made"]);
  });

  test("over a stream that lost something is made anew from ten minutes before the last place that holds", async () => {
    const { deeds, said } = await settled(
      new Remembered(places(1, 21)),
      streamOf(places(1, 20)),
      durable(21),
    );
    expect(deeds).toEqual(["remove", "make from 10", "begin", "forget above 20", "end made"]);
    expect(said).toHaveLength(1);
  });

  test("is made anew from what it had not seen acknowledged, however long ago that was told", async () => {
    const remembered = new Remembered(places(1, 21));
    const { deeds } = await settled(remembered, streamOf(places(1, 20)), durable(21, 3));
    expect(deeds.slice(0, 2)).toEqual(["remove", "make from 4"]);
  });

  test("is made anew from the start when no place holds, or what waited came of age", async () => {
    const none = await settled(new Remembered(places(31, 40)), streamOf(places(1, 20)), durable(20));
    expect(none.deeds.slice(0, 2)).toEqual(["remove", "make"]);
    const aged = await settled(new Remembered(places(1, 31)), streamOf(places(25, 30)), durable(31, 3));
    expect(aged.deeds.slice(0, 2)).toEqual(["remove", "make"]);
    const missing = await settled(new Remembered(places(1, 21)), streamOf(places(1, 20)), undefined);
    expect(missing.deeds.slice(0, 1)).toEqual(["make"]);
  });

  test("that delivered more than there is is made anew", async () => {
    const { deeds } = await settled(new Remembered(places(1, 9)), streamOf(places(1, 20)), durable(21));
    expect(deeds).toEqual(["remove", "make from -1", "begin", "end made"]);
  });

  test("that has more acknowledged than is remembered is made anew, unless the stream has let that go", async () => {
    const stream = streamOf(places(1, 30));
    const { deeds } = await settled(new Remembered(places(1, 9)), stream, durable(20, 10));
    expect(deeds).toEqual(["remove", "make from -1", "begin", "end made"]);
    const cut = streamOf(places(11, 30));
    expect((await settled(new Remembered(places(1, 9)), cut, durable(20, 10))).deeds).toEqual([]);
    expect((await settled(new Remembered([]), stream, durable(1))).deeds.slice(0, 2)).toEqual([
      "remove",
      "make",
    ]);
  });

  test("is made anew once when a fact of an older stream claims the very place that holds", async () => {
    const remembered = new Remembered([...places(1, 2), place(3, "of another stream"), place(3)]);
    const { deeds } = await settled(remembered, streamOf(places(1, 3)), durable(3));
    expect(deeds.filter((deed) => deed.startsWith("forget"))).toEqual(["forget above 3", "forget above 2"]);
  });

  test("that another replica made anew before this one was let in stays", async () => {
    const remembered = new Remembered(places(1, 21));
    const { heard, deeds } = durableOn(streamOf(places(1, 20)), durable(20));
    remembered.begin = async () => {
      remembered.places.shift(); // That replica forgot what was lost, and its epoch is over.
      return true;
    };
    await settleHeard(remembered, heard, errors().log);
    expect(deeds).toEqual([]);
  });

  test("that another replica is making anew is waited for", async () => {
    const remembered = new Remembered(places(1, 21));
    remembered.isBusy = true;
    await expect(settled(remembered, streamOf(places(1, 20)), durable(20))).rejects.toThrow(
      "another replica",
    );
  });

  test("for which facts came of age before they were heard is reported", async () => {
    const { deeds, said } = await settled(new Remembered(places(1, 9)), streamOf(places(15, 30)), durable(9));
    expect(deeds).toEqual([]);
    expect(said).toEqual(["the broker let facts go before they were heard"]);
  });

  test("is looked at before its stream, so that what is told meanwhile is not too much", async () => {
    const asked: string[] = [];
    const { heard } = durableOn(streamOf(places(1, 20)), durable(20));
    await lookHeard(new Remembered([]), {
      ...heard,
      look: async () => {
        asked.push("stream");
        return streamOf(places(1, 20));
      },
      durableNow: async () => {
        asked.push("durable");
        return durable(20);
      },
    });
    expect(asked).toEqual(["durable", "stream"]);
  });
});
