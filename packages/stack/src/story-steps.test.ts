import { beforeEach, describe, expect, test } from "@jest/globals";
import { Problem } from "@quadrille/client";
import { figures, follow, refusedWith, type Stage, tellFigures, untilAccepted } from "./story-steps.ts";
import type { Buyer, Order, OrderStatus } from "./visitors.ts";

const order = { orderId: "o-1" } as Order;
const sale = { status: "CONFIRMED", told: ["order.placed", "order.confirmed"] } as const;

let lines: string[];
let told: string[];
let now: { status: OrderStatus; reason?: string; stock: number; points: number };
let stage: Stage;

const buyer = {
  async *changes() {
    yield { status: now.status };
  },
  order: async () => now,
  product: async () => ({ available: now.stock }),
  me: async () => ({ points: { available: now.points } }),
} as unknown as Buyer;

beforeEach(() => {
  lines = [];
  told = ["order.placed", "order.confirmed"];
  now = { status: "CONFIRMED", stock: 3, points: 500 };
  const about = () => ({
    types: () => told,
    heard: async (wanted: readonly string[]) => wanted.every((type) => told.includes(type)),
    print: () => told.join("\n"),
  });
  stage = {
    timeline: { about },
    tell: (line: string) => void lines.push(line),
    stepMsMax: 200,
  } as unknown as Stage;
});

describe("an order that is followed", () => {
  test("is held to its end, and everything told of it is shown", async () => {
    await follow(stage, buyer, order, sale);
    expect(lines).toEqual(["order.placed\norder.confirmed", "    order o-1 is CONFIRMED"]);
  });

  test("is told in brief only while it goes well", async () => {
    await follow(stage, buyer, order, { ...sale, isBrief: true });
    expect(lines).toEqual(["    order o-1 is CONFIRMED"]);
    told = ["order.placed"];
    const brief = follow(stage, buyer, order, { ...sale, isBrief: true });
    await expect(brief).rejects.toThrow("still waiting for order.confirmed");
    expect(lines.at(-1)).toBe("order.placed");
  });

  test("at another end, or at this end for another reason, is no end as told", async () => {
    now = { ...now, status: "CANCELLED", reason: "BY_MEMBER" };
    await expect(follow(stage, buyer, order, sale)).rejects.toThrow(
      "order o-1 is CANCELLED (BY_MEMBER), not CONFIRMED",
    );
    const declined = { status: "CANCELLED", reason: "PAYMENT_DECLINED", told: [] } as const;
    await expect(follow(stage, buyer, order, declined)).rejects.toThrow("not CANCELLED (PAYMENT_DECLINED)");
  });

  test("says what the buyer could not do, and then what was not told because of it", async () => {
    const cannot = async () => {
      throw new Error("the window is shut");
    };
    await expect(follow(stage, buyer, order, sale, cannot)).rejects.toThrow("the window is shut");
    told = ["order.placed"];
    await expect(follow(stage, buyer, order, sale, cannot)).rejects.toThrow(
      "still waiting for order.confirmed",
    );
    expect(lines.at(-1)).toBe("    the window is shut");
  });
});

describe("figures", () => {
  test("that are as they were, or as they must be, are said", async () => {
    const before = await figures(buyer, "p");
    await tellFigures(stage, buyer, "p", { before });
    now = { ...now, stock: 2 };
    await tellFigures(stage, buyer, "p", { before, must: { stock: 2, points: 500 } });
    expect(lines.at(-1)).toBe("    before: 3 in stock, 500 points; after: 2 in stock, 500 points");
  });

  test("of which one did not come back are a fault", async () => {
    const before = await figures(buyer, "p");
    now = { ...now, points: 499 };
    const wrong = tellFigures(stage, buyer, "p", { before });
    await expect(wrong).rejects.toThrow("after it there should be 3 in stock, 500 points");
    expect(lines.at(-1)).toContain("after: 3 in stock, 499 points");
  });
});

describe("a refusal", () => {
  const refused = async () => {
    throw new Problem({ type: "/problems/out-of-stock", title: "Gone.", status: 409, code: "OUT_OF_STOCK" });
  };

  test("that was expected is fine; another, or none, is not", async () => {
    await refusedWith("OUT_OF_STOCK", refused());
    await expect(refusedWith("NOT_ENOUGH_POINTS", refused())).rejects.toThrow("OUT_OF_STOCK");
    await expect(refusedWith("OUT_OF_STOCK", Promise.resolve())).rejects.toThrow("should have been refused");
  });

  test("that time may change is asked again for a while; another is not", async () => {
    let asked = 0;
    const later = async () => {
      asked += 1;
      return asked < 3 ? await refused() : "sold";
    };
    expect(await untilAccepted(stage, ["NOT_ON_SALE", "OUT_OF_STOCK"], later)).toBe("sold");
    await expect(untilAccepted(stage, ["OUT_OF_STOCK"], refused)).rejects.toThrow("OUT_OF_STOCK");
    asked = 0;
    await expect(untilAccepted(stage, ["VARIANT_UNKNOWN"], later)).rejects.toThrow("OUT_OF_STOCK");
    expect(asked).toBe(1);
  });
});
