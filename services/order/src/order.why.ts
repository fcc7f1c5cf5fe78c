// What the order service knows of one order, for an operator who asks why it is where it is.
import type {
  ExplainOrderRequest,
  ExplainOrderResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { explain, type KnownStep } from "@quadrille/outbox/explain";
import type { Trail } from "@quadrille/outbox/trail";
import { fromRow, OrderRow, type OrderStore } from "./order.store.ts";
import { absentOrder, type Order } from "./order.ts";
import { waitsOf } from "./order.waits.ts";

export const explainOrder =
  (store: Pick<OrderStore, "read">) =>
  (asked: ExplainOrderRequest): Promise<ExplainOrderResponse> =>
    explain(store, "order", asked, async (em) => {
      const { orderId } = asked;
      const found = await em.findOne(OrderRow, { orderId });
      const order = found === null ? absentOrder : fromRow(found);
      return {
        status: order.status === "absent" ? "" : order.status,
        callers: order.status === "absent" ? [] : [`member:${order.memberId}`],
        steps: (trail) => placing(order, trail),
        waits: waitsOf(order),
      };
    });

/** An order is the record of the request that placed it, so no other is kept. */
function placing(order: Order, { told }: Trail): KnownStep[] {
  if (order.status === "absent") return [];
  const id = told.find(({ type }) => type === "order.placed")?.causationId ?? "";
  const detail = `by member:${order.memberId}`;
  return [{ kind: "STEP_KIND_ASKED", at: order.placedAt, type: "PlaceOrder", id, detail }];
}
