// What the product service knows of one order, for an operator who asks why it is where it is.
import type {
  ExplainOrderRequest,
  ExplainOrderResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { explain } from "@quadrille/outbox/explain";
import { HoldRow, holdOf, type StockStore } from "./stock.store.ts";
import { absentHold } from "./stock.ts";
import { waitsOf } from "./stock.waits.ts";

export const explainStock =
  (store: Pick<StockStore, "read">) =>
  (asked: ExplainOrderRequest): Promise<ExplainOrderResponse> =>
    explain(store, "product", asked, async (em) => {
      const found = await em.findOne(HoldRow, { orderId: asked.orderId });
      const hold = found === null ? absentHold : holdOf(found);
      const status = hold.status === "absent" ? "" : hold.status;
      return { status, callers: [], steps: () => [], waits: waitsOf(hold) };
    });
