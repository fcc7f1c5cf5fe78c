// Requests that must be refused, each with the reason it must be refused for.
import type { RefusalCode } from "@quadrille/contracts/refusals";
import type { Clients } from "@quadrille/stack/clients";
import { newRequestId, orderRequest } from "./buying.ts";

/** Who asks, and what lies ready: see `bad-input.e2e.test.ts`. */
export interface Scene {
  readonly ann: Clients;
  /** Has nothing; owns `foreign`. */
  readonly bob: Clients;
  /** A token for a member nobody enrolled. */
  readonly nobody: Clients;
  readonly operator: Clients;
  readonly service: Clients;
  /** An order of bob's, confirmed. */
  readonly foreign: string;
  /** An order of ann's, payable: 12,000 due. */
  readonly payable: string;
  /** Its payment key from the provider's window. */
  readonly paymentKey: string;
}

export interface BadRequest {
  readonly name: string;
  readonly ask: (scene: Scene) => Promise<unknown>;
  readonly code: RefusalCode;
  /** The field an INVALID_REQUEST must name. */
  readonly field?: string;
}

const int64Most = 2n ** 63n - 1n;
const int64Least = -(2n ** 63n);
const requestId = "a-request";
/** Texts that are no ids, and one that is one character too long. */
const badIds = ["", "a b", "../x", "a\0b", "ä", "line\nbreak", "'; drop table orders; --", "x".repeat(65)];

function bad(
  name: string,
  code: RefusalCode,
  ask: (scene: Scene) => Promise<unknown>,
  field?: string,
): BadRequest {
  return field === undefined ? { name, code, ask } : { name, code, ask, field };
}

const invalid = (name: string, field: string, ask: (scene: Scene) => Promise<unknown>) =>
  bad(name, "INVALID_REQUEST", ask, field);

/** `place(more)` asks for one lamp with something changed. */
const place =
  (more: object, lines: Readonly<Record<string, number>> = { lamp: 1 }) =>
  ({ ann }: Scene) =>
    ann.orders.placeOrder({ ...orderRequest({ lines, due: 12_000n }), requestId, ...more });

const linesOf = (...lines: readonly (readonly [string, number])[]) => ({
  source: {
    $case: "lines",
    value: { lines: lines.map(([variantId, quantity]) => ({ variantId, quantity })) },
  },
});

export const badOrders: readonly BadRequest[] = [
  ...badIds.map((id) => invalid(`request id ${JSON.stringify(id)}`, "request_id", place({ requestId: id }))),
  ...badIds.map((id) =>
    invalid(`variant ${JSON.stringify(id)}`, "lines[0].variant_id", place(linesOf([id, 1]))),
  ),
  ...[0, -1, 1_000, 2 ** 31 - 1, -(2 ** 31)].map((quantity) =>
    invalid(`${quantity} units`, "lines[0].quantity", place({}, { lamp: quantity })),
  ),
  invalid("no source", "source", place({ source: undefined })),
  invalid(
    "51 lines",
    "lines",
    place(linesOf(...Array.from({ length: 51 }, (_, index) => [`sku-${index}`, 1] as const))),
  ),
  invalid("points below nothing", "points", place({ points: -1n })),
  invalid("the least of all points", "points", place({ points: int64Least })),
  invalid("an amount below nothing", "expected_amount_due", place({ expectedAmountDue: -1n })),
  invalid("no method", "method", place({ method: "PAYMENT_METHOD_UNSPECIFIED" })),
  invalid("a time to pay below nothing", "pay_within_seconds", place({ payWithinSeconds: -1 })),
  invalid("a time to pay beyond ten minutes", "pay_within_seconds", place({ payWithinSeconds: 601 })),
  bad("no lines", "ORDER_EMPTY", place(linesOf())),
  bad("an empty cart", "CART_EMPTY", place({ source: { $case: "cart", value: {} } })),
  bad("a variant twice", "DUPLICATE_LINE", place(linesOf(["lamp", 1], ["lamp", 1]))),
  bad("an unknown variant", "VARIANT_UNKNOWN", place({}, { nothing: 1 })),
  bad("a variant that is not on sale", "NOT_ON_SALE", place({}, { shelved: 1 })),
  bad("more than there is", "OUT_OF_STOCK", place({}, { lamp: 101 })),
  bad("more points than it costs", "POINTS_EXCEED_TOTAL", place({ points: 12_001n, expectedAmountDue: 0n })),
  bad("the most of all points", "POINTS_EXCEED_TOTAL", place({ points: int64Most, expectedAmountDue: 0n })),
  bad(
    "more points than there are",
    "NOT_ENOUGH_POINTS",
    place({ points: 5_001n, expectedAmountDue: 6_999n }),
  ),
  bad("another amount than it costs", "AMOUNT_CHANGED", place({ expectedAmountDue: 11_999n })),
  bad("the most of all amounts", "AMOUNT_CHANGED", place({ expectedAmountDue: int64Most })),
  bad("a buyer nobody knows", "MEMBER_UNKNOWN", ({ nobody }) =>
    nobody.orders.placeOrder({ ...orderRequest({ lines: { lamp: 1 }, due: 12_000n }), requestId }),
  ),
  bad("an operator who buys", "FORBIDDEN", ({ operator }) =>
    operator.orders.placeOrder(orderRequest({ lines: { lamp: 1 }, due: 12_000n })),
  ),
  bad("a service that buys", "FORBIDDEN", ({ service }) =>
    service.orders.placeOrder(orderRequest({ lines: { lamp: 1 }, due: 12_000n })),
  ),
];

