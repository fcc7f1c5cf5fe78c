// Everything that can happen to one order, up to the bounds that the configurations state; and proof that the search can fail.
import { afterAll, describe, expect, test } from "@jest/globals";
import { brief, type Configuration } from "./configurations.ts";
import { search } from "./search.ts";
import type { Spoil } from "./shop.ts";
import * as spoiled from "./spoiled.ts";

const named = (name: string) => brief.find((one) => one.name === name) as Configuration;

describe("whatever happens to one order, and in whatever sequence", () => {
  const sums = { configurations: 0, states: 0, transitions: 0, seconds: 0 };
  afterAll(() => {
    const { configurations, states, transitions, seconds } = sums;
    console.info(
      `${configurations} configurations, ${states.toLocaleString("en")} states, ${transitions.toLocaleString("en")} transitions in ${seconds.toFixed(1)} s`,
    );
  });

  test.each(brief.map((configuration) => [configuration.name, configuration] as const))(
    "the laws hold: %s",
    (_, configuration) => {
      const { breach, states, terminals, transitions, seconds } = search(configuration);
      sums.configurations += 1;
      sums.states += states;
      sums.transitions += transitions;
      sums.seconds += seconds;
      expect(breach).toBeUndefined();
      expect(states).toBeGreaterThan(10_000); // Else a rule of the search itself shuts most of it out.
      expect(terminals).toBeGreaterThan(50);
    },
    120_000,
  );
});

describe("a rule that is taken out is missed", () => {
  const rules: readonly (readonly [string, Spoil, string, string])[] = [
    ["the inbox", spoiled.noInbox, "money; cancels", "payment acts a second time on order.cancel_requested"],
    [
      "a doubt is no decline",
      spoiled.doubtIsDecline,
      "money; doubts; cancels",
      "at rest, I5: order order is cancelled, so 0 is due; the provider keeps 1000",
    ],
    ["an answer ends the asking", spoiled.disbelief, "money; cancels", "it never comes to rest"],
    [
      "one key for one charge",
      spoiled.newKey,
      "money; doubts; cancels",
      "the provider took the money 2 times",
    ],
    [
      "one number for one refund",
      spoiled.newRefund,
      "money; doubts; cancels",
      "999 more was given back than was taken",
    ],
    [
      "holds come before the money",
      spoiled.payableUnheld,
      "money; cancels",
      "the order is payable, its stock wanted, its benefits unwanted",
    ],
    ["a cancel is final", spoiled.openedAgain, "money; cancels", "order goes from cancelled to payable"],
    ["units come back", spoiled.unitsKept, "money; cancels", "1 units are held, by holds 0"],
    [
      "nothing is sold before the money",
      spoiled.soldUnpaid,
      "money; cancels",
      "something is sold to an order that is pending with a payment absent",
    ],
    [
      "late money may still be kept",
      spoiled.expiryForGood,
      "money; cancels",
      "a hold is released under an order that is pending",
    ],
  ];
  test.each(rules)("%s", (_, spoil, name, law) => {
    const { breach } = search(named(name), { spoil });
    expect(breach?.law).toBe(law);
  });

  test("the tombstone, by a story that is as short as it can be", () => {
    const { breach } = search(named("money; cancels"), { spoil: spoiled.noTombstone });
    expect(breach).toEqual({
      law: "the order is settled and cancelled, with stock absent, benefits absent, payment voided",
      story: [
        "  1  the member cancels: order cancelled, stock absent, payment absent (0 s)",
        "  2  product hears order.cancelled (order#2): order cancelled, stock absent, payment absent (0 s)",
        "  3  order hears product.stock_released (product#1): order cancelled, stock absent, payment absent (0 s)",
        "  4  payment hears order.cancelled (order#2): order cancelled, stock absent, payment voided (0 s)",
        "  5  order hears payment.voided (payment#1): order cancelled, stock absent, payment voided (0 s)",
      ],
    });
  });
});
