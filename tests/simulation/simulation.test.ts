import { describe, expect, test } from "@jest/globals";
import { runAll } from "./crew.ts";
import { Die } from "./die.ts";
import { kindNames } from "./faults.ts";
import { readFlags } from "./flags.ts";
import { run } from "./run.ts";
import { commandOf, shrink } from "./shrink.ts";
import { factsTable, hashOf, kindIn, kindsPerRun, swarmTable, type Tally } from "./tally.ts";
import type { Spoil } from "./world.ts";

const orders = Array.from({ length: 10 }, (_, index) => index);
/** Other seeds than those of the command's default, so that together they see more. */
const firstSeed = 1_000_000;

describe("a few hundred seeds", () => {
  let tally: Tally;

  test("break no law", async () => {
    tally = await runAll({
      seed: firstSeed,
      runs: 300,
      faults: undefined,
      orders,
      isHashed: false,
      jobs: 2,
      failuresMost: 3,
    });
    expect(tally.failures).toEqual([]);
    expect(tally.runs).toBe(300);
    expect(tally.orders).toBe(3_000);
    expect(tally.accepted).toBeGreaterThan(1_500);
  }, 120_000);

  test("are a swarm: every kind in one of a hundred, two and more in each on average, and each really happens", () => {
    expect(kindsPerRun(tally)).toBeGreaterThanOrEqual(2);
    for (const kind of kindNames) {
      const { enabled, strikes } = kindIn(tally, kind);
      expect([kind, enabled >= tally.runs / 100, strikes > 0]).toEqual([kind, true, true]);
    }
    expect(swarmTable(tally)).toHaveLength(kindNames.length + 2);
    expect(factsTable(tally).join("\n")).toMatch(/^order\.placed +\d{4}$/m);
  });
});

describe("a seed", () => {
  test.each([7, 8, 9])("%i is the same run every time, byte for byte", async (seed) => {
    const one = await run({ seed, orders, isTraced: true });
    const other = await run({ seed, orders, isTraced: true });
    expect(other.trace).toEqual(one.trace);
    expect(other.hash).toBe(one.hash);
    expect(one.trace.length).toBeGreaterThan(orders.length);
  });

  test("is the same run in a thread of its own, where others went before it", async () => {
    const about = { faults: undefined, orders, isHashed: true, jobs: 1, failuresMost: 1 };
    const tally = await runAll({ seed: 5, runs: 3, ...about });
    const here = await run({ seed: 7, orders, isTraced: true });
    expect(new Map(tally.hashes).get(7)).toBe(here.hash);
    const again = await runAll({ seed: 5, runs: 3, ...about });
    expect(hashOf(again)).toBe(hashOf(tally));
  });

  test.each([1, 2, 3, 4, 5, 6])("%i is the same run whether anybody traces it or not", async (offset) => {
    const about = { seed: firstSeed + offset, orders, faults: kindNames };
    const traced = await run({ ...about, isTraced: true });
    const { trace: _, hash: __, ...rest } = await run(about);
    expect(traced).toMatchObject(rest);
  });

  test("is another run than its neighbour", async () => {
    const [one, other] = [
      await run({ seed: 7, orders, isTraced: true }),
      await run({ seed: 8, orders, isTraced: true }),
    ];
    expect(other.hash).not.toBe(one.hash);
  });

  test("loses only what is taken away when a fault is taken away", () => {
    const rolls = (stream: string) => {
      const die = new Die(7, stream);
      return Array.from({ length: 5 }, () => die.next());
    };
    expect(rolls("bus.drop")).toEqual(rolls("bus.drop"));
    expect(rolls("bus.drop")).not.toEqual(rolls("bus.lose"));
  });
});

/** Every fact is decided on as often as it comes. */
const withoutInbox: Spoil = (transactions) => ({
  run: (work) =>
    transactions.run((transaction) =>
      work({
        async open(asked) {
          const opened = await transaction.open(asked);
          return { ...opened, fresh: new Set(asked.claims.map(({ factId }) => factId)) };
        },
        write: (written) => transaction.write(written),
      }),
    ),
});