const watchFirst =
  (orderId: string | ((scene: Scene) => string), afterChange = 0) =>
  async (scene: Scene) => {
    const id = typeof orderId === "string" ? orderId : orderId(scene);
    for await (const news of scene.ann.orders.watchOrder(
      { orderId: id, afterChange },
      { signal: AbortSignal.timeout(5_000) },
    ))
      return news;
    return "nothing";
  };

const pageTokens = [
  "x",
  "!",
  "a".repeat(2_000),
  ...[
    "no date",
    "2024-01-01T00:00:00.000Z",
    "2024-01-01T00:00:00.000Z a\0b",
    "-271821-04-20T00:00:00.000Z a",
  ],
];
const asToken = (text: string) => (text.length > 1 ? Buffer.from(text).toString("base64url") : text);

export const badReads: readonly BadRequest[] = [
  bad("an unknown order", "ORDER_UNKNOWN", ({ ann }) =>
    ann.orders.getOrder({ orderId: "none", memberId: "" }),
  ),
  bad("another member's order", "ORDER_UNKNOWN", ({ ann, foreign }) =>
    ann.orders.getOrder({ orderId: foreign, memberId: "" }),
  ),
  bad("another member's order, as an operator who names the wrong one", "ORDER_UNKNOWN", (scene) =>
    scene.operator.orders.getOrder({ orderId: scene.foreign, memberId: "ann" }),
  ),
  bad("a watch of an unknown order", "ORDER_UNKNOWN", watchFirst("none")),
  bad(
    "a watch of another member's order",
    "ORDER_UNKNOWN",
    watchFirst(({ foreign }) => foreign),
  ),
  invalid(
    "a watch after a change below nothing",
    "after_change",
    watchFirst(({ payable }) => payable, -1),
  ),
  invalid("a member who names a member", "member_id", ({ ann, payable }) =>
    ann.orders.getOrder({ orderId: payable, memberId: "ann" }),
  ),
  invalid("an operator who names nobody", "member_id", ({ operator, payable }) =>
    operator.orders.getOrder({ orderId: payable, memberId: "" }),
  ),
  invalid("a member who lists another's orders", "member_id", ({ ann }) =>
    ann.orders.listOrders({ memberId: "bob", pageSize: 0, pageToken: "" }),
  ),
  invalid("a member who looks at another", "member_id", ({ ann }) =>
    ann.members.getMember({ memberId: "bob" }),
  ),
  invalid("a member who looks at another's points", "member_id", ({ ann }) =>
    ann.members.listPointEntries({ memberId: "bob", pageSize: 0, pageToken: "" }),
  ),
  invalid("a member who looks at another's payment", "member_id", ({ ann, foreign }) =>
    ann.payments.getPayment({ orderId: foreign, memberId: "bob" }),
  ),
  bad("another member's payment", "PAYMENT_UNKNOWN", ({ ann, foreign }) =>
    ann.payments.getPayment({ orderId: foreign, memberId: "" }),
  ),
  bad("an unknown payment", "PAYMENT_UNKNOWN", ({ ann }) =>
    ann.payments.getPayment({ orderId: "none", memberId: "" }),
  ),
  bad("an unknown member", "MEMBER_UNKNOWN", ({ nobody }) => nobody.members.getMember({ memberId: "" })),
  ...badIds.map((id) =>
    invalid(`order ${JSON.stringify(id)}`, "order_id", ({ ann }) =>
      ann.orders.getOrder({ orderId: id, memberId: "" }),
    ),
  ),
  ...badIds.map((id) =>
    invalid(`a look-up of ${JSON.stringify(id)}`, "variant_ids[0]", ({ ann }) =>
      ann.products.batchGetVariants({ variantIds: [id] }),
    ),
  ),
  ...badIds
    .filter((id) => id !== "")
    .map((id) =>
      invalid(`points of ${JSON.stringify(id)}`, "member_id", ({ operator }) =>
        operator.members.getMember({ memberId: id }),
      ),
    ),
  ...[-1, 101, 2 ** 31 - 1].map((pageSize) =>
    invalid(`a page of ${pageSize}`, "page_size", ({ ann }) =>
      ann.orders.listOrders({ memberId: "", pageSize, pageToken: "" }),
    ),
  ),
  ...pageTokens.map((text) =>
    invalid(`page ${JSON.stringify(text.slice(0, 40))} of orders`, "page_token", ({ ann }) =>
      ann.orders.listOrders({ memberId: "", pageSize: 0, pageToken: asToken(text) }),
    ),
  ),
  ...["!", "a\0b"].map((text) =>
    invalid(`page ${JSON.stringify(text)} of variants`, "page_token", ({ ann }) =>
      ann.products.searchVariants({ query: "", pageSize: 0, pageToken: asToken(text) }),
    ),
  ),
  ...["!", "abc", "9".repeat(40)].map((text) =>
    invalid(`page ${JSON.stringify(text)} of points`, "page_token", ({ ann }) =>
      ann.members.listPointEntries({ memberId: "", pageSize: 0, pageToken: asToken(text) }),
    ),
  ),
  invalid("no variants", "variant_ids", ({ ann }) => ann.products.batchGetVariants({ variantIds: [] })),
  invalid("101 variants", "variant_ids", ({ ann }) =>
    ann.products.batchGetVariants({ variantIds: Array.from({ length: 101 }, (_, index) => `sku-${index}`) }),
  ),
  invalid("a search that is too long", "query", ({ ann }) =>
    ann.products.searchVariants({ query: "x".repeat(101), pageSize: 0, pageToken: "" }),
  ),
  invalid("a search no database understands", "query", ({ ann }) =>
    ann.products.searchVariants({ query: "a\0b", pageSize: 0, pageToken: "" }),
  ),
];

