// One order for each way an order can end, on a system of its own: what an audit has to be quiet about.
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { addFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import {
  codeOf,
  confirmPatiently,
  endOf,
  enrolMember,
  newRequestId,
  pay,
  place,
  stockVariant,
  type Wish,
} from "./buying.ts";
import { shop } from "./shopper.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";

const price = 1_000n;
const patienceMs = 60_000;
const usual: Wish = { lines: { lamp: 2 }, points: 100n, due: 2n * price - 100n };

export const ends = {
  paid: "CONFIRMED",
  pointless: "CONFIRMED",
  pointsOnly: "CONFIRMED",
  tookBack: "CANCELLED BY_MEMBER",
  cancelledAtOnce: "CANCELLED BY_MEMBER",
  cancelledUnpaid: "CANCELLED BY_MEMBER",
  declined: "CANCELLED PAYMENT_DECLINED",
  wrongAmount: "CANCELLED PAYMENT_DECLINED",
  neverPaid: "CANCELLED PAYMENT_EXPIRED",
  outOfStock: "CANCELLED STOCK_REJECTED",
  outOfPoints: "CANCELLED BENEFITS_REJECTED",
} as const;
export type Ending = keyof typeof ends;

/** Ids of orders by how they ended; each ended as `ends` says. */
export async function makeEveryEnd(system: System): Promise<Readonly<Record<Ending, string>>> {
  const { operator } = system;
  await stockVariant(operator, "lamp", { price, units: 1_000 });
  await stockVariant(operator, "rare", { price, units: 1 });
  await enrolMember(operator, "ann", 100_000n);
  await enrolMember(operator, "poor", 100n);
  const made = await Promise.all([
    ended(system, "paid", { habit: "pays" }),
    ended(system, "pointless", { habit: "pays", wish: { lines: { lamp: 1 }, due: price } }),
    ended(system, "pointsOnly", { habit: "pays", wish: { lines: { lamp: 1 }, points: price, due: 0n } }),
    ended(system, "tookBack", { habit: "pays and takes it back" }),
    ended(system, "cancelledAtOnce", { habit: "cancels at once" }),
    ended(system, "cancelledUnpaid", { habit: "cancels when it could pay" }),
    ended(system, "neverPaid", { habit: "never pays", wish: { ...usual, payWithinSeconds: 1 } }),
    declined(system),
    wrongAmount(system),
  ]);
  // Two orders look at the last unit, and at the last points, before either has them.
  const outOfStock = await loserOf(
    system,
    "product",
    { lines: { rare: 1 }, points: 10n, due: price - 10n },
    "ann",
  );
  const outOfPoints = await loserOf(
    system,
    "member",
    { lines: { lamp: 1 }, points: 100n, due: price - 100n },
    "poor",
  );
  return { ...(Object.fromEntries(made) as Record<Ending, string>), outOfStock, outOfPoints };
}

type Made = readonly [Ending, string];

async function ended(
  system: System,
  ending: Ending,
  { habit, wish = usual }: { readonly habit: Parameters<typeof shop>[2]["habit"]; readonly wish?: Wish },
): Promise<Made> {
  const order = await shop(system, await system.as("ann"), { wish, habit, patienceMs });
  return await checked(system, ending, order);
}

async function checked(system: System, ending: Ending, { orderId }: Order): Promise<Made> {
  const end = await endOf(await system.as("ann"), orderId);
  if (end !== ends[ending]) throw new Error(`the order to end ${ends[ending]} ended ${end}`);
  return [ending, orderId];
}

async function declined(system: System): Promise<Made> {
  const ann = await system.as("ann");
  const order = await place(ann, usual);
  const { orderId, amountDue: amount } = order;
  const card = { declineWith: "REJECT_CARD_PAYMENT" };
  const { paymentKey } = await payInWindow(system.stack.providerUrl, orderId, amount, card);
  await codeOf(confirmPatiently(ann, { orderId, amount, paymentKey })); // It is refused, as the end shows.
  return await checked(system, "declined", order);
}

async function wrongAmount(system: System): Promise<Made> {
  const ann = await system.as("ann");
  const order = await place(ann, usual);
  await addFaults(system.stack.providerUrl, [
    { fault: "wrong_amount", orderId: order.orderId, amount: 1_000 },
  ]);
  await codeOf(pay(system, ann, order));
  return await checked(system, "wrongAmount", order);
}

/** Of two orders that are accepted before anything is held for either, the one that gets nothing; the other is cancelled. */
async function loserOf(
  system: System,
  service: "product" | "member",
  wish: Wish,
  memberId: string,
): Promise<string> {
  const buyer = await system.as(memberId);
  const placed = await bothBeforeEither();
  const look = () =>
    system.query<{ id: string }>(
      "order",
      "select order_id as id from orders where order_id = any($1) and status in ('payable', 'cancelled') order by status",
      [placed.map(({ orderId }) => orderId)],
    );
  const rows = await until("one of two got it", look, ({ length }) => length === 2);
  const [loser = "", winner = ""] = rows.map(({ id }) => id);
  await buyer.orders.cancelOrder({ requestId: newRequestId(), orderId: winner, memberId: "" });
  await endOf(buyer, winner);
  await endOf(buyer, loser);
  return loser;

  async function bothBeforeEither(): Promise<Order[]> {
    await using held = await system.transaction(service);
    await held.query("lock table inbox in exclusive mode");
    return await Promise.all([place(buyer, wish), place(buyer, wish)]);
  }
}
