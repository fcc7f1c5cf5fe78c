// What every database must answer about leases, in memory or not.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { LeaseTable } from "../leases.ts";
import { testId } from "./bench.ts";

export interface LeaseBench extends AsyncDisposable {
  readonly leases: LeaseTable;
  /** Lets so much of the database's time go by. */
  pass(ms: number): Promise<void>;
}

const long = 60_000;

export function leasesContract(open: () => Promise<LeaseBench>): void {
  let bench: LeaseBench;
  beforeAll(async () => {
    bench = await open();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });
  const named = () => {
    const name = testId();
    return (holder: string, ms = long) => bench.leases.take(name, holder, ms);
  };

  test("a lease is one holder's at a time, and that holder has it again whenever it asks", async () => {
    const take = named();
    const asked = await Promise.all(["one", "other", "third"].map((holder) => take(holder)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    const holder = ["one", "other", "third"][asked.indexOf(true)] as string;
    for (const each of ["one", "other", "third"]) expect(await take(each)).toBe(each === holder);
  });

  test("leases of different names are different", async () => {
    expect(await named()("one")).toBe(true);
    expect(await named()("other")).toBe(true);
  });

  test("a lease ends when its time is over, not before, and is the first one's who asks", async () => {
    const take = named();
    expect(await take("dead", 300)).toBe(true);
    expect(await take("other")).toBe(false);
    await bench.pass(400);
    const asked = await Promise.all(["other", "third"].map((holder) => take(holder)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect(await take("dead")).toBe(false);
  });

  test("a lease that is renewed lasts from then on", async () => {
    const take = named();
    await take("one", 300);
    await take("one", long);
    await bench.pass(400);
    expect(await take("other")).toBe(false);
  });

  test("a holder that gives up what it has leaves nothing, and takes nothing from others", async () => {
    const [first, second, kept] = [named(), named(), named()];
    const leaving = testId();
    await Promise.all([first(leaving), second(leaving), kept("staying")]);
    await bench.leases.release(leaving);
    expect(await first("other")).toBe(true);
    expect(await second("other")).toBe(true);
    expect(await kept("other")).toBe(false);
  });
}