const confirm = (more: object) => (scene: Scene) =>
  scene.ann.payments.confirmPayment({
    requestId,
    orderId: scene.payable,
    paymentKey: scene.paymentKey,
    amount: 12_000n,
    ...more,
  });

export const badPayments: readonly BadRequest[] = [
  invalid("nothing to pay", "amount", confirm({ amount: 0n })),
  invalid("an amount below nothing", "amount", confirm({ amount: -12_000n })),
  invalid("no payment key", "payment_key", confirm({ paymentKey: "" })),
  invalid("a payment key that is too long", "payment_key", confirm({ paymentKey: "k".repeat(201) })),
  invalid("a payment key no database keeps", "payment_key", confirm({ paymentKey: "a\0b" })),
  invalid("no request id", "request_id", confirm({ requestId: "" })),
  invalid("an order that is no id", "order_id", confirm({ orderId: "a\0b" })),
  bad("less than is due", "AMOUNT_MISMATCH", confirm({ amount: 11_999n })),
  bad("the most of all amounts", "AMOUNT_MISMATCH", confirm({ amount: int64Most })),
  bad("an unknown order", "PAYMENT_NOT_READY", confirm({ orderId: "none" })),
  bad("another member's order", "PAYMENT_UNKNOWN", (scene) => confirm({ orderId: scene.foreign })(scene)),
  bad("an operator who pays", "FORBIDDEN", ({ operator, payable, paymentKey }) =>
    operator.payments.confirmPayment({ requestId, orderId: payable, paymentKey, amount: 12_000n }),
  ),
];

const addLine = (variantId: string, quantity: number) => (scene: Scene) =>
  scene.ann.orders.addCartLine({ requestId: newRequestId(), variantId, quantity });

