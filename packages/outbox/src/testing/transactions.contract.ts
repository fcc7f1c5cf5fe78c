// What every database must do for a group, said once and asked of each: PostgreSQL and memory.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Group } from "../group.ts";
import { type GroupTransaction, TransactionFailed, type Transactions, type Written } from "../transaction.ts";
import { asking, type Bench, envelopeOf, held, known, nothing, testId } from "./bench.ts";
import { hold, own } from "./memory-stock.ts";
import { type Movement, type Stock, stock } from "./stock.ts";

type Open = GroupTransaction<Stock, Movement>;

const failedWith = (kind: string) =>
  expect.objectContaining({ constructor: TransactionFailed, kind }) as unknown as TransactionFailed;

/** Holds a transaction open until told to go on. */
function gate() {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    async stop() {
      reached.resolve();
      await opened.promise;
    },
  };
}

/** Long enough for a transaction that does not wait to have ended. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 50));

export function transactionsContract(openBench: () => Promise<Bench>): void {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const write = (transactions: Transactions<Stock, Movement>, written: Partial<Written<Stock, Movement>>) =>
    transactions.run(async (transaction) => {
      const holds = [...(written.rows?.holds?.keys() ?? []), ...(written.versions?.keys() ?? [])];
      const variants = [...(written.rows?.variants?.keys() ?? [])];
      await transaction.open(asking({ keys: { holds, variants } }));
      await transaction.write({ ...nothing, ...written });
    });
  const look = (transactions: Transactions<Stock, Movement>, orderId: string) =>
    transactions.run(async (transaction) => {
      const opened = await transaction.open(asking({ keys: { holds: [orderId] } }));
      await transaction.write(nothing);
      return opened;
    });

  describe("a commit", () => {
    test("keeps rows, entries, facts, versions and answers, and shows them to others only then", async () => {
      const [orderId, variantId, requestId] = [testId(), testId(), testId()];
      const request = { caller: "a", method: "M", requestId };
      const envelope = envelopeOf(orderId, 1);
      const movementsBefore = await bench.movements();
      await bench.first.run(async (transaction) => {
        const keys = { holds: [orderId, orderId], variants: [variantId] };
        const opened = await transaction.open(asking({ keys, requests: [request] }));
        expect(opened.rows.holds.get(orderId)?.status).toBe("ABSENT");
        expect(opened.versions.get(orderId)).toBe(0);
        expect(opened.remembered.size).toBe(0);
        await transaction.write({
          rows: {
            holds: new Map([[orderId, held([{ variantId, quantity: 2 }])]]),
            variants: new Map([[variantId, known(2n ** 60n)]]),
          },
          versions: new Map([[orderId, 1]]),
          entries: [
            { variantId, quantity: 1 },
            { variantId, quantity: -1 },
          ],
          envelopes: [envelope],
          answers: [{ ...request, hash: "h", answer: new Uint8Array([0, 255]) }],
          unclaimed: [],
        });
        expect(await bench.state("holds", orderId)).toBeUndefined();
        expect(await bench.told()).not.toContain(envelope.id);
      });
      expect(await bench.state("holds", orderId)).toEqual(held([{ variantId, quantity: 2 }]));
      expect(await bench.state("variants", variantId)).toEqual(known(2n ** 60n));
      expect(await bench.told()).toContain(envelope.id);
      expect(await bench.movements()).toBe(movementsBefore + 2);
      const again = await bench.second.run((transaction) =>
        transaction.open(asking({ keys: { holds: [orderId] }, requests: [request] })),
      );
      expect(again.rows.holds.get(orderId)).toEqual(held([{ variantId, quantity: 2 }]));
      expect(again.versions.get(orderId)).toBe(1);
      const [remembered] = again.remembered.values();
      expect(remembered?.hash).toBe("h");
      expect([...(remembered?.answer ?? [])]).toEqual([0, 255]);
    });

    test("gives what the work returned", async () => {
      expect(await bench.first.run(async () => 42)).toBe(42);
    });
  });

  describe("a rollback", () => {
    test("leaves nothing, and passes on what the work threw", async () => {
      const [orderId, factId] = [testId(), testId()];
      const envelope = envelopeOf(orderId, 1);
      const fault = new Error("thrown by the work");
      const failing = bench.first.run(async (transaction) => {
        await transaction.open(asking({ keys: { holds: [orderId] }, claims: [factId] }));
        const rows = { holds: new Map([[orderId, held()]]) };
        await transaction.write({
          ...nothing,
          rows,
          versions: new Map([[orderId, 1]]),
          envelopes: [envelope],
        });
        throw fault;
      });
      await expect(failing).rejects.toBe(fault);
      expect(await bench.state("holds", orderId)).toBeUndefined();
      expect(await bench.told()).not.toContain(envelope.id);
      const { fresh } = await bench.second.run((each) => each.open(asking({ claims: [factId] })));
      expect(fresh.has(factId)).toBe(true);
    });
  });

  describe("a row that is not there", () => {
    test("is gone again when it stays absent", async () => {
      const orderId = testId();
      await write(bench.first, { rows: { holds: new Map([[orderId, { ...held(), status: "ABSENT" }]]) } });
      expect(await bench.state("holds", orderId)).toBeUndefined();
      expect((await look(bench.second, orderId)).rows.holds.get(orderId)?.status).toBe("ABSENT");
      expect(await bench.state("holds", orderId)).toBeUndefined();
    });

    test("goes when its state becomes absent", async () => {
      const variantId = testId();
      await write(bench.first, { rows: { variants: new Map([[variantId, known(1n)]]) } });
      expect(await bench.state("variants", variantId)).toEqual(known(1n));
      const absent = { status: "ABSENT", available: 0n, note: "" } as const;
      await write(bench.second, { rows: { variants: new Map([[variantId, absent]]) } });
      expect(await bench.state("variants", variantId)).toBeUndefined();
    });

    test("stays when it told a fact, so that its next fact is the second", async () => {
      const orderId = testId();
      await write(bench.first, { versions: new Map([[orderId, 1]]), envelopes: [envelopeOf(orderId, 1)] });
      const opened = await look(bench.second, orderId);
      expect(opened.rows.holds.get(orderId)?.status).toBe("ABSENT");
      expect(opened.versions.get(orderId)).toBe(1);
    });
  });

  describe("a lock", () => {
    const addOne = (
      transactions: Transactions<Stock, Movement>,
      variantId: string,
      then?: () => Promise<void>,
    ) =>
      transactions.run(async (transaction) => {
        const { rows } = await transaction.open(asking({ keys: { variants: [variantId] } }));
        await then?.();
        const available = (rows.variants.get(variantId)?.available ?? 0n) + 1n;
        await transaction.write({ ...nothing, rows: { variants: new Map([[variantId, known(available)]]) } });
      });

    test.each(["there", "not there"])(
      "on a row that is %s makes others wait until the commit",
      async (is) => {
        const variantId = testId();
        if (is === "there")
          await write(bench.first, { rows: { variants: new Map([[variantId, known(0n)]]) } });
        const held = gate();
        const one = addOne(bench.first, variantId, held.stop);
        await held.reached;
        let isDone = false;
        const other = addOne(bench.second, variantId).then(() => {
          isDone = true;
        });
        await aWhile();
        expect(isDone).toBe(false);
        held.open();
        await Promise.all([one, other]);
        expect(await bench.state("variants", variantId)).toEqual(known(2n));
      },
    );

    test("on a row whose insert is rolled back is passed on", async () => {
      const variantId = testId();
      const held = gate();
      const one = addOne(bench.first, variantId, async () => {
        await held.stop();
        throw new Error("rolled back");
      });
      await held.reached;
      const other = addOne(bench.second, variantId);
      held.open();
      await expect(one).rejects.toThrow("rolled back");
      await other;
      expect(await bench.state("variants", variantId)).toEqual(known(1n));
    });

    test("is taken in one order, whatever order the keys are asked in", async () => {
      const ids = [testId(), testId(), testId(), testId()];
      const both = (transactions: Transactions<Stock, Movement>, keys: readonly string[]) =>
        transactions.run(async (transaction) => {
          await transaction.open(asking({ keys: { variants: keys, holds: keys } }));
          await transaction.write(nothing);
        });
      const rounds = Array.from({ length: 20 }, (_, round) => [
        both(bench.first, round % 2 ? ids : ids.toReversed()),
        both(bench.second, round % 3 ? ids : ids.toReversed()),
      ]);
      await expect(Promise.all(rounds.flat())).resolves.toHaveLength(40);
    });

    test("comes before the clock is read", async () => {
      const orderId = testId();
      const held = gate();
      const one = bench.first.run(async (transaction) => {
        await transaction.open(asking({ keys: { holds: [orderId] } }));
        await held.stop();
        return Date.now();
      });
      await held.reached;
      const other = look(bench.second, orderId);
      await aWhile();
      held.open();
      const [endedAt, opened] = await Promise.all([one, other]);
      expect(opened.now.getTime()).toBeGreaterThanOrEqual(endedAt);
    });

    test("comes before requests are looked up", async () => {
      const orderId = testId();
      const request = { caller: "a", method: "M", requestId: testId() };
      const held = gate();
      const asked = asking({ keys: { holds: [orderId] }, requests: [request] });
      const one = bench.first.run(async (transaction) => {
        await transaction.open(asked);
        await held.stop();
        await transaction.write({
          ...nothing,
          answers: [{ ...request, hash: "h", answer: new Uint8Array() }],
        });
      });
      await held.reached;
      const other = bench.second.run((transaction) => transaction.open(asked));
      held.open();
      await one;
      expect((await other).remembered.size).toBe(1);
    });

    test("that is not to be had in time is `busy`", async () => {
      const orderId = testId();
      const held = gate();
      const one = bench.first.run(async (transaction) => {
        await transaction.open(asking({ keys: { holds: [orderId] } }));
        await held.stop();
      });
      await held.reached;
      await expect(look(bench.second, orderId)).rejects.toEqual(failedWith("busy"));
      held.open();
      await one;
      await look(bench.second, orderId);
    });

    test("that two wait for crosswise is a `conflict` for one of them", async () => {
      const ids = [testId(), testId()] as const;
      const firstLock = [gate(), gate()] as const;
      const crosswise = (side: 0 | 1) => async (transaction: Open) => {
        await transaction.open(asking({ keys: { holds: [ids[side]] } }));
        await firstLock[side].stop();
        await transaction.open(asking({ keys: { holds: [ids[1 - side] as string] } }));
      };
      const ended = Promise.allSettled([bench.first.run(crosswise(0)), bench.second.run(crosswise(1))]);
      await Promise.all(firstLock.map(({ reached }) => reached));
      for (const { open } of firstLock) open();
      const results = await ended;
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(results).toContainEqual({ status: "rejected", reason: failedWith("conflict") });
    });
  });

  describe("the inbox", () => {
    const claim = (transactions: Transactions<Stock, Movement>, factId: string, then?: () => Promise<void>) =>
      transactions.run(async (transaction) => {
        const { fresh } = await transaction.open(asking({ claims: [factId] }));
        await then?.();
        await transaction.write(nothing);
        return fresh.has(factId);
      });

    test("knows a fact after the first commit", async () => {
      const factId = testId();
      expect(await claim(bench.first, factId)).toBe(true);
      expect(await claim(bench.first, factId)).toBe(false);
      expect(await claim(bench.second, factId)).toBe(false);
    });

    test.each([
      ["commits", true],
      ["rolls back", false],
    ])("waits for another that takes the same fact and %s", async (_, commits) => {
      const factId = testId();
      const held = gate();
      const one = claim(bench.first, factId, async () => {
        await held.stop();
        if (!commits) throw new Error("rolled back");
      }).catch(() => undefined);
      await held.reached;
      const other = claim(bench.second, factId);
      await aWhile();
      held.open();
      await one;
      expect(await other).toBe(!commits);
    });

    test("remembers the highest place of a fact that comes again, and never a lower one", async () => {
      const factId = testId();
      const stream = `STREAM_${factId}`;
      const hear = (seq: bigint) =>
        bench.first.run(async (transaction) => {
          const claims = [{ factId, stream, seq, storedAt: new Date(Number(seq)), deliveries: 1 }];
          const { fresh } = await transaction.open({ ...asking({}), claims });
          await transaction.write(nothing);
          return fresh.size;
        });
      const heard = [await hear(5n), await hear(9n), await hear(7n)];
      expect(heard).toEqual([1, 0, 0]);
      const place = { seq: 9n, factId, storedAt: new Date(9) };
      expect(await bench.places.heard.place(stream, 0)).toEqual(place);
      expect(await bench.places.heard.place(stream, 1)).toBeUndefined();
    });

    test("gives back what was not handled", async () => {
      const [kept, returned] = [testId(), testId()];
      await bench.first.run(async (transaction) => {
        await transaction.open(asking({ claims: [returned, kept] }));
        await transaction.write({ ...nothing, unclaimed: [returned] });
      });
      expect(await claim(bench.second, kept)).toBe(false);
      expect(await claim(bench.second, returned)).toBe(true);
    });
  });

  describe("a row that others have written since it was read", () => {
    const put = (variantId: string, state: Stock["variants"]) =>
      write(bench.second, { rows: { variants: new Map([[variantId, state]]) } });
    const absent = { status: "ABSENT", available: 0n, note: "" } as const;

    test.each([
      { is: "changed", theirs: known(7n), want: "change", ours: known(2n) },
      { is: "deleted", theirs: absent, want: "change", ours: known(2n) },
      { is: "changed", theirs: known(7n), want: "delete", ours: absent },
    ])("is $is: a `conflict` for whoever wants to $want it, and nothing of it is kept", async (given) => {
      const { theirs, ours } = given;
      const [orderId, variantId, besideId, factId] = [testId(), testId(), testId(), testId()];
      const request = { caller: "a", method: "M", requestId: testId() };
      const envelope = envelopeOf(orderId, 1);
      const movementsBefore = await bench.movements();
      for (const id of [variantId, besideId]) await put(id, known(1n));
      const keys = { holds: [orderId], variants: [variantId, besideId] };
      const overtaken = bench.careless.run(async (transaction) => {
        await transaction.open(asking({ keys, claims: [factId], requests: [request] }));
        await put(variantId, theirs);
        const variants = new Map([variantId, besideId].map((id) => [id, ours] as const));
        await transaction.write({
          rows: { holds: new Map([[orderId, held()]]), variants },
          versions: new Map([[orderId, 1]]),
          entries: [{ variantId, quantity: 1 }],
          envelopes: [envelope],
          answers: [{ ...request, hash: "h", answer: new Uint8Array() }],
          unclaimed: [],
        });
      });
      await expect(overtaken).rejects.toEqual(failedWith("conflict"));
      const left = theirs.status === "ABSENT" ? undefined : theirs;
      expect(await bench.state("variants", variantId)).toEqual(left);
      expect(await bench.state("variants", besideId)).toEqual(known(1n));
      expect(await bench.state("holds", orderId)).toBeUndefined();
      expect(await bench.told()).not.toContain(envelope.id);
      expect(await bench.movements()).toBe(movementsBefore);
      const again = asking({ claims: [factId], requests: [request] });
      const { fresh, remembered } = await bench.second.run((transaction) => transaction.open(again));
      expect([fresh.has(factId), remembered.size]).toEqual([true, 0]);
    });

    test("is decided on again by the group, and neither change is lost", async () => {
      const [orderId, variantId] = [testId(), testId()];
      await put(variantId, known(10n));
      const [movementsBefore, toldBefore] = [await bench.movements(), (await bench.told()).length];
      let opened = 0;
      const overtakenOnce: Transactions<Stock, Movement> = {
        run: (work) =>
          bench.careless.run((transaction) =>
            work({
              async open(asked) {
                const seen = await transaction.open(asked);
                opened += 1;
                if (opened === 1) await put(variantId, known(15n));
                return seen;
              },
              write: (written) => transaction.write(written),
            }),
          ),
      };
      await using group = new Group(stock, overtakenOnce, {
        ...{ aggregates: "holds", newId: testId, most: 100, queueMost: 100 },
        ...{ onCommit() {}, onDuplicate() {} },
      });
      await group.handle(hold(orderId, variantId, 3), own());
      expect(opened).toBe(2);
      expect(await bench.state("variants", variantId)).toEqual(known(12n));
      expect((await bench.state("holds", orderId))?.lines).toEqual([{ variantId, quantity: 3 }]);
      expect(await bench.movements()).toBe(movementsBefore + 1);
      expect(await bench.told()).toHaveLength(toldBefore + 1);
    });
  });

  test("of two equal request keys the second is a `conflict`, and finds the first's answer when it runs again", async () => {
    const request = { caller: "a", method: "M", requestId: testId() };
    const held = gate();
    const answer = (orderId: string, then?: () => Promise<void>) => async (transaction: Open) => {
      const { remembered } = await transaction.open(
        asking({ keys: { holds: [orderId] }, requests: [request] }),
      );
      if (remembered.size === 1) return "remembered";
      await transaction.write({ ...nothing, answers: [{ ...request, hash: "h", answer: new Uint8Array() }] });
      await then?.();
      return "answered";
    };
    const one = bench.first.run(answer(testId(), held.stop));
    await held.reached;
    const other = bench.second.run(answer(testId()));
    other.catch(() => undefined);
    await aWhile();
    held.open();
    expect(await one).toBe("answered");
    await expect(other).rejects.toEqual(failedWith("conflict"));
    expect(await bench.second.run(answer(testId()))).toBe("remembered");
  });

  describe("a write", () => {
    test("to a row that was not locked is refused, and nothing is kept", async () => {
      const [locked, other] = [testId(), testId()];
      const rows = {
        variants: new Map([
          [locked, known(1n)],
          [other, known(1n)],
        ]),
      };
      const failing = bench.first.run(async (transaction) => {
        await transaction.open(asking({ keys: { variants: [locked] } }));
        await transaction.write({ ...nothing, rows });
      });
      await expect(failing).rejects.toThrow("without being locked");
      expect(await bench.state("variants", locked)).toBeUndefined();
    });

    test("of a version to an aggregate that was not locked is refused", async () => {
      const failing = bench.first.run(async (transaction) => {
        await transaction.open(asking({}));
        await transaction.write({ ...nothing, versions: new Map([[testId(), 1]]) });
      });
      await expect(failing).rejects.toThrow("without being locked");
    });

    test.each([
      ["a check refuses", known(-1n)],
      ["no column has room for", known(2n ** 63n)],
      ["no text can hold", { ...known(1n), note: "\0" }],
    ])("of what %s is a `data` failure, and the connection goes on", async (_, state) => {
      const variantId = testId();
      const failing = write(bench.first, { rows: { variants: new Map([[variantId, state]]) } });
      await expect(failing).rejects.toEqual(failedWith("data"));
      await write(bench.first, { rows: { variants: new Map([[variantId, known(1n)]]) } });
      expect(await bench.state("variants", variantId)).toEqual(known(1n));
    });
  });

  test.each([
    ["before the commit", false],
    ["after the commit", true],
  ] as const)("a connection that breaks %s is `lost`, and the next one works", async (at, isKept) => {
    const variantId = testId();
    bench.breakFirst(at);
    const failing = write(bench.first, { rows: { variants: new Map([[variantId, known(1n)]]) } });
    await expect(failing).rejects.toEqual(failedWith("lost"));
    await aWhile();
    expect(await bench.state("variants", variantId)).toEqual(isKept ? known(1n) : undefined);
    await write(bench.first, { rows: { variants: new Map([[variantId, known(5n)]]) } });
    expect(await bench.state("variants", variantId)).toEqual(known(5n));
  });
}
