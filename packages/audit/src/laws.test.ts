import { describe, expect, test } from "@jest/globals";
import { judgeAll } from "./audit.ts";
import type { Terms } from "./law.ts";
import { laws } from "./laws.ts";
import {
  capture,
  entry,
  factOf,
  holdUntil,
  idAt,
  type OpenBooks,
  openShop,
  placedAt,
  retell,
  takenAt,
  tell,
} from "./testing/shop.ts";

const atRest: Terms = { atRest: true, graceMs: 60_000 };
const running: Terms = { atRest: false, graceMs: 60_000 };
const aMomentAgo = new Date(takenAt.getTime() - 1_000);

function findingsIn(books: OpenBooks, terms: Terms = atRest): string[] {
  return judgeAll(books, terms).flatMap(({ findings }) =>
    findings.map(({ law, sentence }) => `${law}: ${sentence}`),
  );
}

function spoilt(spoil: (books: OpenBooks) => void): OpenBooks {
  const books = openShop();
  spoil(books);
  return books;
}

test.each([atRest, running])("books in which everything is in order break no law: %j", (terms) => {
  const verdicts = judgeAll(openShop(), { ...terms, accepted: new Set(["sold", "gone"]) });
  expect(verdicts.flatMap(({ findings }) => findings)).toEqual([]);
  expect(verdicts.filter(({ compared }) => compared === 0)).toEqual([]);
});

type Spoiling = readonly [string, (books: OpenBooks) => void, ...(readonly (string | RegExp)[])];

