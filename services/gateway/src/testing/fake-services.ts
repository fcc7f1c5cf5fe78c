// The four services for tests of the gateway: a real gRPC server that answers what a test tells it to, and remembers what it was asked.
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { ProductServiceService } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { Refusal } from "@quadrille/decider";
import { type Access, type Call, type Handlers, type Service, service } from "@quadrille/rpc";
import type { Definition } from "@quadrille/rpc/service";

/** One call as a service heard it. */
export interface Heard {
  readonly method: string;
  readonly request: unknown;
  readonly call: Call;
}

export interface FakeHandlers {
  readonly orders?: Partial<Handlers<typeof OrderServiceService>>;
  readonly products?: Partial<Handlers<typeof ProductServiceService>>;
  readonly members?: Partial<Handlers<typeof MemberServiceService>>;
  readonly payments?: Partial<Handlers<typeof PaymentServiceService>>;
}

const everyone = ["member", "operator", "service"] as const;

export function fakeServices(handlers: FakeHandlers, heard: Heard[]): readonly Service[] {
  return [
    fake(OrderServiceService, handlers.orders ?? {}, heard),
    fake(ProductServiceService, handlers.products ?? {}, heard),
    fake(MemberServiceService, handlers.members ?? {}, heard),
    fake(PaymentServiceService, handlers.payments ?? {}, heard),
  ];
}

/** A method the test says nothing about is one that must not be called: it refuses METHOD_UNKNOWN. */
function fake<D extends Definition>(
  definition: D,
  handlers: Partial<Record<string, unknown>>,
  heard: Heard[],
): Service {
  const names = Object.keys(definition);
  const unary = (method: string) => async (request: unknown, call: Call) => {
    heard.push({ method, request, call });
    const handler = handlers[method] as ((request: unknown, call: Call) => unknown) | undefined;
    if (handler === undefined) throw new Refusal("METHOD_UNKNOWN");
    return await handler(request, call);
  };
  return service(
    definition,
    Object.fromEntries(names.map((name) => [name, unary(name)])) as unknown as Handlers<D>,
    Object.fromEntries(names.map((name) => [name, everyone])) as unknown as Access<D>,
  );
}
