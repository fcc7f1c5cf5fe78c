// Stories (b) and (c): there is less than somebody wants.
import type { Order } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import type { Clients } from "./clients.ts";
import { soldForPoints } from "./story-sale.ts";
import {
  figures,
  follow,
  newBuyer,
  newRequestId,
  newVariant,
  pay,
  place,
  price,
  refusedWith,
  type Stage,
  StoryFault,
  tellFigures,
  untilStatus,
} from "./story-steps.ts";

const points = 500n;
const racesMost = 20;

interface Runner {
  readonly buyer: Clients;
  readonly order: Order;
}

/** More than there is is refused at the door; the last unit, wanted by two at once, is sold to one and paid back to the other. */
export async function lastUnit(stage: Stage): Promise<void> {
  const { tell } = stage;
  await using one = await newBuyer(stage, points);
  await using other = await newBuyer(stage, points);
  for (let race = 1; race <= racesMost; race += 1) {
    const variantId = await newVariant(stage, "The last chair of its kind", 1);
    if (race === 1) await refuseMoreThanThereIs(stage, one, variantId);
    const before = await figures(one, variantId);
    const runners = await bothPlaced(stage, [one, other], variantId);
    if (runners === undefined) continue;
    tell(`    the last one was ordered twice at once, and both orders were accepted (race ${race})`);
    const { winner, loser } = await separate(stage, runners);
    await follow(stage, loser.buyer, loser.order, {
      status: "ORDER_STATUS_CANCELLED",
      reason: "STOCK_REJECTED",
      told: [
        "order.placed",
        "product.stock_rejected",
        "order.cancelled",
        "product.stock_released",
        "member.benefits_released",
        "payment.voided",
      ],
    });
    const sale = { status: "ORDER_STATUS_CONFIRMED", told: soldForPoints, isBrief: true } as const;
    await follow(stage, winner.buyer, winner.order, sale, () => pay(stage, winner.buyer, winner.order));
    tell("    one unit was sold once, and whoever came second has their points back:");
    const must = { stock: 0, points: before.points };
    await tellFigures(stage, loser.buyer, variantId, { before, must });
    return;
  }
  throw new StoryFault(`of two orders for the last unit one was refused at the door in ${racesMost} races`);
}

async function refuseMoreThanThereIs({ tell }: Stage, buyer: Clients, variantId: string): Promise<void> {
  await refusedWith(
    "OUT_OF_STOCK",
    place(buyer, { units: { variantId, quantity: 2 }, points, due: 2n * price - points }),
  );
  tell("    one is left; an order for two is refused OUT_OF_STOCK at the door");
}

/** Undefined when one came so late that it saw the other's hold: then nothing is left of the race. */
async function bothPlaced(
  stage: Stage,
  buyers: readonly Clients[],
  variantId: string,
): Promise<Runner[] | undefined> {
  const wish = { units: { variantId, quantity: 1 }, points, due: price - points };
  const asked = await Promise.allSettled(
    buyers.map(async (buyer) => ({ buyer, order: await place(buyer, wish) })),
  );
  const runners = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (runners.length === buyers.length) return runners;
  for (const each of asked) {
    const isLate =
      each.status === "rejected" && each.reason instanceof Refusal && each.reason.code === "OUT_OF_STOCK";
    if (each.status === "rejected" && !isLate) throw each.reason;
  }
  stage.tell(
    "    one of two came too late to be accepted; the other cancels, and they race for another last one",
  );
  for (const { buyer, order } of runners) {
    const cancel = { requestId: newRequestId(), orderId: order.orderId, memberId: "" };
    const end = {
      status: "ORDER_STATUS_CANCELLED",
      reason: "BY_MEMBER",
      told: ["order.cancelled"],
      isBrief: true,
    } as const;
    await follow(stage, buyer, order, end, () => buyer.orders.cancelOrder(cancel));
  }
  return undefined;
}

async function separate(stage: Stage, runners: readonly Runner[]) {
  const statuses = await Promise.all(
    runners.map(({ buyer, order }) =>
      untilStatus(stage, buyer, order, "ORDER_STATUS_PAYABLE", "ORDER_STATUS_CANCELLED"),
    ),
  );
  const [winner, second] = runners.filter((_, index) => statuses[index] === "ORDER_STATUS_PAYABLE");
  const loser = runners.find(({ order }) => order.orderId !== winner?.order.orderId);
  if (winner === undefined || loser === undefined) throw new StoryFault("nobody got the last unit");
  if (second !== undefined) throw new StoryFault("the last unit was held twice");
  return { winner, loser };
}

/** Points one does not have are refused at the door, and no order comes of it. */
export async function tooFewPoints(stage: Stage): Promise<void> {
  const { tell } = stage;
  await using buyer = await newBuyer(stage, 300n);
  const variantId = await newVariant(stage, "A lamp for points", 1);
  const before = await figures(buyer, variantId);
  await refusedWith(
    "NOT_ENOUGH_POINTS",
    place(buyer, { units: { variantId, quantity: 1 }, points, due: price - points }),
  );
  tell(
    `    who has ${before.points} points and wants to use ${points} is refused NOT_ENOUGH_POINTS at the door`,
  );
  const { orders } = await buyer.orders.listOrders({ memberId: "", pageSize: 1, pageToken: "" });
  if (orders.length > 0) throw new StoryFault("there is an order all the same");
  await tellFigures(stage, buyer, variantId, { before });
}