/** What is spoilt, how, and everything that the law says of it. */
const spoilings: Readonly<Record<string, readonly Spoiling[]>> = {
  I1: [
    [
      "an order that waits for nothing it can see",
      ({ order }) => Object.assign(entry(order.orders, "sold"), { stock: "wanted" }),
      "I1: order sold has not ended: confirmed, stock wanted, benefits spent, payment approved",
    ],
    [
      "money of a cancelled order that was not given back",
      ({ order }) => Object.assign(entry(order.orders, "gone"), { payment: "approved" }),
      "I1: order gone has not ended: cancelled, stock released, benefits released, payment approved",
    ],
    [
      "an order without a deadline",
      ({ order }) => Object.assign(entry(order.orders, "gone"), { status: "payable" }),
      "I1: order gone is payable, and nobody will look at it again",
      "I1: order gone has not ended: payable, stock released, benefits released, payment voided",
    ],
    [
      "a deadline without an order to end",
      ({ order }) => Object.assign(entry(order.orders, "sold"), { dueAt: takenAt }),
      "I1: order sold is confirmed, and yet has a deadline",
    ],
  ],
  I2: [
    [
      "a count",
      ({ product }) => Object.assign(entry(product.variants, "lamp").counted ?? {}, { available: 9n }),
      "I2: variant lamp counts 9 available, 0 held, 2 spent, its movements 8 available, 0 held, 2 spent",
    ],
    [
      "a hold",
      ({ product }) => Object.assign(entry(product.variants, "lamp"), { keptHeld: 1n, keptSold: 3n }),
      "I2: variant lamp has 0 held, its holds have 1",
      "I2: variant lamp has 2 sold, its holds have 3",
    ],
    [
      "less than nothing",
      ({ product }) => {
        const lamp = entry(product.variants, "lamp");
        for (const counts of [lamp.counted, lamp.moved]) Object.assign(counts ?? {}, { available: -1n });
      },
      "I2: variant lamp counts less than nothing: -1 available, 0 held, 2 spent",
    ],
    [
      "movements that are gone, of a sale",
      ({ product }) => product.orderLedgers?.delete("sold"),
      "I2: the hold of sold makes -2 available, 0 held, 2 spent of lamp, its ledger 0 available, 0 held, 0 spent",
    ],
    [
      "movements that are gone, of what went back",
      ({ product }) => product.orderLedgers?.delete("gone"),
      "I2: the hold of gone is about 1 of lamp, its ledger took 0",
    ],
    [
      "movements that are said to be of another order",
      ({ product }) => {
        const { sums } = entry(product.orderLedgers ?? new Map(), "sold");
        product.orderLedgers?.set("other", { orderId: "other", sums });
        product.orderLedgers?.delete("sold");
      },
      "I2: the hold of sold makes -2 available, 0 held, 2 spent of lamp, its ledger 0 available, 0 held, 0 spent",
      "I2: the hold of other makes 0 available, 0 held, 0 spent of lamp, its ledger -2 available, 0 held, 2 spent",
    ],
    [
      "movements of another variant",
      ({ product }) => {
        for (const sum of entry(product.orderLedgers ?? new Map(), "sold").sums) sum.of = "vase";
      },
      "I2: the hold of sold makes -2 available, 0 held, 2 spent of lamp, its ledger 0 available, 0 held, 0 spent",
      "I2: the hold of sold makes 0 available, 0 held, 0 spent of vase, its ledger -2 available, 0 held, 2 spent",
    ],
  ],
  I3: [
    [
      "a unit sold before it came",
      ({ product }) => Object.assign(entry(product.variants, "lamp"), { lowest: -1n }),
      "I3: variant lamp was oversold: at its lowest it had -1",
    ],
  ],
  I4: [
    [
      "a balance",
      ({ member }) => Object.assign(entry(member.members, "ann").counted ?? {}, { held: 5n }),
      "I4: member ann counts 400 available, 5 held, 100 spent, the transfers 400 available, 0 held, 100 spent",
      "I4: member ann has 5 points held, the holds have 0",
    ],
    [
      "spent points",
      ({ member }) => Object.assign(entry(member.members, "ann"), { keptSpent: 90n }),
      "I4: member ann has 100 points spent, the holds have 90",
    ],
    [
      "points that were owed",
      ({ member }) => Object.assign(entry(member.members, "ann"), { lowest: -5n }),
      "I4: member ann owed points: at the lowest -5",
    ],
    [
      "transfers that are gone",
      ({ member }) => member.orderLedgers?.clear(),
      "I4: the hold of sold makes -100 available, 0 held, 100 spent of ann, its ledger 0 available, 0 held, 0 spent",
      "I4: the hold of gone is about 50 of ann, its ledger took 0",
    ],
    [
      "transfers of another member",
      ({ member }) => {
        for (const sum of entry(member.orderLedgers ?? new Map(), "sold").sums) sum.of = "bob";
      },
      "I4: the hold of sold makes -100 available, 0 held, 100 spent of ann, its ledger 0 available, 0 held, 0 spent",
      "I4: the hold of sold makes 0 available, 0 held, 0 spent of bob, its ledger -100 available, 0 held, 100 spent",
    ],
  ],
  I5: [
    [
      "a payment that keeps too little",
      ({ payment }) => {
        Object.assign(entry(payment.payments, "sold"), { captured: 800n });
        Object.assign(entry(payment.provider, "sold"), { captured: 800n });
      },
      "I5: payment sold is approved and keeps 800 of 900",
      "I5: order sold is confirmed, so 900 is due; the provider keeps 800",
    ],
    [
      "two charges",
      ({ payment }) => Object.assign(entry(payment.provider, "sold"), { captures: 2 }),
      "I5: the provider took money 2 times for order sold",
    ],
    [
      "more back than was taken",
      ({ payment }) => {
        Object.assign(entry(payment.payments, "sold"), { refunded: 950n });
        Object.assign(entry(payment.provider, "sold"), { refunded: 950n });
      },
      "I5: payment sold gave back 950 of 900",
      "I5: payment sold is approved and keeps -50 of 900",
      "I5: the provider gave back 950 of 900 for order sold",
      "I5: order sold is confirmed, so 900 is due; the provider keeps -50",
    ],
    [
      "money of a cancelled order",
      ({ payment }) => {
        Object.assign(entry(payment.payments, "gone"), { captured: 450n });
        capture(payment, "gone", 450n);
      },
      "I5: payment gone is voided and keeps 450",
      "I5: order gone is cancelled, so 0 is due; the provider keeps 450",
    ],
    [
      "money that goes back without a refund",
      ({ payment }) =>
        Object.assign(entry(payment.payments, "gone"), { status: "refunding", captured: 450n }),
      "I5: payment gone is refunding, and of 450 kept gives back 0",
    ],
    [
      "less on its way than was taken",
      ({ payment }) =>
        Object.assign(entry(payment.payments, "gone"), {
          status: "refunding",
          captured: 450n,
          refunding: 400n,
        }),
      "I5: payment gone is refunding, and of 450 kept gives back 400",
    ],
    [
      "a refund of what is kept",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { refunding: 900n }),
      "I5: payment sold is approved, and yet gives back 900",
    ],
    [
      "money of a payment that was never answered",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { status: "confirming" }),
      "I5: payment sold is confirming and keeps 900",
    ],
  ],
  I6: [
    [
      "stock that went back under a sale",
      ({ product }) => Object.assign(entry(product.stockHolds, "sold"), { status: "released" }),
      "I6: order sold is confirmed, its stock is released",
    ],
    [
      "other units than were ordered",
      ({ product }) =>
        Object.assign(entry(product.stockHolds, "sold"), { sold: [{ variantId: "vase", quantity: 1n }] }),
      "I6: order sold has 2 lamp, product sold 1 vase",
    ],
    [
      "points that are only held",
      ({ member }) => Object.assign(entry(member.benefitHolds, "sold"), { status: "held" }),
      "I6: order sold is confirmed, its points are held",
    ],
    [
      "another member's points",
      ({ member }) => Object.assign(entry(member.benefitHolds, "sold"), { memberId: "bob" }),
      "I6: order sold uses 100 of ann, member spent 100 of bob",
    ],
    [
      "a payment that is not there",
      ({ payment }) => payment.payments.delete("sold"),
      "I6: order sold is confirmed, its payment is unknown to payment",
    ],
    [
      "a payment of another amount",
      ({ payment }) => {
        Object.assign(entry(payment.payments, "sold"), { amountDue: 901n, captured: 901n });
        Object.assign(entry(payment.provider, "sold"), { captured: 901n });
      },
      "I6: order sold costs ann 900 KRW, payment says ann 901 KRW",
    ],
    [
      "a payment in another currency",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { currency: "JPY" }),
      "I6: order sold costs ann 900 KRW, payment says ann 900 JPY",
    ],
    [
      "somebody else's payment",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { memberId: "bob" }),
      "I6: order sold costs ann 900 KRW, payment says bob 900 KRW",
    ],
    [
      "points nobody wanted to use",
      ({ order }) => Object.assign(entry(order.orders, "sold"), { points: 0n, benefits: "unwanted" }),
      "I6: order sold uses no points, member has them spent",
    ],
    [
      "a cancelled order that keeps everything",
      ({ product, member, payment }) => {
        Object.assign(entry(product.stockHolds, "gone"), { status: "committed" });
        Object.assign(entry(member.benefitHolds, "gone"), { status: "spent" });
        const kept = { status: "approved", captured: 450n, verdict: "payment.approved" };
        Object.assign(entry(payment.payments, "gone"), kept);
      },
      "I6: order gone is cancelled, its stock is committed",
      "I6: order gone is cancelled, its points are spent",
      "I6: order gone is cancelled, its payment is approved",
    ],
    [
      "a payment for nobody",
      ({ payment }) => {
        payment.payments.set("ghost", { ...entry(payment.payments, "sold"), orderId: "ghost" });
      },
      "I6: payment is approved for ghost, which is no order",
    ],
    [
      "another member's hold, and payment, of what was given back",
      ({ member, payment }) => {
        Object.assign(entry(member.benefitHolds, "gone"), { memberId: "bob" });
        Object.assign(entry(payment.payments, "gone"), { memberId: "eve" });
      },
      "I6: order gone is of ann, member has it of bob",
      "I6: order gone is of ann, payment has it of eve",
    ],
    [
      "another answer than the payment's own",
      ({ payment }) => {
        Object.assign(entry(payment.payments, "sold"), { verdict: "payment.declined" });
        Object.assign(entry(payment.payments, "gone"), { verdict: "" });
      },
      "I6: payment sold is approved, its answer to the order was payment.declined",
      "I6: payment gone is voided, its answer to the order was none yet",
    ],
    [
      "a hold for nobody",
      ({ product, member }) => {
        product.stockHolds.set("ghost", {
          orderId: "ghost",
          status: "held",
          held: [],
          sold: [],
          lines: [],
          version: 0,
          holdUntil,
        });
        const benefit = {
          orderId: "ghost",
          status: "spent",
          memberId: "ann",
          points: 1n,
          version: 0,
          holdUntil,
        };
        member.benefitHolds.set("ghost", benefit);
      },
      "I6: product has stock held for ghost, which is no order",
      "I6: member has points spent for ghost, which is no order",
    ],
  ],
  I7: [
    [
      "a price",
      ({ order }) => Object.assign(entry(order.orders, "sold"), { linesTotal: 1_001n }),
      "I7: the lines of order sold are worth 1001, not 1000",
    ],
    [
      "a currency",
      ({ order }) => Object.assign(entry(order.orders, "gone"), { currency: "JPY" }),
      "I7: order gone is in JPY, others in KRW",
    ],
    [
      "points that are paid out",
      ({ order }) => Object.assign(entry(order.orders, "gone"), { points: -50n, amountDue: 550n }),
      "I7: order gone takes less than nothing",
    ],
    [
      "what is paid with",
      ({ order }) => Object.assign(entry(order.orders, "gone"), { points: 60n }),
      "I7: order gone takes 60 points and 450 for 500",
    ],
  ],
  I8: [
    [
      "a fact that is not published",
      (books) => Object.assign(factOf(books, "order.placed", "sold"), { isPublished: false }),
      /^I8: order did not publish order.placed \S+ of sold$/,
    ],
    [
      "a fact that was not heard",
      (books) => books.product.heard.delete(factOf(books, "order.placed", "sold").factId),
      /^I8: product did not hear order.placed \S+ of sold$/,
    ],
    [
      "a fact that nobody told",
      (books) => books.order.told.delete(factOf(books, "order.confirmed", "sold").factId),
      /^I8: product heard \S+ of order, which nobody told$/,
      /^I8: member heard \S+ of order, which nobody told$/,
    ],
    [
      "a fact out of nowhere",
      ({ order }) => order.heard.set("x", { factId: "x", stream: "ELSEWHERE" }),
      "I8: order heard x in ELSEWHERE, where nobody tells anything",
    ],
    [
      "a fact for somebody else",
      (books) => {
        const { factId } = factOf(books, "order.payable", "sold");
        books.member.heard.set(factId, { factId, stream: "QUADRILLE_ORDER" });
      },
      /^I8: member heard order.payable \S+, which is not for it$/,
    ],
    [
      "a fact that was parked",
      (books) => {
        const { factId } = factOf(books, "order.placed", "sold");
        books.product.heard.delete(factId);
        books.product.parked.push({ factId, error: "no", state: "PARKED" });
      },
      /^I8: product parked \S+: no$/,
    ],
    [
      "a fact told by two",
      (books) => {
        const fact = factOf(books, "order.placed", "sold");
        books.product.told.set(fact.factId, fact);
      },
      /^I8: order and product both told /,
      /^I8: product told order.placed \S+, which is not for it to tell$/,
    ],
    [
      "a fact outside the catalogue",
      (books) => Object.assign(factOf(books, "payment.opened", "sold"), { type: "payment.closed" }),
      /^I8: payment told payment.closed \S+, which is not for it to tell$/,
    ],
    [
      "two facts at one place",
      ({ order }) => {
        const place = { stream: "QUADRILLE_ORDER", seq: 7n, factIds: ["a", "b"], claimedAt: placedAt };
        order.toldPlaces.push(place);
      },
      "I8: order told a and b at one place, 7 of QUADRILLE_ORDER",
    ],
  ],
  I10: [
    [
      "a version without a fact",
      ({ order }) => Object.assign(entry(order.orders, "sold"), { version: 4 }),
      "I10: order is at version 4 of sold, its facts are 1, 2, 3",
    ],
    [
      "a gap",
      (books) => books.product.told.delete(factOf(books, "product.stock_held", "sold").factId),
      "I10: product is at version 2 of sold, its facts are 2",
    ],
    [
      "a number given twice",
      (books) => Object.assign(factOf(books, "order.payable", "sold"), { aggregateVersion: 1 }),
      "I10: order is at version 3 of sold, its facts are 1, 1, 3",
    ],
    [
      "facts of nothing",
      ({ payment }) => payment.payments.delete("gone"),
      "I10: payment told facts of gone, of which it has no row",
    ],
  ],
  I11: [
    [
      "stock held again after the cancel",
      ({ product }) => Object.assign(entry(product.stockHolds, "gone"), { status: "held" }),
      "I11: product heard that order gone was cancelled, its hold is held",
    ],
    [
      "a tombstone that is gone",
      ({ member }) => member.benefitHolds.delete("gone"),
      "I11: member heard that order gone was cancelled, its hold is gone",
    ],
  ],
  I12: [
    [
      "a hold beyond its time",
      ({ product }) =>
        Object.assign(entry(product.stockHolds, "gone"), {
          status: "held",
          holdUntil: new Date(placedAt.getTime() + 1_000),
        }),
      "I12: product holds something for gone, whose time was over at 2026-06-15T11:00:01.000Z",
    ],
    [
      "a payment in doubt",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { status: "unknown" }),
      "I12: payment sold is unknown, and nobody will ask about it",
      "I12: payment sold is still unknown",
    ],
  ],
  I16: [
    [
      "money the provider does not know of",
      ({ payment }) => payment.provider.delete("sold"),
      "I16: payment sold is approved with 900 captured, the provider took 0",
    ],
    [
      "a refund the provider does not know of",
      ({ payment }) => Object.assign(entry(payment.payments, "sold"), { status: "refunded", refunded: 900n }),
      "I16: payment sold is refunded with 900 refunded, the provider gave back 0",
    ],
    [
      "money that is in doubt here and taken there",
      ({ payment }) =>
        Object.assign(entry(payment.payments, "sold"), { status: "unknown", captured: 0n, dueAt: takenAt }),
      "I16: payment sold is unknown with 0 captured, the provider took 900",
    ],
    [
      "money nobody here knows of",
      ({ payment }) => capture(payment, "x", 5n),
      "I16: the provider took 5 for x, which is no payment",
    ],
    [
      "money under a key that is not the payment's",
      ({ payment }) => Object.assign(entry(payment.provider, "sold"), { foreign: 2 }),
      "I16: the provider knows payment sold by another key, 2 times",
    ],
  ],
};

