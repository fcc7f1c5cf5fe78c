// gRPC clients of every service, with tokens for whoever is asked to be.
import type { Service } from "@quadrille/contracts/events";
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { OpsServiceService } from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { PaymentServiceService } from "@quadrille/contracts/gen/quadrille/payment/v1/payment_service.ts";
import { ProductServiceService } from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { client, type Role } from "@quadrille/rpc";
import type { Stack } from "./stack.ts";

export type Clients = Awaited<ReturnType<typeof connectAs>>;

/** Connects to every service in someone's name; `subject` is the member id for a member. */
export async function connectAs(stack: Pick<Stack, "keys" | "addresses">, role: Role, subject: string) {
  const token = await stack.keys.mintToken({ sub: subject, role, ttlS: 86_400 });
  await using opening = new AsyncDisposableStack();
  const config = (address: string) => ({ address, token: () => token, deadlineMs: 10_000 });
  const orders = opening.use(await client(OrderServiceService, config(stack.addresses.order)));
  const products = opening.use(await client(ProductServiceService, config(stack.addresses.product)));
  const members = opening.use(await client(MemberServiceService, config(stack.addresses.member)));
  const payments = opening.use(await client(PaymentServiceService, config(stack.addresses.payment)));
  const operations = async (service: Service) =>
    opening.use(await client(OpsServiceService, config(stack.addresses[service])));
  const ops = {
    order: await operations("order"),
    product: await operations("product"),
    member: await operations("member"),
    payment: await operations("payment"),
  };
  const open = opening.move();
  return {
    token,
    orders,
    products,
    members,
    payments,
    ops,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