describe("without an inbox", () => {
  test("a seed fails, and is made small", async () => {
    const faults = [
      "bus.double",
      "bus.ackLost",
      "member.cancels",
      "member.neverPays",
      "provider.slow",
    ] as const;
    const spoiled = { orders, faults, spoil: withoutInbox };
    let seed = 0;
    let failing = await run({ seed, ...spoiled });
    while (failing.breaches.length === 0 && seed < 200) {
      seed += 1;
      failing = await run({ seed, ...spoiled });
    }
    expect(failing.breaches[0]).toMatch(/^I8: \w+ was led to .* twice$/);
    expect((await run({ seed, orders, faults })).breaches).toEqual([]);

    const smallest = await shrink({ seed, ...spoiled });
    expect(smallest.breaches.length).toBeGreaterThan(0);
    expect(smallest.faults.length).toBeLessThan(faults.length);
    expect(smallest.orders.length).toBeLessThan(orders.length);
    const command = commandOf(smallest);
    expect(command).toContain(`npm run simulate -- --seed ${seed} --faults `);
    const flags = readFlags(command.replace("npm run simulate -- ", "").split(" "));
    expect(flags).toMatchObject({
      seed,
      runs: 1,
      faults: smallest.faults,
      orders: smallest.orders,
      isTraced: true,
    });
    expect((await run({ ...flags, spoil: withoutInbox })).breaches).toEqual(smallest.breaches);
  }, 60_000);

  test("a run that does not fail cannot be made small", async () => {
    await expect(shrink({ seed: 1, orders: [], faults: [] })).rejects.toThrow("seed 1 does not fail");
  });
});

/** A transaction that heard something is made again and again, like a retry that no success ends. */
const withoutEnd: Spoil = (transactions) => ({
  async run(work) {
    for (;;) {
      let isHeard = false;
      const done = await transactions.run((transaction) =>
        work({
          open(asked) {
            isHeard ||= asked.claims.length > 0;
            return transaction.open(asked);
          },
          write: (written) => transaction.write(written),
        }),
      );
      if (!isHeard) return done;
    }
  },
});

describe("a run without an end", () => {
  test.each([
    ["at one moment", 1, /^does not end: \w+-\d\.1 makes more than 20000 steps at one moment$/],
    ["while time passes", 4, /^does not end: there is always another alarm, after 200000 too$/],
  ])(
    "%s is ended, and is a failure",
    async (_, seed, breach) => {
      const { breaches, trace } = await run({
        seed,
        orders: [0, 1],
        faults: [],
        spoil: withoutEnd,
        isTraced: true,
      });
      expect(breaches).toEqual([expect.stringMatching(breach)]);
      expect(trace.at(-1)).toContain(`BREACH ${breaches[0]}`);
    },
    30_000,
  );

  test("is made small like any other", async () => {
    const faults = ["bus.double", "member.cancels"] as const;
    const smallest = await shrink({ seed: 1, orders: [0, 1, 2], faults, spoil: withoutEnd });
    expect(smallest).toMatchObject({ faults: [], breaches: [expect.stringMatching(/^does not end: /)] });
    expect(smallest.orders).toHaveLength(1);
  }, 60_000);
});

describe("the command line", () => {
  test.each([
    ["--seed", "x"],
    ["--runs", "0"],
    ["--orders", "1.5"],
    ["--jobs", ""],
    ["--only", "1,-2"],
    ["--faults", "bus.explodes"],
  ])("refuses %s %j in words", (flag, value) => {
    expect(() => readFlags([`${flag}=${value}`])).toThrow(flag);
  });

  test("runs one seed when one is named, and a thousand when none is", () => {
    expect(readFlags([])).toMatchObject({ seed: 1, runs: 1_000, isHashed: false, faults: undefined });
    expect(readFlags(["--seed", "7"])).toMatchObject({ seed: 7, runs: 1, isHashed: true });
    expect(readFlags(["--faults", "none", "--only", "3,5"])).toMatchObject({ faults: [], orders: [3, 5] });
  });
});