describe.each(laws.map((law) => [law.id, law] as const))("%s", (id) => {
  test.each(spoilings[id] ?? [])("finds %s", (_, spoil, ...expected) => {
    const found = findingsIn(spoilt(spoil)).filter((finding) => finding.startsWith(`${id}:`));
    expect(found).toEqual(
      expected.map((each) => (each instanceof RegExp ? expect.stringMatching(each) : each)),
    );
  });

  test("has at least one example", () => expect(spoilings[id]?.length ?? 0).toBeGreaterThan(0));
});

test("an order that was accepted and is nowhere is missed", () => {
  const accepted = new Set(["sold", "lost"]);
  expect(findingsIn(openShop(), { ...running, accepted })).toEqual([
    "I1: order lost was accepted and is not there",
  ]);
});

/** What is right although it looks wrong, and under which terms. */
const quiet: readonly (readonly [string, Terms, (books: OpenBooks) => void])[] = [
  [
    "an open order, while the system runs",
    running,
    (books) => {
      Object.assign(entry(books.order.orders, "gone"), { status: "cancelling", dueAt: takenAt });
      retell(books, "gone", "order.placed", "order.payable", "order.cancel_requested");
    },
  ],
  [
    "a fact that was told a moment ago",
    running,
    (books) => {
      retell(books, "sold", "order.placed", "order.payable", "order.cancel_requested");
      const { factId } = tell(books, "order.confirmed", "sold", 4, aMomentAgo);
      Object.assign(entry(books.order.orders, "sold"), { version: 4 });
      Object.assign(entry(books.order.told, factId), { isPublished: false });
      books.payment.heard.delete(factId);
    },
  ],
  [
    "a fact heard a moment ago whose teller was read before",
    running,
    ({ product }) => {
      const factId = idAt(aMomentAgo);
      product.heard.set(factId, { factId, stream: "QUADRILLE_ORDER" });
    },
  ],
  [
    "a fact whose teller forgot it with its day",
    atRest,
    ({ product }) => {
      const factId = idAt(new Date("2026-06-10T23:00:00Z"));
      product.heard.set(factId, { factId, stream: "QUADRILLE_ORDER" });
    },
  ],
  [
    "an order whose first facts were forgotten with their day, by a clock that is a little slow",
    atRest,
    (books) => {
      Object.assign(entry(books.order.orders, "sold"), { placedAt: new Date("2026-06-11T00:00:30Z") });
      const { factId } = factOf(books, "order.placed", "sold");
      books.order.told.delete(factId);
      for (const hearer of ["product", "member"] as const) books[hearer].heard.delete(factId);
    },
  ],
  [
    "a fact whose hearer forgot it with its day",
    atRest,
    (books) => {
      books.product.heardSince = takenAt;
      books.product.heard.clear();
    },
  ],
  [
    "money that was found after the order had ended, on its way back",
    running,
    (books) => {
      const verdict = "payment.declined";
      const back = { status: "refunding", verdict, captured: 450n, refunding: 450n, dueAt: takenAt };
      Object.assign(entry(books.payment.payments, "gone"), back);
      retell(books, "gone", "payment.opened", "payment.declined");
      capture(books.payment, "gone", 450n);
    },
  ],
  [
    "a parked fact that a person ended",
    atRest,
    (books) => {
      const { factId } = factOf(books, "order.placed", "sold");
      books.member.heard.delete(factId);
      books.member.parked.push({ factId, error: "no", state: "DISCARDED" });
    },
  ],
  [
    "a payment in doubt, while the system runs",
    running,
    (books) => {
      const { order, payment } = books;
      Object.assign(entry(order.orders, "sold"), { status: "payable", payment: "asked", dueAt: takenAt });
      const doubt = { status: "unknown", verdict: "", captured: 0n, dueAt: takenAt };
      Object.assign(entry(payment.payments, "sold"), doubt);
      retell(books, "sold", "order.placed", "order.payable");
      retell(books, "sold", "payment.opened");
    },
  ],
  [
    "money that was taken a moment ago and is not in the provider's list yet",
    running,
    ({ payment }) => {
      Object.assign(entry(payment.payments, "sold"), { attemptStartedAt: aMomentAgo });
      payment.provider.delete("sold");
    },
  ],
  [
    "a refund that a person made otherwise",
    atRest,
    (books) => {
      const { order, payment } = books;
      Object.assign(entry(order.orders, "gone"), { payment: "refunded" });
      retell(books, "gone", "payment.opened", "payment.declined", "payment.refunded");
      const verdict = "payment.declined";
      const back = { status: "refunded", verdict, captured: 450n, refunded: 450n, isRefundedByHand: true };
      Object.assign(entry(payment.payments, "gone"), back);
      capture(payment, "gone", 450n);
    },
  ],
  [
    "an order that points paid whole, cancelled with its payment of nothing",
    atRest,
    (books) => {
      const { order, payment } = books;
      retell(books, "gone", "payment.approved");
      Object.assign(entry(order.orders, "gone"), { payment: "approved", points: 500n, amountDue: 0n });
      const nothing = { status: "approved", verdict: "payment.approved" };
      Object.assign(entry(payment.payments, "gone"), nothing);
    },
  ],
  [
    "stock that was held, let go when its time was over, and sold all the same",
    atRest,
    ({ product }) => {
      for (const sum of entry(product.orderLedgers ?? new Map(), "sold").sums) sum.taken = 4n;
    },
  ],
  [
    "an order that was cancelled before anything was held for it",
    atRest,
    ({ product, member }) => {
      Object.assign(entry(product.stockHolds, "gone"), { lines: [] });
      Object.assign(entry(member.benefitHolds, "gone"), { points: 0n });
      for (const { orderLedgers } of [product, member]) orderLedgers?.delete("gone");
    },
  ],
  [
    "money that is going back, and went back a moment ago",
    running,
    (books) => {
      const verdict = "payment.declined";
      const back = { status: "refunding", verdict, captured: 450n, refunding: 450n, dueAt: takenAt };
      Object.assign(entry(books.payment.payments, "gone"), back);
      retell(books, "gone", "payment.opened", "payment.declined");
      capture(books.payment, "gone", 450n);
      Object.assign(entry(books.payment.provider, "gone"), { refunded: 450n, refunds: 1 });
    },
  ],
  [
    "money whose way back the provider refused",
    running,
    (books) => {
      const verdict = "payment.declined";
      const back = { status: "refunding", verdict, captured: 450n, refused: 450n };
      Object.assign(entry(books.payment.payments, "gone"), back);
      retell(books, "gone", "payment.opened", "payment.declined");
      capture(books.payment, "gone", 450n);
    },
  ],
  [
    "a place that was claimed a moment ago, where a stream lost its end",
    running,
    ({ order }) => {
      const place = { stream: "QUADRILLE_ORDER", seq: 7n, factIds: ["a", "b"], claimedAt: aMomentAgo };
      order.toldPlaces.push(place);
    },
  ],
  [
    "a hold whose payment knows nobody, because nothing was ever due",
    atRest,
    ({ payment }) => Object.assign(entry(payment.payments, "gone"), { memberId: "" }),
  ],
  [
    "a row that only counts what was told of an order nobody placed",
    atRest,
    (books) => {
      books.order.orders.set("ghost", {
        ...entry(books.order.orders, "gone"),
        orderId: "ghost",
        status: "absent",
        version: 1,
      });
      tell(books, "order.confirmation_failed", "ghost", 1);
    },
  ],
  [
    "lines split in two",
    atRest,
    ({ order }) => {
      const one = { variantId: "lamp", quantity: 1n };
      Object.assign(entry(order.orders, "sold"), { lines: [one, one] });
    },
  ],
];

