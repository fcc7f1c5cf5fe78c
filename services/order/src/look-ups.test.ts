import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Refusal } from "@quadrille/decider";
import { RpcError } from "@quadrille/rpc";
import { refusalOf } from "@quadrille/rpc/testing/served";
import type { LookUps } from "./look-ups.ts";
import { type Neighbours, openNeighbours } from "./testing/neighbours.ts";

const never = new AbortController().signal;
let neighbours: Neighbours;
let lookUps: LookUps;
let memberToken: string;

beforeAll(async () => {
  neighbours = await openNeighbours();
  memberToken = await neighbours.keys.mintToken({ sub: "7", role: "member" });
});
afterAll(async () => {
  await neighbours[Symbol.asyncDispose]();
});
beforeEach(async () => {
  neighbours.productAsked.splice(0);
  neighbours.beforeProduct = async () => {};
  neighbours.beforeMember = async () => {};
  neighbours.token.own = await neighbours.keys.mintToken({ sub: "order", role: "service" });
  neighbours.lines.splice(0);
  lookUps = await neighbours.lookUps(300);
});

const idsOf = (found: ReadonlyMap<string, unknown>) => [...found.keys()];
const aborted = async ({ signal }: { readonly signal: AbortSignal }) => {
  if (!signal.aborted) await once(signal, "abort");
};

describe("look-ups of variants", () => {
  test("that are wanted together are one call, each id asked once, each caller told its own", async () => {
    for (const id of ["a", "b", "c"]) neighbours.stock(id);
    const [one, two, none] = await Promise.all([
      lookUps.variants(["a", "b", "a"], never),
      lookUps.variants(["b", "c", "nothing"], never),
      lookUps.variants([], never),
    ]);
    expect(one.get("a")).toMatchObject({ variantId: "a", title: "Oak lamp", price: 1_000n, available: 9 });
    expect([idsOf(one), idsOf(two), idsOf(none)]).toEqual([["a", "b"], ["b", "c"], []]);
    expect(neighbours.productAsked).toEqual([["a", "b", "c", "nothing"]]);
  });

  test("are never remembered", async () => {
    neighbours.stock("a", { price: 1n });
    await lookUps.variants(["a"], never);
    neighbours.stock("a", { price: 2n });
    expect((await lookUps.variants(["a"], never)).get("a")?.price).toBe(2n);
    expect(neighbours.productAsked).toHaveLength(2);
  });

  test("ask for 100 ids in a call at most", async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `v${index}`);
    await lookUps.variants(ids, never);
    expect(neighbours.productAsked.map((asked) => asked.length)).toEqual([100, 100, 50]);
    expect(neighbours.productAsked.flat()).toEqual(ids);
  });
});

describe("a caller who hangs up", () => {
  test("ends its own wait and nobody else's", async () => {
    neighbours.stock("a");
    let isAnswered = false;
    neighbours.beforeProduct = async () => {
      await sleep(80);
      isAnswered = true;
    };
    const hangUp = new AbortController();
    const reason = new Refusal("DEADLINE_EXCEEDED");
    const leaving = lookUps.variants(["a"], hangUp.signal);
    const staying = lookUps.variants(["a"], never);
    hangUp.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(isAnswered).toBe(false);
    expect(idsOf(await staying)).toEqual(["a"]);
    expect(neighbours.productAsked).toHaveLength(1);
  });

  test("before it asked is told so, and what then fails unheard ends nothing", async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", hear);
    neighbours.beforeProduct = async () => {
      throw new Refusal("UNAVAILABLE");
    };
    const reason = new Error("gone");
    await expect(lookUps.variants(["a"], AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(lookUps.pointsOwned("no token", AbortSignal.abort(reason))).rejects.toBe(reason);
    await sleep(100);
    process.off("unhandledRejection", hear);
    expect(unhandled).toEqual([]);
    expect(neighbours.productAsked).toHaveLength(1);
  });
});

describe("a process that was too busy to read an answer in time", () => {
  /** Nothing else runs here meanwhile: no timer, no socket. */
  const busy = (ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; );
  };

  test("asks again instead of blaming its neighbour", async () => {
    neighbours.stock("a");
    neighbours.points.set("7", 70n);
    neighbours.memberAsked.splice(0);
    const asked = Promise.all([lookUps.variants(["a"], never), lookUps.pointsOwned(memberToken, never)]);
    await sleep(1); // The calls are on their way.
    busy(450);
    const [variants, points] = await asked;
    expect([idsOf(variants), points]).toEqual([["a"], 70n]);
    neighbours.points.delete("7");
  });

  test("does so once, and not for a neighbour that really is late", async () => {
    neighbours.beforeProduct = aborted;
    expect(await refusalOf(lookUps.variants(["a"], never))).toBe("PRODUCT_UNAVAILABLE");
    expect(neighbours.productAsked).toHaveLength(1);
    const asked = refusalOf(lookUps.variants(["a"], never));
    await sleep(1);
    busy(450);
    expect(await asked).toBe("PRODUCT_UNAVAILABLE");
    expect(neighbours.productAsked.length).toBeLessThanOrEqual(3);
  });
});

