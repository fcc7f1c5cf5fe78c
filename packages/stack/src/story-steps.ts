// What the stories are made of: one step of a buyer's client each, and what is missing when it does not go as told.
import { setTimeout as pause } from "node:timers/promises";
import type { Order, OrderStatus } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import type { Payment } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { type Clients, connectAs } from "./clients.ts";
import { payInWindow } from "./provider-window.ts";
import type { Stack } from "./stack.ts";
import type { OrderTimeline, Timeline } from "./timeline.ts";

export interface Stage {
  readonly stack: Stack;
  readonly timeline: Timeline;
  /** Fills the shelves and gives points. */
  readonly operator: Clients;
  /** A member who has been here for long, with points. */
  readonly regular: Clients;
  /** Takes each line of the story as it happens. */
  tell(line: string): void;
  /** How long any step may take before the story is given up, in ms. */
  readonly stepMsMax: number;
}

/** The story did not go as told; the message says what is missing. */
export class StoryFault extends Error {}

export const newRequestId = () => crypto.randomUUID();
const newId = (what: string) => `story-${what}-${crypto.randomUUID().slice(0, 8)}`;

/** What every new variant costs, minor units. */
export const price = 2_000n;

/** A thing to buy that no other story knows, so that its stock is this story's alone. */
export async function newVariant({ operator }: Stage, title: string, units: number): Promise<string> {
  const variantId = newId("variant");
  await operator.products.createVariant({ requestId: newRequestId(), variantId, title, price, onSale: true });
  await operator.products.receiveStock({ requestId: newRequestId(), variantId, quantity: units });
  return variantId;
}

/** Someone whose points are this story's alone. Whoever asks for one closes it. */
export async function newBuyer({ stack, operator }: Stage, points: bigint): Promise<Clients> {
  const memberId = newId("member");
  await operator.members.createMember({ requestId: newRequestId(), memberId, name: "A buyer of a story" });
  if (points > 0n)
    await operator.members.adjustPoints({
      requestId: newRequestId(),
      memberId,
      points,
      note: "for a story",
    });
  return await connectAs(stack, "member", memberId);
}

export interface Wish {
  /** Units of one variant; everything in the cart when left out. */
  readonly units?: { readonly variantId: string; readonly quantity: number };
  readonly points: bigint;
  readonly due: bigint;
  /** The longest there is when left out. */
  readonly payWithinSeconds?: number;
}

export async function place(
  buyer: Clients,
  { units, points, due, payWithinSeconds = 0 }: Wish,
): Promise<Order> {
  const { order } = await buyer.orders.placeOrder({
    requestId: newRequestId(),
    source:
      units === undefined ? { $case: "cart", value: {} } : { $case: "lines", value: { lines: [units] } },
    points,
    expectedAmountDue: due,
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds,
  });
  if (order === undefined) throw new StoryFault("an order was placed without an answer");
  return order;
}

/** Resolves when it is refused with this code, and with nothing else. */
export async function refusedWith(code: RefusalCode, asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Refusal && error.code === code) return;
    throw error;
  }
  throw new StoryFault(`it should have been refused ${code}`);
}

/** Asks until it is no longer refused with this code, which time alone may change. */
export async function untilAccepted<Answer>(
  { stepMsMax }: Stage,
  code: RefusalCode,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + stepMsMax;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isWorthTrying = error instanceof Refusal && error.code === code;
      if (!isWorthTrying || Date.now() > until) throw error;
      await pause(50);
    }
  }
}

/** Watches the order until it has one of these statuses, and says which. */
export async function untilStatus(
  stage: Stage,
  buyer: Clients,
  { orderId }: Order,
  ...statuses: readonly OrderStatus[]
): Promise<OrderStatus> {
  for await (const status of statusesOf(stage, buyer, orderId)) if (statuses.includes(status)) return status;
  throw new StoryFault(`the order did not become ${statuses.map(shortStatus).join(" or ")}`);
}

/** Confirms with a payment key of the provider's window. Answers when payment does: known, or in doubt. */
export async function confirm(
  stage: Stage,
  buyer: Clients,
  { orderId, amountDue: amount }: Order,
  paymentKey: string,
): Promise<Payment> {
  const request = { requestId: newRequestId(), orderId, paymentKey, amount };
  const { payment } = await untilAccepted(stage, "PAYMENT_NOT_READY", () =>
    buyer.payments.confirmPayment(request, { deadlineMs: stage.stepMsMax }),
  );
  if (payment === undefined) throw new StoryFault("a payment was confirmed without an answer");
  return payment;
}

/** Waits until the order may be paid, pays in the provider's window and confirms. */
export async function pay(
  stage: Stage,
  buyer: Clients,
  order: Order,
  card: { readonly declineWith?: string } = {},
): Promise<Payment> {
  await untilStatus(stage, buyer, order, "ORDER_STATUS_PAYABLE");
  const { paymentKey } = await payInWindow(stage.stack.providerUrl, order.orderId, order.amountDue, card);
  return await confirm(stage, buyer, order, paymentKey);
}

