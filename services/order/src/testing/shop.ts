// The order service as a buyer meets it: its real calls over a real store, between neighbours whose answers a test chooses.
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import type { RpcClient } from "@quadrille/rpc";
import { openServed } from "@quadrille/rpc/testing/served";
import { migrations } from "../migrations.ts";
import { openOrderStore } from "../order.store.ts";
import type { Shop } from "../placing.ts";
import { orderRpc } from "../service.rpc.ts";
import { openNeighbours } from "./neighbours.ts";
import { newId, policy } from "./wishes.ts";

export type OrderClient = RpcClient<typeof OrderServiceService>;
export type OpenShop = Awaited<ReturnType<typeof openShop>>;

export async function openShop() {
  await using opening = new AsyncDisposableStack();
  const neighbours = opening.use(await openNeighbours());
  const { store, replica, query } = opening.use(await openTestStore("order", migrations, openOrderStore));
  const accepting = { orders: true };
  const lookUps = await neighbours.lookUps();
  const shop: Shop = {
    ...{ store, lookUps, policy, currency: "KRW", minimumCharge: 100n },
    isAccepting: () => accepting.orders,
  };
  const { keys } = neighbours;
  const served = opening.use(await openServed(OrderServiceService, [orderRpc(shop)], { keys }));
  const open = opening.move();
  return {
    neighbours,
    store,
    /** Another replica's store on the same database. */
    replica,
    query,
    shop,
    accepting,
    served,
    /** A member with points, and a client in its name. */
    async buyer(points = 1_000n): Promise<{ memberId: string; orders: OrderClient }> {
      const memberId = newId("m");
      neighbours.points.set(memberId, points);
      return { memberId, orders: await served.as.member(memberId) };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A request for one unit of each variant at 1,000, as the neighbours have them unless told otherwise. */
export function wishFor(...variantIds: string[]) {
  return {
    requestId: newId("r"),
    source: { $case: "lines", value: { lines: variantIds.map((variantId) => ({ variantId, quantity: 1 })) } },
    points: 0n,
    expectedAmountDue: 1_000n * BigInt(variantIds.length),
    method: "PAYMENT_METHOD_CARD",
    payWithinSeconds: 0,
  } as const;
}

export const wholeCart = { $case: "cart", value: {} } as const;