test.each(quiet)("stays quiet about %s", (_, terms, spoil) => {
  expect(findingsIn(spoilt(spoil), terms)).toEqual([]);
});

const unasked = new Date(takenAt.getTime() + 1_000);
const longAgo: readonly (readonly [string, (books: OpenBooks) => void, string])[] = [
  [
    "going back that was never taken",
    ({ payment }) =>
      Object.assign(entry(payment.payments, "gone"), {
        status: "refunding",
        captured: 450n,
        refunding: 450n,
        dueAt: unasked,
      }),
    "I16: payment gone is refunding with 450 captured, the provider took 0",
  ],
  [
    "that went back a second time without the provider's knowing",
    ({ payment }) => {
      const back = { status: "refunding", captured: 450n, refunded: 50n, refunding: 400n, dueAt: unasked };
      Object.assign(entry(payment.payments, "gone"), back);
      capture(payment, "gone", 450n);
    },
    "I16: payment gone is refunding with 50 refunded, the provider gave back 0",
  ],
  [
    "of an end that is said to be asked about",
    ({ payment }) => {
      Object.assign(entry(payment.payments, "sold"), { dueAt: unasked });
      capture(payment, "sold", 950n);
    },
    "I16: payment sold is approved with 900 captured, the provider took 950",
  ],
];

test.each(longAgo)("while the system runs, finds money %s", (_, spoil, expected) => {
  const found = findingsIn(spoilt(spoil), running).filter((finding) => finding.startsWith("I16:"));
  expect(found).toEqual([expected]);
});