export interface End {
  readonly status: OrderStatus;
  /** Why it was cancelled. */
  readonly reason?: string;
  /** Facts that must be told, in no strict order. */
  readonly told: readonly string[];
  /** Shows only how it ended when that is as told. */
  readonly isBrief?: boolean;
}

/**
 * Plays what the buyer does about the order until nothing can change any more, shows who told what, and holds all of it
 * to the end the order must come to.
 */
export async function follow(
  stage: Stage,
  buyer: Clients,
  order: Order,
  end: End,
  does: () => Promise<unknown> = async () => {},
): Promise<void> {
  const facts = stage.timeline.about(order.orderId);
  const faults = await playOut(stage, buyer, order, does, (ms) => facts.heard(end.told, ms));
  const missing = end.told.filter((type) => !facts.types().includes(type));
  if (missing.length > 0) faults.push(new StoryFault(`still waiting for ${missing.join(", ")}`));
  show(stage, facts, { isBrief: end.isBrief === true, faults });
  if (faults.length > 0) throw faults.at(-1);
  await holdToEnd(stage, buyer, order, end);
}

/** Answers with what went wrong, if anything did, when the order has ended and its facts were heard, or had their time. */
async function playOut(
  stage: Stage,
  buyer: Clients,
  { orderId }: Order,
  does: () => Promise<unknown>,
  hears: (ms: number) => Promise<unknown>,
): Promise<Error[]> {
  try {
    await does();
    const until = Date.now() + stage.stepMsMax;
    for await (const _status of statusesOf(stage, buyer, orderId)); // The watch ends with the order.
    await hears(Math.max(0, until - Date.now()));
    return [];
  } catch (error) {
    return [error as Error];
  }
}

/** The facts, above all when something went wrong; of what went wrong all but the last, which whoever hears of it tells. */
function show(
  { tell }: Stage,
  facts: OrderTimeline,
  { isBrief, faults }: { readonly isBrief: boolean; readonly faults: readonly Error[] },
): void {
  if (!isBrief || faults.length > 0) tell(facts.print());
  for (const { message } of faults.slice(0, -1)) tell(`    ${message}`);
}

async function holdToEnd(
  { tell }: Stage,
  buyer: Clients,
  { orderId }: Order,
  { status, reason = "" }: End,
): Promise<void> {
  const { order } = await buyer.orders.getOrder({ orderId, memberId: "" });
  const is = endInWords(order?.status ?? "", order?.reason ?? "");
  const wanted = endInWords(status, reason);
  if (is !== wanted) throw new StoryFault(`order ${orderId} is ${is}, not ${wanted}`);
  tell(`    order ${orderId} is ${is}`);
}

function endInWords(status: string, reason: string): string {
  return reason === "" ? shortStatus(status) : `${shortStatus(status)} (${reason})`;
}

export interface Figures {
  /** Units of the variant that can be ordered. */
  readonly stock: number;
  /** Points the buyer can spend. */
  readonly points: bigint;
}

export async function figures(buyer: Clients, variantId: string): Promise<Figures> {
  const [{ variants }, { member }] = await Promise.all([
    buyer.products.batchGetVariants({ variantIds: [variantId] }),
    buyer.members.getMember({ memberId: "" }),
  ]);
  const [variant] = variants;
  if (variant === undefined || member?.points === undefined)
    throw new StoryFault(`the figures of ${variantId} and its buyer cannot be read`);
  return { stock: variant.available, points: member.points.available };
}

/** Reads the figures again and says what they are; they must be as they were, or as `must` says. */
export async function tellFigures(
  { tell }: Stage,
  buyer: Clients,
  variantId: string,
  { before, must = before }: { readonly before: Figures; readonly must?: Figures },
): Promise<void> {
  const after = await figures(buyer, variantId);
  tell(`    before: ${inWords(before)}; after: ${inWords(after)}`);
  if (inWords(after) !== inWords(must)) throw new StoryFault(`after it there should be ${inWords(must)}`);
}

function inWords({ stock, points }: Figures): string {
  return `${stock} in stock, ${points} points`;
}

/** Every status of an order from its first on; ends when nothing can change any more, or when the story's patience does. */
async function* statusesOf(
  { stepMsMax }: Stage,
  buyer: Clients,
  orderId: string,
): AsyncGenerator<OrderStatus> {
  try {
    const signal = AbortSignal.timeout(stepMsMax);
    for await (const { change } of buyer.orders.watchOrder({ orderId, afterChange: 0 }, { signal }))
      if (change !== undefined) yield change.status;
  } catch (error) {
    const { cause } = error as Error;
    const isTimeOver = cause instanceof DOMException && cause.name === "TimeoutError";
    if (!isTimeOver) throw error;
  }
}

function shortStatus(status: string): string {
  return status.replace("ORDER_STATUS_", "");
}
