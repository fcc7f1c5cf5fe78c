import { expect, test } from "@jest/globals";
import { judgeAll } from "./audit.ts";
import { isYoung, judge, type Terms } from "./law.ts";
import { reconciliation } from "./laws-of-money.ts";
import { acceptance, boundedness } from "./laws-of-time.ts";
import { capture, entry, type OpenBooks, openShop, placedAt, takenAt } from "./testing/shop.ts";

const running: Terms = { atRest: false, graceMs: 60_000 };
const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
const before = (ms: number) => new Date(takenAt.getTime() - ms);
const after = (ms: number) => before(-ms);

function findingsIn(spoil: (books: OpenBooks) => void): readonly string[] {
  const books = openShop();
  spoil(books);
  return [acceptance, boundedness].flatMap((law) =>
    judge(law, books, running).findings.map(({ sentence }) => sentence),
  );
}

const order = (id: string, fields: object) => (books: OpenBooks) => {
  Object.assign(entry(books.order.orders, id), fields);
};
const payment = (fields: object) => (books: OpenBooks) => {
  Object.assign(entry(books.payment.payments, "sold"), fields);
};
const endedAt = (at: Date) => (books: OpenBooks) => {
  for (const { factId, aggregateId } of books.order.told.values())
    if (aggregateId === "gone") Object.assign(entry(books.order.told, factId), { occurredAt: at });
};

const found: readonly (readonly [string, (books: OpenBooks) => void, string])[] = [
  [
    "a sale whose units were never heard to be sold",
    order("sold", { stock: "held" }),
    "order sold has not ended: confirmed, stock held, benefits spent, payment approved",
  ],
  [
    "a cancelled order whose points were never heard to be back",
    order("gone", { benefits: "held" }),
    "order gone has not ended: cancelled, stock released, benefits held, payment voided",
  ],
  [
    "an order nobody looked at",
    order("gone", { status: "payable", dueAt: before(7 * minuteMs) }),
    "order gone is payable, and nobody looked at it at 2026-06-15T11:53:00.000Z",
  ],
  [
    "an order that is open for too long to come",
    order("gone", { status: "payable", dueAt: after(31 * dayMs) }),
    "order gone of 2026-06-15T11:00:00.000Z is payable until 2026-07-16T12:00:00.000Z",
  ],
  [
    "money in doubt for longer than a day",
    (books) => {
      order("gone", { payment: "asked" })(books);
      endedAt(before(dayMs + minuteMs))(books);
      Object.assign(entry(books.payment.payments, "gone"), { status: "unknown", dueAt: takenAt });
    },
    "order gone has not ended: cancelled, stock released, benefits released, payment asked",
  ],
  [
    "a hold without an end",
    ({ product }) =>
      Object.assign(entry(product.stockHolds, "gone"), { status: "held", holdUntil: undefined }),
    "product holds something for gone, and for ever",
  ],
  [
    "a hold that was taken when its time was over",
    ({ product }) => Object.assign(entry(product.stockHolds, "sold"), { holdUntil: placedAt }),
    "product held something for sold when its time was over at 2026-06-15T11:00:00.000Z",
  ],
  [
    "points that were held when their time was over",
    ({ member }) => Object.assign(entry(member.benefitHolds, "sold"), { holdUntil: placedAt }),
    "member held something for sold when its time was over at 2026-06-15T11:00:00.000Z",
  ],
  [
    "an attempt nobody will ask about",
    payment({ status: "confirming" }),
    "payment sold is confirming, and nobody will ask about it",
  ],
  [
    "a refund nobody will ask about",
    payment({ status: "refunding", refunding: 900n }),
    "payment sold is refunding, and nobody will ask about it",
  ],
  [
    "a doubt nobody asked about, and nobody asks at all",
    payment({ status: "unknown", dueAt: before(7 * minuteMs) }),
    "payment sold is unknown, and nobody asked about it at 2026-06-15T11:53:00.000Z",
  ],
  [
    "a doubt nobody asked about for an hour, although others were",
    payment({ status: "unknown", dueAt: before(62 * minuteMs), journaledAt: before(1_000) }),
    "payment sold is unknown, and nobody asked about it at 2026-06-15T10:58:00.000Z",
  ],
  [
    "a doubt that is put off for ever",
    payment({ status: "unknown", dueAt: after(dayMs + minuteMs) }),
    "payment sold is unknown, and nobody asks about it before 2026-06-16T12:01:00.000Z",
  ],
  [
    "a doubt that is older than a day",
    payment({ status: "unknown", dueAt: takenAt, attemptStartedAt: before(dayMs + minuteMs) }),
    "payment sold has been in doubt since 2026-06-14T11:59:00.000Z",
  ],
];

test.each(found)("finds %s, while the system runs", (_, spoil, sentence) =>
  expect(findingsIn(spoil)).toEqual([sentence]),
);

const quiet: readonly (readonly [string, (books: OpenBooks) => void])[] = [
  [
    "an order that ended a moment ago",
    (books) => {
      order("gone", { stock: "held", benefits: "held" })(books);
      endedAt(before(4 * minuteMs))(books);
    },
  ],
  [
    "a cancelled order whose money is in doubt",
    (books) => {
      order("gone", { payment: "asked" })(books);
      Object.assign(entry(books.payment.payments, "gone"), { status: "unknown", dueAt: takenAt });
    },
  ],
  [
    "a hold that was taken at the last moment",
    ({ product }) =>
      Object.assign(entry(product.stockHolds, "sold"), { holdUntil: new Date(placedAt.getTime() + 1) }),
  ],
  ["an order whose time has just come", order("gone", { status: "payable", dueAt: before(5 * minuteMs) })],
  ["a refused refund, which waits for a person", payment({ status: "refunding", dueAt: undefined })],
  [
    "a doubt that waits for its turn while the provider is silent",
    payment({ status: "unknown", dueAt: before(50 * minuteMs), journaledAt: before(1_000) }),
  ],
];

test.each(quiet)("stays quiet about %s, while the system runs", (_, spoil) =>
  expect(findingsIn(spoil)).toEqual([]),
);

test("only what has been can be young, but for the difference of two clocks", () => {
  const youngAt = (at: Date) => isYoung(at, openShop(), "order", running);
  expect([before(59_000), after(59_000)].map(youngAt)).toEqual([true, true]);
  expect([before(61_000), after(61_000)].map(youngAt)).toEqual([false, false]);
});

test("a refund that was answered a moment ago need not be in the provider's list yet", () => {
  const refundedAt = (journaledAt: Date) => {
    const books = openShop();
    payment({ status: "refunded", refunded: 900n, journaledAt })(books);
    return judge(reconciliation, books, running).findings.map(({ sentence }) => sentence);
  };
  expect(refundedAt(before(1_000))).toEqual([]);
  expect(refundedAt(before(61_000))).toEqual([
    "payment sold is refunded with 900 refunded, the provider gave back 0",
  ]);
});

test("money in another currency is other money", () => {
  const books = openShop();
  capture(books.payment, "sold", 900n);
  Object.assign(entry(books.payment.provider, "sold"), { currency: "USD" });
  const sentences = judgeAll(books, running).flatMap(({ findings }) =>
    findings.map(({ sentence }) => sentence),
  );
  expect(sentences).toEqual([
    "order sold is to be paid in KRW; the provider keeps USD",
    "payment sold is in KRW, the provider took USD",
  ]);
});
