import { expect, test } from "@jest/globals";
import { judge, type Terms } from "./law.ts";
import { steps } from "./laws-of-steps.ts";
import { entry, factOf, type OpenBooks, openShop, retell, takenAt } from "./testing/shop.ts";

const running: Terms = { atRest: false, graceMs: 60_000 };

function findingsIn(spoil: (books: OpenBooks) => void): readonly string[] {
  const books = openShop();
  spoil(books);
  return judge(steps, books, running).findings.map(({ sentence }) => sentence);
}

const found: readonly (readonly [string, (books: OpenBooks) => void, string])[] = [
  [
    "a sale that ended without a word",
    ({ order }) => Object.assign(entry(order.orders, "sold"), { status: "cancelled" }),
    "order has sold as cancelled, its last fact is order.confirmed",
  ],
  [
    "a cancelled order that came back",
    ({ order }) => Object.assign(entry(order.orders, "gone"), { status: "confirmed" }),
    "order has gone as confirmed, its last fact is order.cancelled",
  ],
  [
    "a step out of the end",
    (books) => retell(books, "gone", "order.placed", "order.cancelled", "order.payable"),
    "order told order.payable of gone after order.cancelled",
  ],
  [
    "another fact than was told",
    (books) => Object.assign(factOf(books, "product.stock_held", "sold"), { type: "product.stock_released" }),
    "product told product.stock_committed of sold after product.stock_released",
  ],
  [
    "a hold that is what its facts do not say",
    ({ member }) => Object.assign(entry(member.benefitHolds, "gone"), { status: "returned" }),
    "member has gone as returned, its last fact is member.benefits_released",
  ],
  [
    "a payment that was never approved",
    ({ payment }) => Object.assign(entry(payment.payments, "gone"), { status: "approved" }),
    "payment has gone as approved, its last fact is payment.voided",
  ],
  [
    "a way out of the end whose beginning is forgotten",
    (books) => {
      const { factId } = factOf(books, "order.placed", "gone");
      books.order.told.delete(factId);
      books.order.toldSince = takenAt;
      Object.assign(entry(books.order.orders, "gone"), { status: "payable" });
    },
    "order has gone as payable, its last fact is order.cancelled",
  ],
];

test.each(found)("finds %s", (_, spoil, sentence) => expect(findingsIn(spoil)).toEqual([sentence]));

function payment(status: string, ...types: [string, ...string[]]) {
  return (books: OpenBooks) => {
    retell(books, "sold", ...types);
    Object.assign(entry(books.payment.payments, "sold"), { status });
  };
}

const quiet: readonly (readonly [string, (books: OpenBooks) => void])[] = [
  ["an attempt, of which nothing is told", payment("confirming", "payment.opened")],
  ["a doubt, of which nothing is told", payment("unknown", "payment.opened")],
  ["a refund that is on its way", payment("refunding", "payment.opened", "payment.approved")],
  ["a verdict told again", payment("approved", "payment.opened", "payment.approved", "payment.approved")],
  [
    "money in a wrong amount, whose verdict comes last",
    payment("refunded", "payment.opened", "payment.refunded", "payment.declined"),
  ],
  [
    "a hold that expired and found its units again",
    (books) =>
      retell(books, "sold", "product.stock_held", "product.stock_released", "product.stock_committed"),
  ],
  [
    "a tombstone that refused the late hold",
    (books) => {
      retell(books, "gone", "product.stock_released", "product.stock_rejected");
      Object.assign(entry(books.product.stockHolds, "gone"), { status: "tombstone" });
    },
  ],
  [
    "money refused before the order was placed, and after it had ended",
    (books) => {
      const refused = "order.confirmation_failed";
      retell(books, "gone", refused, "order.placed", refused, "order.cancelled", refused);
    },
  ],
  [
    "an order whose facts are all forgotten",
    (books) => {
      retell(books, "gone", "order.placed", "order.cancelled");
      for (const { factId, aggregateId } of books.order.told.values())
        if (aggregateId === "gone") books.order.told.delete(factId);
      books.order.toldSince = takenAt;
    },
  ],
];

test.each(quiet)("stays quiet about %s", (_, spoil) => expect(findingsIn(spoil)).toEqual([]));
