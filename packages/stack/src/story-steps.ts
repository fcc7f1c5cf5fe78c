// What the stories are made of: one step of a buyer's client each, and what is missing when it does not go as told.
import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "@quadrille/client";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { payInWindow } from "./provider-window.ts";
import type { Stack } from "./stack.ts";
import type { OrderTimeline, Timeline } from "./timeline.ts";
import {
  type Buyer,
  buyerAt,
  type Operator,
  type Order,
  type OrderStatus,
  type Payment,
} from "./visitors.ts";

export interface Stage {
  readonly stack: Stack;
  readonly timeline: Timeline;
  /** Fills the shelves and gives points. */
  readonly operator: Operator;
  /** A member who has been here for long, with points. */
  readonly regular: Buyer;
  /** Takes each line of the story as it happens. */
  tell(line: string): void;
  /** How long any step may take before the story is given up, in ms. */
  readonly stepMsMax: number;
}

/** The story did not go as told; the message says what is missing. */
export class StoryFault extends Error {}

const newId = (what: string) => `story-${what}-${crypto.randomUUID().slice(0, 8)}`;

/** What every new product costs, minor units. */
export const price = 2_000;

/** A thing to buy that no other story knows, so that its stock is this story's alone. */
export async function newProduct({ operator }: Stage, title: string, units: number): Promise<string> {
  const productId = newId("product");
  await operator.addProduct(productId, title, price);
  await operator.receive({ productId, quantity: units });
  return productId;
}

/** Someone whose points are this story's alone. */
export async function newBuyer({ stack, operator, tell }: Stage, points: number): Promise<Buyer> {
  const memberId = newId("member");
  await operator.addMember(memberId, "A buyer of a story");
  if (points > 0) await operator.adjustPoints(memberId, points, "for a story");
  return await buyerAt(stack, memberId, tell);
}

/** Resolves when it is refused with this code, and with nothing else. */
export async function refusedWith(code: RefusalCode, asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Problem && error.code === code) return;
    throw error;
  }
  throw new StoryFault(`it should have been refused ${code}`);
}

/** Asks until it is no longer refused with one of these codes, which time alone may change. */
export async function untilAccepted<Answer>(
  { stepMsMax }: Stage,
  codes: readonly RefusalCode[],
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + stepMsMax;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isWorthTrying = error instanceof Problem && codes.some((code) => code === error.code);
      if (!isWorthTrying || Date.now() > until) throw error;
      await pause(100);
    }
  }
}

/** Watches the order until it has one of these statuses, and says which. */
export async function untilStatus(
  stage: Stage,
  buyer: Buyer,
  { orderId }: Order,
  ...statuses: readonly OrderStatus[]
): Promise<OrderStatus> {
  for await (const status of statusesOf(stage, buyer, orderId)) if (statuses.includes(status)) return status;
  throw new StoryFault(`the order did not become ${statuses.join(" or ")}`);
}

/** Confirms with a payment key of the provider's window. Answers when payment does: known, or in doubt. */
export async function confirm(
  stage: Stage,
  buyer: Buyer,
  { orderId, amountDue }: Order,
  paymentKey: string,
): Promise<Payment> {
  const key = crypto.randomUUID();
  // A service that has just come back is reached again within seconds.
  return await untilAccepted(stage, ["PAYMENT_NOT_READY", "UNAVAILABLE"], () =>
    buyer.confirm(orderId, paymentKey, amountDue.amount, key),
  );
}

/** Pays in the provider's window, which hands out the payment key. */
export async function payAtProvider(
  { stack, tell }: Stage,
  { orderId, amountDue: { amount } }: Order,
  card: { readonly declineWith?: string } = {},
): Promise<string> {
  const { paymentKey } = await payInWindow(stack.providerUrl, orderId, BigInt(amount), card);
  tell(`    POST /window ${JSON.stringify({ orderId, amount, ...card })} → 201, from the provider`);
  return paymentKey;
}

/** Waits until the order may be paid, pays in the provider's window and confirms. */
export async function pay(
  stage: Stage,
  buyer: Buyer,
  order: Order,
  card: { readonly declineWith?: string } = {},
): Promise<Payment> {
  await untilStatus(stage, buyer, order, "PAYABLE");
  return await confirm(stage, buyer, order, await payAtProvider(stage, order, card));
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
  buyer: Buyer,
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
  buyer: Buyer,
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
  buyer: Buyer,
  { orderId }: Order,
  { status, reason }: End,
): Promise<void> {
  const order = await buyer.order(orderId);
  const is = endInWords(order.status, order.reason);
  const wanted = endInWords(status, reason);
  if (is !== wanted) throw new StoryFault(`order ${orderId} is ${is}, not ${wanted}`);
  tell(`    order ${orderId} is ${is}`);
}

function endInWords(status: OrderStatus, reason: string | undefined): string {
  return reason === undefined ? status : `${status} (${reason})`;
}

export interface Figures {
  /** Units of the product that can be ordered. */
  readonly stock: number;
  /** Points the buyer can spend. */
  readonly points: number;
}

export async function figures(buyer: Buyer, productId: string): Promise<Figures> {
  const [product, { points }] = await Promise.all([buyer.product(productId), buyer.me()]);
  return { stock: product.available, points: points.available };
}

/** Reads the figures again and says what they are; they must be as they were, or as `must` says. */
export async function tellFigures(
  { tell }: Stage,
  buyer: Buyer,
  productId: string,
  { before, must = before }: { readonly before: Figures; readonly must?: Figures },
): Promise<void> {
  const after = await figures(buyer, productId);
  tell(`    before: ${inWords(before)}; after: ${inWords(after)}`);
  if (inWords(after) !== inWords(must)) throw new StoryFault(`after it there should be ${inWords(must)}`);
}

function inWords({ stock, points }: Figures): string {
  return `${stock} in stock, ${points} points`;
}

/** Every status of an order from its first on; ends when nothing can change any more, or when the story's patience does. */
async function* statusesOf({ stepMsMax }: Stage, buyer: Buyer, orderId: string): AsyncGenerator<OrderStatus> {
  try {
    const signal = AbortSignal.timeout(stepMsMax);
    for await (const { status } of buyer.changes(orderId, signal)) yield status;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
  }
}
