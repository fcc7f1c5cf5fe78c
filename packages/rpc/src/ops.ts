// What every service answers to those who operate it: its books, and what it knows of one order.

import {
  type ExplainOrderRequest,
  type ExplainOrderResponse,
  OpsServiceService,
  ReadBooksResponse,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { Refusal } from "@quadrille/decider";
import { type Service, service } from "./service.ts";
import { fields } from "./validate.ts";

export interface OpsConfig {
  /** Everything this service remembers, in pages; each call is a snapshot of its own. */
  readonly books: () => AsyncIterable<Partial<ReadBooksResponse>>;
  /** What this service knows of an order. */
  readonly explain: (asked: ExplainOrderRequest) => Promise<ExplainOrderResponse>;
}

/** A snapshot holds a connection, and keeps the database from forgetting anything meanwhile: one at a time is enough. */
const snapshotsMost = 1;
/** Facts asked about at once; an order has a few dozen. */
const factIdsMost = 5_000;

export function opsRpc({ books, explain }: OpsConfig): Service {
  let open = 0;
  return service(
    OpsServiceService,
    {
      async *readBooks() {
        if (open >= snapshotsMost) throw new Refusal("OVERLOADED");
        open += 1;
        try {
          for await (const page of books()) yield { ...emptyPage, ...page };
        } finally {
          open -= 1;
        }
      },
      async explainOrder(request) {
        const read = fields();
        read.id("order_id", request.orderId);
        read.list("fact_ids", request.factIds, { max: factIdsMost });
        read.done();
        return await explain(request);
      },
    },
    { readBooks: ["operator"], explainOrder: ["operator"] },
  );
}

const emptyPage = ReadBooksResponse.decode(new Uint8Array());
