// The services behind the gateway: one client of each, one deadline for all, always in the name of whoever asked.
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { ProductServiceService } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { client, type RpcClient } from "@quadrille/rpc";
import type { CallOptions } from "@quadrille/rpc/client";
import type { ClientTls } from "@quadrille/rpc/tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import { callerOf } from "./caller.ts";
import { openDepartures } from "./departures.ts";
import { openWatches, type Watches } from "./watches.ts";

export interface NeighboursConfig {
  /** `host:port`, or `dns:///name:port` for a name behind which several servers stand. */
  readonly orders: string;
  readonly products: string;
  readonly members: string;
  readonly payments: string;
  /** How long a call may take, in ms. */
  readonly deadlineMs: number;
  /** The same for one that makes the payment service ask the provider, which may take its time. */
  readonly payingDeadlineMs: number;
  readonly tls?: ClientTls | undefined;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

export interface Neighbours extends AsyncDisposable {
  readonly orders: RpcClient<typeof OrderServiceService>;
  readonly products: RpcClient<typeof ProductServiceService>;
  readonly members: RpcClient<typeof MemberServiceService>;
  readonly payments: RpcClient<typeof PaymentServiceService>;
  /** Watches of orders, on connections of their own: what happens to those leaves other calls be. */
  readonly watches: Watches;
  /** How to call in the name of whoever made the request: their token, their trace, and an end when they are gone. */
  asCaller(request: FastifyRequest, reply: FastifyReply): CallOptions;
  /** The same for a call that may have to wait for the provider. */
  asPayer(request: FastifyRequest, reply: FastifyReply): CallOptions;
}

/** Connects on the first call and never waits for a service to appear. */
export async function openNeighbours(config: NeighboursConfig): Promise<Neighbours> {
  await using opening = new AsyncDisposableStack();
  const to = (address: string) => ({
    address,
    deadlineMs: config.deadlineMs,
    tls: config.tls,
    token: nobody,
  });
  const orders = opening.use(await client(OrderServiceService, to(config.orders)));
  const watches = opening.use(openWatches({ connect: () => client(OrderServiceService, to(config.orders)) }));
  const products = opening.use(await client(ProductServiceService, to(config.products)));
  const members = opening.use(await client(MemberServiceService, to(config.members)));
  const payments = opening.use(await client(PaymentServiceService, to(config.payments)));
  const departures = openDepartures({ perSecondMax: 20, nowMs: config.nowMs });
  const asCaller: Neighbours["asCaller"] = (request, reply) => ({
    token: callerOf(request).token,
    traceparent: traceparentOf(request),
    signal: departures.signalOf(reply.raw),
  });
  const open = opening.move();
  return {
    orders,
    watches,
    products,
    members,
    payments,
    asCaller,
    asPayer: (...of) => ({ ...asCaller(...of), deadlineMs: config.payingDeadlineMs }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The trace context as it came, if it is one; what is not is no reason to refuse a request. */
export function traceparentOf({ headers }: FastifyRequest): string | undefined {
  const { traceparent } = headers;
  const isOne =
    typeof traceparent === "string" && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent);
  return isOne ? traceparent : undefined;
}

function nobody(): never {
  throw new Error("the gateway speaks in its callers' names and has none of its own");
}
