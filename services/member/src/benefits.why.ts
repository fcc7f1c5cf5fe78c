// What the member service knows of one order, for an operator who asks why it is where it is.
import type {
  ExplainOrderRequest,
  ExplainOrderResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { explain } from "@quadrille/outbox/explain";
import { type BenefitStore, HoldRow, holdOf } from "./benefits.store.ts";
import { absentHold } from "./benefits.ts";
import { waitsOf } from "./benefits.waits.ts";

export const explainBenefits =
  (store: Pick<BenefitStore, "read">) =>
  (asked: ExplainOrderRequest): Promise<ExplainOrderResponse> =>
    explain(store, "member", asked, async (em) => {
      const found = await em.findOne(HoldRow, { orderId: asked.orderId });
      const hold = found === null ? absentHold : holdOf(found);
      const status = hold.status === "absent" ? "" : hold.status;
      return { status, callers: [], steps: () => [], waits: waitsOf(hold) };
    });
