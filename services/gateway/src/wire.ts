// From the services' messages to JSON: minor units as integers, times as RFC 3339, what is absent left out.

import type {
  Member as MemberMessage,
  PointEntry,
} from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import type {
  Cart as CartMessage,
  OrderChange as ChangeMessage,
  Order as OrderMessage,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Payment as PaymentMessage } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import type { Variant } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import type { Static } from "typebox";
import type { Cart, Member, Money, Order, OrderChange, Payment, PointEntryPage, Product } from "./schemas.ts";

/** Throws for what a JSON number cannot carry: an amount is refused, never rounded. */
export function toInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is no integer that JSON carries`);
  return number;
}

export const toMoney = (amount: bigint, currency: string): Static<typeof Money> => ({
  amount: toInteger(amount),
  currency,
});

export const toTime = (at: Date | undefined): string => required(at, "a time").toISOString();

/** A message that an answer must hold; proto3 cannot say so. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the service answered without ${what}`);
  return value;
}

/** Empty text is how proto3 says that there is none. */
export const given = <const Name extends string>(name: Name, text: string) =>
  (text === "" ? {} : { [name]: text }) as { readonly [name in Name]?: string };

const moment = <const Name extends string>(name: Name, at: Date | undefined) =>
  (at === undefined ? {} : { [name]: at.toISOString() }) as { readonly [name in Name]?: string };

/** An enum's name here is the proto's without its prefix. Throws for one that this build does not know. */
function stripped<const Prefix extends string, const Name extends string>(prefix: Prefix, name: Name) {
  if (!name.startsWith(prefix) || name.endsWith("_UNSPECIFIED"))
    throw new Error(`the service answered with an unknown ${prefix}${name}`);
  return name.slice(prefix.length) as Exclude<
    Name extends `${Prefix}${infer Rest}` ? Rest : never,
    "UNSPECIFIED"
  >;
}

export function toProduct({
  variantId,
  title,
  price,
  currency,
  onSale,
  available,
}: Variant): Static<typeof Product> {
  return { id: variantId, title, price: toMoney(price, currency), onSale, available };
}

export function toCart({ lines, version, subtotal, currency }: CartMessage): Static<typeof Cart> {
  return {
    lines: lines.map(({ variantId, quantity, title, unitPrice, problem }) => ({
      productId: variantId,
      quantity,
      ...(title === undefined ? {} : { title }),
      ...(unitPrice === undefined ? {} : { unitPrice: toMoney(unitPrice, currency) }),
      ...given("problem", problem),
    })),
    version: toInteger(version),
    subtotal: toMoney(subtotal, currency),
  };
}

export function toChange({ number, status, step, reason, at }: ChangeMessage): Static<typeof OrderChange> {
  return {
    number,
    status: stripped("ORDER_STATUS_", status),
    step,
    ...given("reason", reason),
    at: toTime(at),
  };
}

export function toOrder(order: OrderMessage): Static<typeof Order> {
  const { currency } = order;
  return {
    orderId: order.orderId,
    status: stripped("ORDER_STATUS_", order.status),
    lines: order.lines.map(({ variantId, quantity, title, unitPrice }) => ({
      productId: variantId,
      quantity,
      title,
      unitPrice: toMoney(unitPrice, currency),
    })),
    subtotal: toMoney(order.subtotal, currency),
    points: toInteger(order.points),
    amountDue: toMoney(order.amountDue, currency),
    method: stripped("PAYMENT_METHOD_", order.method),
    placedAt: toTime(order.placedAt),
    ...moment("payBy", order.payBy),
    ...given("reason", order.reason),
    settled: order.settled,
    history: order.history.map(toChange),
  };
}

export function toPayment(payment: PaymentMessage): Static<typeof Payment> {
  const { currency } = payment;
  return {
    orderId: payment.orderId,
    status: stripped("PAYMENT_STATUS_", payment.status),
    amountDue: toMoney(payment.amountDue, currency),
    method: stripped("PAYMENT_METHOD_", payment.method),
    ...moment("payBy", payment.payBy),
    ...moment("approvedAt", payment.approvedAt),
    ...given("transactionKey", payment.transactionKey),
    ...given("reason", payment.reason),
    refunded: toMoney(payment.refunded, currency),
  };
}

export function toMember({ memberId, name, points }: MemberMessage): Static<typeof Member> {
  const { available, held, spent } = required(points, "points");
  return {
    memberId,
    name,
    points: { available: toInteger(available), held: toInteger(held), spent: toInteger(spent) },
  };
}

export function toPointEntry(entry: PointEntry): Static<typeof PointEntryPage>["entries"][number] {
  const { from, to, points, orderId, note, at } = entry;
  return {
    from,
    to,
    points: toInteger(points),
    ...given("orderId", orderId),
    ...given("note", note),
    at: toTime(at),
  };
}

/** What a list's request says of pages, as the services read it. */
export const toPage = ({ pageSize = 0, pageToken = "" }: { pageSize?: number; pageToken?: string }) => ({
  pageSize,
  pageToken,
});