describe("a product service", () => {
  test("that does not answer in time is PRODUCT_UNAVAILABLE, and is told to stop", async () => {
    let isStopped = false;
    neighbours.beforeProduct = async (call) => {
      await aborted(call);
      isStopped = true;
    };
    const startedAt = Date.now();
    expect(await refusalOf(lookUps.variants(["a"], never))).toBe("PRODUCT_UNAVAILABLE");
    expect(Date.now() - startedAt).toBeLessThan(1_500);
    for (let looked = 0; !isStopped && looked < 100; looked += 1) await sleep(10);
    expect(isStopped).toBe(true);
  });

  test("that fails again and again is left alone, and asked again later", async () => {
    neighbours.beforeProduct = async () => {
      throw new Error("broken");
    };
    for (let times = 1; times <= 12; times += 1)
      expect(await refusalOf(lookUps.variants(["a"], never))).toBe("PRODUCT_UNAVAILABLE");
    expect(neighbours.productAsked.length).toBeLessThan(12);
    expect(neighbours.lines).toContainEqual({
      about: { target: "product", state: "open" },
      message: "breaker",
    });
    expect(await lookUps.pointsOwned(memberToken, never).catch(String)).toContain("MEMBER_UNKNOWN"); // Its own breaker.
    neighbours.beforeProduct = async () => {};
    neighbours.stock("a");
    await sleep(2_100);
    expect(idsOf(await lookUps.variants(["a"], never))).toEqual(["a"]);
  });

  test("that has too much to do says so itself, and is not left alone for it", async () => {
    neighbours.beforeProduct = async () => {
      throw new Refusal("OVERLOADED");
    };
    for (let times = 1; times <= 12; times += 1)
      expect(await refusalOf(lookUps.variants(["a"], never))).toBe("OVERLOADED");
    expect(neighbours.productAsked).toHaveLength(12);
  });

  test("that does not know us is our trouble, never the caller's", async () => {
    neighbours.token.own = "spoiled";
    expect(await refusalOf(lookUps.variants(["a"], never))).toBe("PRODUCT_UNAVAILABLE");
    neighbours.token.own = await neighbours.keys.mintToken({ sub: "order", role: "operator" });
    expect(await refusalOf(lookUps.variants(["a"], never))).toBe("PRODUCT_UNAVAILABLE");
    expect(neighbours.lines.map(({ message }) => message)).toEqual(
      Array(2).fill("product refuses our token"),
    );
  });
});

describe("a member's points", () => {
  test("are asked for in the member's own name", async () => {
    neighbours.points.set("7", 70n);
    expect(await lookUps.pointsOwned(memberToken, never)).toBe(70n);
    expect(neighbours.memberAsked.at(-1)).toBe("7");
    neighbours.points.delete("7");
    expect(await refusalOf(lookUps.pointsOwned(memberToken, never))).toBe("MEMBER_UNKNOWN");
    expect(await refusalOf(lookUps.pointsOwned("nonsense", never))).toBe("UNAUTHENTICATED");
  });

  test("that are wanted together are one call for each member, and one's refusal is not another's", async () => {
    neighbours.points.set("7", 70n).set("8", 80n);
    const other = await neighbours.keys.mintToken({ sub: "8", role: "member" });
    const stranger = await neighbours.keys.mintToken({ sub: "stranger", role: "member" });
    neighbours.memberAsked.splice(0);
    const wanted = [memberToken, other, stranger, memberToken, stranger, other, memberToken];
    const answers = await Promise.all(
      wanted.map((token) => lookUps.pointsOwned(token, never).catch((error: Refusal) => error.code)),
    );
    expect(answers).toEqual([70n, 80n, "MEMBER_UNKNOWN", 70n, "MEMBER_UNKNOWN", 80n, 70n]);
    expect(neighbours.memberAsked.toSorted()).toEqual(["7", "8", "stranger"]);
    neighbours.points.set("7", 71n);
    expect(await lookUps.pointsOwned(memberToken, never)).toBe(71n); // Never remembered.
  });

  test("are waited for by each as long as it wants, and asked for once", async () => {
    neighbours.points.set("7", 70n);
    neighbours.memberAsked.splice(0);
    neighbours.beforeMember = () => sleep(80);
    const hangUp = new AbortController();
    const reason = new Refusal("DEADLINE_EXCEEDED");
    const leaving = lookUps.pointsOwned(memberToken, hangUp.signal);
    const staying = lookUps.pointsOwned(memberToken, never);
    hangUp.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(await staying).toBe(70n);
    expect(neighbours.memberAsked).toEqual(["7"]);
  });

  test("of a service that does not answer are MEMBER_UNAVAILABLE, and a caller waits no longer than it wants", async () => {
    neighbours.beforeMember = aborted;
    expect(await refusalOf(lookUps.pointsOwned(memberToken, never))).toBe("MEMBER_UNAVAILABLE");
    const hangUp = new AbortController();
    const waiting = lookUps.pointsOwned(memberToken, hangUp.signal);
    const reason = new RpcError("CANCELLED", "gone");
    hangUp.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
