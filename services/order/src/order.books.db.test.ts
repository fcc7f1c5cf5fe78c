import { expect, test } from "@jest/globals";
import { entriesOf } from "@quadrille/outbox/testing/read-books";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import { migrations } from "./migrations.ts";
import { orderBooks } from "./order.books.ts";
import { openOrderStore } from "./order.store.ts";
import { newId, placeInput } from "./testing/wishes.ts";

test("an order is told as its row stands, with what its lines are worth", async () => {
  await using opened = await openTestStore("order", migrations, openOrderStore);
  const input = placeInput(newId("o"));
  await opened.store.handle(input, { kind: "own", id: "test" });
  const { orderId, memberId, quote, currency } = input;
  const [order, ...others] = await entriesOf(orderBooks({ url: opened.url }), "orders");
  expect(others).toEqual([]);
  expect(order).toMatchObject({
    orderId,
    status: "pending",
    memberId,
    subtotal: quote.subtotal,
    points: quote.points,
    amountDue: quote.amountDue,
    currency,
    lines: quote.lines.map(({ variantId, quantity }) => ({ variantId, quantity: BigInt(quantity) })),
    linesTotal: quote.subtotal,
    stock: "wanted",
    payment: "unasked",
    version: 1,
  });
  expect(order?.dueAt?.getTime()).toBeGreaterThan(order?.placedAt?.getTime() ?? Number.NaN);
  await opened.query(
    `update orders set lines = '[{"variantId":"a","quantity":3,"unitPrice":"7","title":"t"}]'`,
  );
  expect(await entriesOf(orderBooks({ url: opened.url }), "orders")).toMatchObject([{ linesTotal: 21n }]);
});
