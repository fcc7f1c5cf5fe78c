// Stories (b) and (c): there is less than somebody wants.
import { Problem } from "@quadrille/client";
import { soldForPoints } from "./story-sale.ts";
import {
  figures,
  follow,
  newBuyer,
  newProduct,
  pay,
  price,
  refusedWith,
  type Stage,
  StoryFault,
  tellFigures,
  untilStatus,
} from "./story-steps.ts";
import type { Buyer, Order } from "./visitors.ts";

const points = 500;
const racesMost = 20;

interface Runner {
  readonly buyer: Buyer;
  readonly order: Order;
}

/** More than there is is refused at the door; the last unit, wanted by two at once, is sold to one and paid back to the other. */
export async function lastUnit(stage: Stage): Promise<void> {
  const { tell } = stage;
  const one = await newBuyer(stage, points);
  const other = await newBuyer(stage, points);
  for (let race = 1; race <= racesMost; race += 1) {
    const productId = await newProduct(stage, "The last chair of its kind", 1);
    if (race === 1) await refuseMoreThanThereIs(stage, one, productId);
    const before = await figures(one, productId);
    const runners = await bothPlaced(stage, [one, other], productId);
    if (runners === undefined) continue;
    tell(`    the last one was ordered twice at once, and both orders were accepted (race ${race})`);
    const { winner, loser } = await separate(stage, runners);
    await follow(stage, loser.buyer, loser.order, {
      status: "CANCELLED",
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
    const sale = { status: "CONFIRMED", told: soldForPoints, isBrief: true } as const;
    await follow(stage, winner.buyer, winner.order, sale, () => pay(stage, winner.buyer, winner.order));
    tell("    one unit was sold once, and whoever came second has their points back:");
    const must = { stock: 0, points: before.points };
    await tellFigures(stage, loser.buyer, productId, { before, must });
    return;
  }
  throw new StoryFault(`of two orders for the last unit one was refused at the door in ${racesMost} races`);
}

async function refuseMoreThanThereIs({ tell }: Stage, buyer: Buyer, productId: string): Promise<void> {
  await refusedWith(
    "OUT_OF_STOCK",
    buyer.place({ units: { productId, quantity: 2 }, points, due: 2 * price - points }),
  );
  tell("    one is left; an order for two is refused OUT_OF_STOCK at the door");
}

/** Undefined when one came so late that it saw the other's hold: then nothing is left of the race. */
async function bothPlaced(
  stage: Stage,
  buyers: readonly Buyer[],
  productId: string,
): Promise<Runner[] | undefined> {
  const wish = { units: { productId, quantity: 1 }, points, due: price - points };
  const asked = await Promise.allSettled(
    buyers.map(async (buyer) => ({ buyer, order: await buyer.place(wish) })),
  );
  const runners = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (runners.length === buyers.length) return runners;
  for (const each of asked) {
    const isLate =
      each.status === "rejected" && each.reason instanceof Problem && each.reason.code === "OUT_OF_STOCK";
    if (each.status === "rejected" && !isLate) throw each.reason;
  }
  stage.tell(
    "    one of two came too late to be accepted; the other cancels, and they race for another last one",
  );
  for (const { buyer, order } of runners) {
    const end = {
      status: "CANCELLED",
      reason: "BY_MEMBER",
      told: ["order.cancelled"],
      isBrief: true,
    } as const;
    await follow(stage, buyer, order, end, () => buyer.cancel(order.orderId));
  }
  return undefined;
}

async function separate(stage: Stage, runners: readonly Runner[]) {
  const statuses = await Promise.all(
    runners.map(({ buyer, order }) => untilStatus(stage, buyer, order, "PAYABLE", "CANCELLED")),
  );
  const [winner, second] = runners.filter((_, index) => statuses[index] === "PAYABLE");
  const loser = runners.find(({ order }) => order.orderId !== winner?.order.orderId);
  if (winner === undefined || loser === undefined) throw new StoryFault("nobody got the last unit");
  if (second !== undefined) throw new StoryFault("the last unit was held twice");
  return { winner, loser };
}

/** Points one does not have are refused at the door, and no order comes of it. */
export async function tooFewPoints(stage: Stage): Promise<void> {
  const { tell } = stage;
  const buyer = await newBuyer(stage, 300);
  const productId = await newProduct(stage, "A lamp for points", 1);
  const before = await figures(buyer, productId);
  await refusedWith(
    "NOT_ENOUGH_POINTS",
    buyer.place({ units: { productId, quantity: 1 }, points, due: price - points }),
  );
  tell(
    `    who has ${before.points} points and wants to use ${points} is refused NOT_ENOUGH_POINTS at the door`,
  );
  if ((await buyer.orders()).length > 0) throw new StoryFault("there is an order all the same");
  await tellFigures(stage, buyer, productId, { before });
}