export const badCarts: readonly BadRequest[] = [
  ...[0, -1, 1_000].map((quantity) => invalid(`${quantity} units`, "quantity", addLine("lamp", quantity))),
  ...badIds.map((id) => invalid(`variant ${JSON.stringify(id)}`, "variant_id", addLine(id, 1))),
  bad("an unknown variant", "VARIANT_UNKNOWN", addLine("nothing", 1)),
  bad("a variant that is not on sale", "NOT_ON_SALE", addLine("shelved", 1)),
  bad("another quantity of what is not there", "CART_LINE_UNKNOWN", ({ ann }) =>
    ann.orders.changeCartLine({ requestId, variantId: "lamp", quantity: 1 }),
  ),
  bad("an operator's cart", "FORBIDDEN", ({ operator }) => operator.orders.getCart({})),
  bad("a line too many", "CART_FULL", ({ bob }) =>
    bob.orders.addCartLine({ requestId, variantId: "sku-100", quantity: 1 }),
  ),
  invalid("more units of a line than a cart takes", "quantity", ({ bob }) =>
    bob.orders.addCartLine({ requestId, variantId: "sku-0", quantity: 999 }),
  ),
];

const create =
  (more: object) =>
  ({ operator }: Scene) =>
    operator.products.createVariant({
      requestId,
      variantId: "new",
      title: "New",
      price: 1n,
      onSale: true,
      ...more,
    });
const receive =
  (quantity: number, variantId = "lamp") =>
  ({ operator }: Scene) =>
    operator.products.receiveStock({ requestId, variantId, quantity });
const adjust =
  (points: bigint, more: object = {}) =>
  ({ operator }: Scene) =>
    operator.members.adjustPoints({ requestId, memberId: "ann", points, note: "a gift", ...more });

export const badChanges: readonly BadRequest[] = [
  ...badIds.map((id) =>
    invalid(`a variant called ${JSON.stringify(id)}`, "variant_id", create({ variantId: id })),
  ),
  ...["", "t".repeat(201), "a\0b"].map((title) =>
    invalid(`title ${JSON.stringify(title.slice(0, 20))}`, "title", create({ title })),
  ),
  ...[-1n, int64Most, int64Least].map((price) => invalid(`price ${price}`, "price", create({ price }))),
  bad("a variant there is", "VARIANT_EXISTS", create({ variantId: "lamp" })),
  bad("a member who lists a variant", "FORBIDDEN", ({ ann }) =>
    ann.products.createVariant({ requestId, variantId: "new", title: "New", price: 1n, onSale: true }),
  ),
  ...[0, -1, 1_000_001, 2 ** 31 - 1].map((quantity) =>
    invalid(`${quantity} units`, "quantity", receive(quantity)),
  ),
  bad("units of an unknown variant", "VARIANT_UNKNOWN", receive(1, "nothing")),
  bad("a member who receives stock", "FORBIDDEN", ({ ann }) =>
    ann.products.receiveStock({ requestId, variantId: "lamp", quantity: 1 }),
  ),
  bad("a change of an unknown variant", "VARIANT_UNKNOWN", ({ operator }) =>
    operator.products.updateVariant({ requestId, variantId: "nothing", price: 1n }),
  ),
  bad("a member there is", "MEMBER_EXISTS", ({ operator }) =>
    operator.members.createMember({ requestId, memberId: "ann", name: "Ann" }),
  ),
  invalid("a member without a name", "name", ({ operator }) =>
    operator.members.createMember({ requestId, memberId: "new", name: "" }),
  ),
  invalid("a name no database keeps", "name", ({ operator }) =>
    operator.members.createMember({ requestId, memberId: "new", name: "a\0b" }),
  ),
  ...[0n, int64Most, int64Least].map((points) => invalid(`${points} points`, "points", adjust(points))),
  invalid("more points than anyone may own", "points", adjust(1_000_000_000_000n)),
  invalid("a note that is too long", "note", adjust(1n, { note: "n".repeat(201) })),
  invalid("a note no database keeps", "note", adjust(1n, { note: "a\0b" })),
  bad("points taken that are not there", "NOT_ENOUGH_POINTS", adjust(-5_001n)),
  bad("points of an unknown member", "MEMBER_UNKNOWN", adjust(1n, { memberId: "nobody" })),
  bad("a member who gives herself points", "FORBIDDEN", ({ ann }) =>
    ann.members.adjustPoints({ requestId, memberId: "ann", points: 1n, note: "a gift" }),
  ),
  bad("a service that gives points", "FORBIDDEN", ({ service }) =>
    service.members.adjustPoints({ requestId, memberId: "ann", points: 1n, note: "a gift" }),
  ),
];
