// A buyer who stays until nothing can change any more, whatever breaks on the way: asks again, and resumes the watch.
import { setTimeout as pause } from "node:timers/promises";
import type { Order, OrderChange } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import type { Clients } from "@quadrille/stack/clients";
import { newRequestId, patiently, pay, place, type Wish } from "./buying.ts";
import type { System } from "./system.ts";

export const habits = [
  "pays",
  "pays and takes it back",
  "cancels at once",
  "cancels when it could pay",
  "never pays",
] as const;
export type Habit = (typeof habits)[number];

export interface Shopping {
  readonly wish: Wish;
  readonly habit: Habit;
  /** How long the buyer thinks before it pays or cancels, in ms. */
  readonly thinkMs?: number;
  /** How long the buyer asks again where no answer comes, in ms. */
  readonly patienceMs: number;
  /** Hears of the order as soon as it was accepted. */
  readonly onPlaced?: (order: Order) => void;
}

/**
 * Places an order, does what the habit says and watches until the watch ends by itself. Answers with the order as it
 * ended; refusals of the order itself are thrown.
 */
export async function shop(system: System, buyer: Clients, shopping: Shopping): Promise<Order> {
  const { wish, habit, thinkMs = 0, patienceMs, onPlaced } = shopping;
  const placed = await place(buyer, wish, patienceMs);
  const { orderId } = placed;
  onPlaced?.(placed);
  const cancel = async () => {
    const request = { requestId: newRequestId(), orderId, memberId: "" };
    await patiently(() => buyer.orders.cancelOrder(request), patienceMs);
  };
  if (habit === "cancels at once") await cancel();
  let deed: Promise<unknown> | undefined;
  const last = await follow(buyer, orderId, 0, patienceMs, ({ status }) => {
    if (status !== "ORDER_STATUS_PAYABLE" || deed !== undefined) return;
    if (habit.startsWith("pays") && placed.amountDue > 0n)
      deed = pause(thinkMs).then(() => payUnlessEnded(system, buyer, placed, patienceMs));
    if (habit === "cancels when it could pay") deed = pause(thinkMs).then(cancel);
    deed?.catch(() => {}); // Awaited below, when the watch has ended.
  });
  await deed;
  const ended = await read(buyer, orderId, patienceMs);
  if (habit !== "pays and takes it back" || ended.status !== "ORDER_STATUS_CONFIRMED") return ended;
  await cancel();
  await follow(buyer, orderId, last, patienceMs, () => {});
  return await read(buyer, orderId, patienceMs);
}

/** An order may end while its buyer is in the provider's window; then there is nothing to pay any more. */
async function payUnlessEnded(
  system: System,
  buyer: Clients,
  order: Order,
  patienceMs: number,
): Promise<void> {
  try {
    await pay(system, buyer, order, patienceMs);
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "PAYMENT_ENDED")) throw error;
  }
}

/** Watches until the watch ends by itself, resuming where it broke. Answers with the number of the last change. */
async function follow(
  buyer: Clients,
  orderId: string,
  afterChange: number,
  patienceMs: number,
  onChange: (change: OrderChange) => void,
): Promise<number> {
  let last = afterChange;
  let step = "nothing new";
  const signal = AbortSignal.timeout(patienceMs);
  const watching = patiently(async () => {
    for await (const { change } of buyer.orders.watchOrder({ orderId, afterChange: last }, { signal })) {
      if (change === undefined) throw new Error(`a watch of ${orderId} told no change`);
      if (change.number !== last + 1)
        throw new Error(`a watch of ${orderId} told ${change.number} after ${last}`);
      last = change.number;
      step = `${change.status} ${change.step}`;
      onChange(change);
    }
  }, patienceMs);
  await watching.catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
    throw new Error(`order ${orderId} came to no end in ${patienceMs} ms: ${step}`, { cause });
  });
  return last;
}

async function read(buyer: Clients, orderId: string, patienceMs: number): Promise<Order> {
  const { order } = await patiently(() => buyer.orders.getOrder({ orderId, memberId: "" }), patienceMs);
  if (order === undefined) throw new Error("an order was found without an answer");
  return order;
}
