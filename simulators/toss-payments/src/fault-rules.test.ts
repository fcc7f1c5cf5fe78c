import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Faults, FIELDS, type Rule } from "./fault-rules.ts";
import { FAULTS, HEALTHY, OPERATIONS } from "./faults.ts";

const asked = (orderId: string, operation: Rule["on"][number] = "confirm") => ({
  operation,
  paymentKey: `pay-${orderId}`,
  orderId,
});
const orders = Array.from({ length: 2_000 }, (_, n) => `order-${n}`);

describe("a rule for one payment", () => {
  test("hits it by order or by key, once, and nobody else", () => {
    const faults = new Faults("1");
    faults.add({ fault: "decline", orderId: "a" });
    faults.add({ fault: "delay", paymentKey: "pay-b" });
    expect(faults.pick(asked("c"))).toBeUndefined();
    expect(faults.pick(asked("a", "query"))).toBeUndefined();
    expect([faults.pick(asked("a"))?.fault, faults.pick(asked("a"))]).toEqual(["decline", undefined]);
    expect([faults.pick(asked("b"))?.fault, faults.pick(asked("b"))]).toEqual(["delay", undefined]);
    expect(faults.list()).toEqual([]);
  });

  test("hits as often as it says, and one after the other", () => {
    const faults = new Faults("1");
    faults.add({ fault: "in_progress", orderId: "a", times: 2 });
    faults.add({ fault: "decline", orderId: "a" });
    const hits = [1, 2, 3, 4].map(() => faults.pick(asked("a"))?.fault);
    expect(hits).toEqual(["in_progress", "in_progress", "decline", undefined]);
  });

  test("with key and order needs both to fit", () => {
    const faults = new Faults("1");
    faults.add({ fault: "delay", paymentKey: "pay-a", orderId: "z" });
    expect(faults.pick(asked("a"))).toBeUndefined();
    faults.add({ fault: "delay", paymentKey: "pay-a", orderId: "a", on: ["query", "confirm"] });
    expect(faults.pick(asked("a", "query"))?.id).toBe(2);
  });
});

describe("a rule with a rate", () => {
  const hitBy = (seed: string, sequence: readonly string[]) => {
    const faults = new Faults(seed);
    faults.add({ fault: "delay", rate: 0.3 });
    return new Set(sequence.filter((orderId) => faults.pick(asked(orderId)) !== undefined));
  };

  test("hits that part of the payments, whatever their sequence, the same for the same seed", () => {
    const hit = hitBy("seed", orders);
    expect(hit.size / orders.length).toBeCloseTo(0.3, 1);
    expect(hitBy("seed", orders.toReversed())).toEqual(hit);
    expect(hitBy("other", orders)).not.toEqual(hit);
  });

  test("hits each payment once unless it says otherwise", () => {
    const twice = [...orders, ...orders];
    const count = (rule: object) => {
      const faults = new Faults("seed");
      faults.add({ fault: "delay", rate: 0.5, ...rule });
      return twice.filter((orderId) => faults.pick(asked(orderId)) !== undefined).length;
    };
    expect(count({ times: 2 })).toBe(2 * count({}));
    expect(count({ times: null })).toBe(2 * count({}));
  });
});

describe("a rule with a time", () => {
  test("hits until then, one payment too, and is forgotten", () => {
    let now = 1_000;
    const faults = new Faults("1", () => now);
    faults.add({ fault: "outage", forMs: 50 });
    faults.add({ fault: "not_found", orderId: "a", forMs: 20 });
    for (now of [1_000, 1_010, 1_019]) expect(faults.pick(asked("a", "query"))?.fault).toBe("not_found");
    for (now of [1_020, 1_049]) expect(faults.pick(asked("a", "query"))?.fault).toBe("outage");
    now = 1_050;
    expect([faults.pick(asked("a", "query")), faults.list()]).toEqual([undefined, []]);
  });

  test("makes room for others once it has ended", () => {
    let now = 0;
    const faults = new Faults("1", () => now);
    for (let n = 0; n < 10_000; n += 1) faults.add({ fault: "delay", orderId: `order-${n}`, forMs: 10 });
    expect(faults.add({ fault: "outage" })).toMatch(/10000/);
    now = 10;
    expect(faults.add({ fault: "outage" })).toMatchObject({ fault: "outage" });
    expect(faults.list()).toHaveLength(1);
  });
});

test("a refusal for good and a payment nobody knows last, even for one payment", () => {
  for (const [fault, operation] of [
    ["refund_refused", "cancel"],
    ["not_found", "query"],
  ] as const) {
    const faults = new Faults("1");
    faults.add({ fault, orderId: "a" });
    for (let n = 0; n < 5; n += 1) expect(faults.pick(asked("a", operation))?.fault).toBe(fault);
    expect(faults.pick(asked("b", operation))).toBeUndefined();
  }
});

describe("rules", () => {
  test("an outage is everybody's, until it is taken away", () => {
    const faults = new Faults("1");
    const rule = faults.add({ fault: "outage" }) as Rule;
    for (const operation of HEALTHY.on) expect(faults.pick(asked("a", operation))).toBe(rule);
    expect(faults.pick(asked("a", "webhook"))).toBeUndefined();
    expect([faults.remove(rule.id), faults.remove(rule.id)]).toEqual([true, false]);
    expect(faults.pick(asked("a"))).toBeUndefined();
  });

  test("are cleared together", () => {
    const faults = new Faults("1");
    faults.add({ fault: "outage" });
    faults.add({ fault: "delay", orderId: "a" });
    faults.clear();
    expect([faults.list(), faults.pick(asked("a"))]).toEqual([[], undefined]);
  });

  test("are at most ten thousand", () => {
    const faults = new Faults("1");
    for (let n = 0; n < 10_000; n += 1) faults.add({ fault: "delay", orderId: `order-${n}` });
    expect(faults.add({ fault: "delay", orderId: "one more" })).toMatch(/10000/);
  });

  test("that are wrong are refused with everything that is wrong", () => {
    const faults = new Faults("1");
    const wrong = {
      fault: "no",
      orderId: 1,
      rate: 2,
      times: 0,
      ms: 86_400_001,
      forMs: 0,
      code: "x",
      amount: 0,
      remember: 1,
      colour: "red",
    };
    const told = faults.add(wrong);
    for (const field of Object.keys(wrong)) expect(told).toMatch(new RegExp(`\\b${field}\\b`));
    expect(faults.add({ fault: "decline", on: "query" })).toMatch(/^on: any of confirm$/);
    expect(faults.add(null)).toBe("a rule is an object");
    expect(faults.add([])).toBe("a rule is an object");
    expect(faults.list()).toEqual([]);
  });
});

describe("the table of faults", () => {
  test("is the one the README shows", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const shown = [...readme.matchAll(/^\| `(\w+)` +\| (.+?) +\| (.+?) +\|$/gm)].map((found) =>
      found.slice(1),
    );
    const table = Object.entries(FAULTS).map(([fault, { on, does }]) => [fault, on.join(", "), does]);
    expect(shown).toEqual(table);
  });

  test("and so are the fields of a rule", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const table = readme.split("| field of a rule")[1]?.split("\n\n")[0] ?? "";
    const shown = [...table.matchAll(/^\| (\w+(?:, \w+)*) +\|/gm)].flatMap((found) => found[1]?.split(", "));
    expect(new Set(shown)).toEqual(FIELDS);
  });

  test("names known operations only", () => {
    for (const { on } of Object.values(FAULTS)) {
      for (const operation of on) expect(OPERATIONS).toContain(operation);
    }
  });
});
